"""Review of packages that wait for a person (contract 4.6)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.decisions import HeldFilter
from entrepot.adapters.catalog.records import PackageFilter
from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.finding import Severity
from entrepot.domain.policy.decisions import SPELLINGS, DecisionAction
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page, Text, published
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.decision_words import assignee_named, record, waiting_row
from entrepot.entrypoints.api.errata import ErratumRequest
from entrepot.errors import InvalidRequest
from entrepot.services.intake.decisions.acts import Choice
from entrepot.services.intake.reviews import Decision

router = APIRouter(tags=["security"])

Days = Annotated[StrictInt, Field(ge=1, le=3650)]
Word = Annotated[StrictStr, Field(min_length=1, max_length=256)]
CveIds = Annotated[list[Annotated[StrictStr, Field(min_length=1, max_length=100)]], Field(max_length=1000)]
_SAID = {
    DecisionAction.ACCEPT_RISK: "can be installed now",
    DecisionAction.EXCEPTION: "can be installed now, until the exception ends",
    DecisionAction.REJECT: "was rejected",
    DecisionAction.UPGRADE_REQUIRED: "stays out until a newer version is published",
}


class DecideRequest(BaseModel):
    """All spellings of the documents (contract D-18)."""

    model_config = ConfigDict(populate_by_name=True)

    decision: Annotated[str, Field(max_length=40, examples=["approve"])] = Field(
        validation_alias=AliasChoices("decision", "action")
    )
    justification: Annotated[str, Field(max_length=8000, examples=["set-uid helper, read by two of us"])] = Field(
        "", validation_alias=AliasChoices("justification", "comment", "reason")
    )
    arch: Annotated[str, Field(max_length=64)] | None = None
    distribution: Annotated[str, Field(max_length=128)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of the file that was looked at")] | None = None
    expires_in_days: Days | None = None
    target_version: Word | None = None
    cve_ids: CveIds | None = None
    assigned_to: Word | None = None
    assigned_to_type: Word | None = None
    erratum: ErratumRequest | None = Field(
        None, description="What clients are told about the update that is let in; about it, unless it names packages"
    )

    @model_validator(mode="before")
    @classmethod
    def _say_one_thing(cls, given: Any) -> Any:
        if isinstance(given, dict) and {"decision", "action"} <= given.keys():
            said = [str(given[name]).strip().lower() for name in ("decision", "action")]
            if len({SPELLINGS.get(word, word) for word in said}) > 1:
                raise InvalidRequest("decision and action say different things; send one of them")
        return given

    def choice(self) -> Choice:
        """What is decided.

        Raises:
            InvalidRequest: the word is none of the documents.
        """
        action = SPELLINGS.get(self.decision.strip().lower())
        if action is None:
            raise InvalidRequest(
                f"unknown decision {self.decision[:40]!r}; say approve, reject, exception or upgrade_required"
            )
        return Choice(
            action=action,
            justification=self.justification,
            expires_in_days=self.expires_in_days,
            target_version=self.target_version,
            cve_ids=tuple(self.cve_ids or ()),
            assignee=assignee_named(self.assigned_to, self.assigned_to_type),
            erratum=None if self.erratum is None else self.erratum.notice(self.erratum.code),
        )


@router.get(
    "/security/review-queue",
    summary="Packages that wait for a person",
    dependencies=[Depends(requiring(Permission.REVIEW_READ))],
)
def review_queue(
    app: App,
    who: Who,
    page: Page = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
    status: Literal["pending_review", "blocked", "all"] = "all",
    severity: Text = None,
    distribution: Text = None,
    q: Text = None,
    assigned: Annotated[
        str | None, Query(max_length=200, description="mine, unassigned, a user, or group:NAME")
    ] = None,
) -> dict[str, Any]:
    """The worst first, then what has waited longest.  Blocked ones were refused by policy; a person may let them in."""
    conditions = HeldFilter(
        PackageFilter(text=q or "", suite="" if distribution in (None, "all") else str(distribution)),
        assignees=_assignees(app, who, assigned),
        unassigned=assigned == "unassigned",
        blocked=None if status == "all" else status == "blocked",
        severity=_severity(severity),
    )
    found = app.reviews.queue(who, conditions, (page - 1) * per_page, per_page)
    rows = [waiting_row(one, app.now()) for one in found.page]
    return {
        "total": found.total,
        "blocked_count": found.blocked_count,
        "review_count": found.review_count,
        "packages": words.page(rows, found.total, page, per_page),
    }


def _assignees(app: Application, who: Actor, assigned: str | None) -> Any:
    if assigned in (None, "", "all", "unassigned"):
        return None
    if assigned == "mine":
        return app.decisions.records.own(who)
    found = assignee_named(assigned, None)
    return None if found is None else (found,)


def _severity(word: str | None) -> Severity | None:
    if word in (None, "", "all"):
        return None
    try:
        return Severity(str(word))
    except ValueError:
        raise InvalidRequest(f"unknown severity {str(word)[:40]!r}; there are {', '.join(Severity)}") from None


@router.post(
    "/security/packages/{name}/{version}/decide",
    summary="Decide about a package",
    dependencies=[Depends(requiring(Permission.REVIEW_DECIDE))],
    openapi_extra=described(DecideRequest),
    responses={
        200: {"description": "Decided; what was approved can be installed, what was not is in no index"},
        400: {"description": "Unknown decision, no justification, unknown assignee, unfit erratum"},
        403: {"description": "The role is too low, or two people are wanted and this one brought the package"},
        404: {"description": "No such version ever came in"},
        409: {"description": "Somebody has decided, it is still inspected, or several files wait under the version"},
    },
)
async def decide(
    name: str,
    version: str,
    given: Annotated[DecideRequest, Depends(json_body(DecideRequest))],
    app: App,
    who: Who,
) -> dict[str, Any]:
    """An approved package can be installed when the answer comes; a rejected one can no longer."""
    decision = await run_in_threadpool(_decide, app, who, name, version, given)
    await published(app, decision.revisions)
    action = decision.action
    return {
        "status": "ok",
        "package": name,
        "version": version,
        "action": action.value,
        "new_status": action.status,
        "decision": record(decision.records[0], app.now()),
        "decisions": [record(one, app.now()) for one in decision.records],
        "published": action.publishes,
        "errata": sorted(one.code for one in decision.errata.values()),
        "message": f"{name} {version} {_SAID[action]}",
    }


def _decide(app: Application, who: Actor, name: str, version: str, given: DecideRequest) -> Decision:
    return app.reviews.decide(
        who,
        name,
        version,
        given.choice(),
        architecture=given.arch,
        distribution=given.distribution,
        digest=given.sha256,
    )
