"""A try of the settings for the directory (contract 4.12)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring

router = APIRouter(tags=["settings"])

Text = Annotated[str, Field(max_length=500)]


class DirectoryTest(BaseModel):
    """Settings to try in place of the stored ones; what is left out is as stored."""

    model_config = ConfigDict(strict=True)

    ldap_url: Text | None = Field(None, examples=["ldaps://directory.example"])
    ldap_start_tls: bool | None = None
    ldap_bind_dn: Text | None = None
    ldap_bind_password: Text | None = None
    ldap_base_dn: Text | None = None
    ldap_user_filter: Text | None = None
    ldap_tls_ca: Annotated[str, Field(max_length=50_000)] | None = None


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {"example": {"status": "ok", "message": "the directory answers", "users_found": 42}}
        }
    },
    400: {"description": "Not configured, not reachable, or the directory refuses the credentials"},
    504: {"description": "The directory did not answer in time"},
}


@router.post(
    "/settings/test-ldap",
    summary="Try the settings for the directory",
    dependencies=[Depends(requiring(Permission.SETTING_WRITE))],
    openapi_extra=described(DirectoryTest),
    responses=_ANSWERS,
)
def test_directory(
    app: App, who: Who, given: Annotated[DirectoryTest, Depends(json_body(DirectoryTest))]
) -> dict[str, Any]:
    """Binds as the service account and counts who the filter finds, up to 1000.

    Nothing is stored.  The stored password is not sent to another server: give ``ldap_bind_password`` as well.
    """
    overrides = given.model_dump(exclude_none=True)
    message, count = app.directory.test(who, {key.removeprefix("ldap_"): value for key, value in overrides.items()})
    return {"status": "ok", "message": message, "users_found": count}
