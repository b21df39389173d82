"""Review of held packages (contract 4.6; the rows about scanners come with the scanners)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page, published
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.errors import InvalidRequest
from entrepot.services.intake.reviews import Decision, Held

router = APIRouter(tags=["security"])

_APPROVE = ("approve", "approved", "accept", "accepted", "accept_risk")
_REJECT = ("reject", "rejected", "deny")


class DecideRequest(BaseModel):
    """Both spellings of the documents (contract D-18)."""

    model_config = ConfigDict(populate_by_name=True)

    decision: Annotated[str, Field(max_length=40, examples=["approve"])] = Field(
        validation_alias=AliasChoices("decision", "action")
    )
    justification: Annotated[str, Field(max_length=8000, examples=["set-uid helper, read by two of us"])] = Field(
        "", validation_alias=AliasChoices("justification", "comment", "reason")
    )
    arch: Annotated[str, Field(max_length=64)] | None = None

    def approves(self) -> bool:
        """Whether it is a yes.

        Raises:
            InvalidRequest: it is neither yes nor no.
        """
        word = self.decision.strip().lower()
        if word in _APPROVE:
            return True
        if word in _REJECT:
            return False
        raise InvalidRequest(f"unknown decision {self.decision[:40]!r}; say approve or reject")


@router.get("/security/review-queue", summary="Packages that wait for a person")
def review_queue(
    app: App, who: Who, page: Page = 1, per_page: Annotated[int, Query(ge=1, le=200)] = 50
) -> dict[str, Any]:
    """Oldest first, with what was seen in them."""
    found, total = app.reviews.queue(who, (page - 1) * per_page, per_page)
    rows = [_held_row(one) for one in found]
    return {
        "total": total,
        "blocked_count": 0,
        "review_count": total,
        "packages": words.page(rows, total, page, per_page),
    }


@router.post(
    "/security/packages/{name}/{version}/decide",
    summary="Approve or reject a held package",
    dependencies=[Depends(requiring(Permission.REVIEW_DECIDE))],
    openapi_extra=described(DecideRequest),
)
async def decide(
    name: str,
    version: str,
    given: Annotated[DecideRequest, Depends(json_body(DecideRequest))],
    app: App,
    who: Who,
) -> dict[str, Any]:
    """An approved package can be installed when the answer comes; a rejected one never could."""
    approve = given.approves()
    decision = await run_in_threadpool(
        _decide, app, who, name, version, given.arch, approve=approve, justification=given.justification
    )
    await published(app, decision.revisions)
    return {
        "status": "ok",
        "package": name,
        "version": version,
        "action": "accept_risk" if approve else "reject",
        "new_status": "accepted_risk" if approve else "quarantined",
        "decision": _record(decision, who.name),
        "published": approve,
        "message": f"{name} {version} {'can be installed now' if approve else 'was rejected'}",
    }


def _decide(
    app: App, who: Who, name: str, version: str, arch: str | None, *, approve: bool, justification: str
) -> Decision:
    return app.reviews.decide(who, name, version, arch, approve=approve, justification=justification)


def _held_row(one: Held) -> dict[str, Any]:
    key = one.package.key
    return {
        "name": key.name,
        "version": key.version,
        "arch": key.architecture,
        "distribution": one.suite.codename,
        "pkg_format": key.format.value,
        "imported_at": words.when(one.admission.requested_at),
        "imported_by": one.admission.requested_by,
        "status": "pending_review",
        "reasons": list(one.admission.reasons),
        "worst_severity": None,
        "cve_counts": {},
        "total_cve": 0,
        "kev_count": 0,
        "high_epss_count": 0,
        "cve_results": [],
        "decision": None,
        "sla": {"has_sla": False},
    }


def _record(decision: Decision, by: str) -> dict[str, Any]:
    first = decision.held[0]
    return {
        "id": first.admission.id,
        "package": first.package.key.name,
        "version": first.package.key.version,
        "arch": first.package.key.architecture,
        "decision": "approve" if decision.approved else "reject",
        "action": "accept_risk" if decision.approved else "reject",
        "status": "accepted_risk" if decision.approved else "quarantined",
        "justification": decision.justification,
        "decided_by": by,
        "decided_at": words.when(decision.decided_at),
        "expires_at": None,
        "sla": {"has_sla": False, "expires_at": None, "remaining_days": None, "expired": False, "warning": False},
    }
