"""Exports: states as plain trees of files, in folders of the server."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictInt, StrictStr

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.services.publish.exported import DAY_SECONDS, ExportWish

router = APIRouter(tags=["exports"])

_MOST_SECONDS = 366 * DAY_SECONDS


class ExportRequest(BaseModel):
    """What to write, and where."""

    state: StrictStr = Field(
        max_length=400, description="As jammy, jammy@SNAPSHOT, jammy@20261121T200000Z or jammy@env:NAME"
    )
    folder: StrictStr = Field(
        max_length=200, description="Below the folder that ENTREPOT_EXPORTS names", examples=["www/repo"]
    )
    delete_after: StrictInt = Field(
        DAY_SECONDS, ge=0, le=_MOST_SECONDS, description="So many seconds files stay that nothing names any more"
    )
    site: StrictStr = Field("", max_length=500, description="Where clients will find the folder; writes their files")


@router.post(
    "/exports",
    summary="Write a state as a tree of files",
    status_code=202,
    dependencies=[Depends(requiring(Permission.TREE_EXPORT))],
    openapi_extra=described(ExportRequest),
)
def export(app: App, who: Who, given: Annotated[ExportRequest, Depends(json_body(ExportRequest))]) -> dict[str, Any]:
    """By a job, in the order in which clients read; again for what changed since."""
    wish = ExportWish(given.delete_after, given.site)
    return {"status": "running", "job_id": app.export_jobs.begin(who, given.state, given.folder, wish)}
