"""The audit log (contract 4.2 and 4.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError

from entrepot.adapters.catalog.auditing import AuditFilter
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.context import App, Who, requiring

router = APIRouter(tags=["audit"])

Page = Annotated[int, Query(ge=1, le=10_000_000)]
PerPage = Annotated[int, Query(ge=1, le=500)]
_DAY = re.compile(r"\d{4}-?\d\d-?\d\d\Z")
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)\Z")  # a plus sign that was not encoded arrives as a blank


class Sort(StrEnum):
    """Newest first, or oldest."""

    DESC = "desc"
    ASC = "asc"


def wanted(
    package: Annotated[str, Query(max_length=256, description="Exactly this name")] = "",
    user: Annotated[str, Query(max_length=128, description="Exactly this name")] = "",
    action: Annotated[str, Query(max_length=48, description="In any case, such as UPLOAD")] = "",
    result: Annotated[str, Query(max_length=24, description="In any case, such as FAILURE")] = "",
    distribution: Annotated[str, Query(max_length=300, description="Codename")] = "",
    q: Annotated[str, Query(max_length=200, description="Anywhere in package, user or detail, in any case")] = "",
    start: Annotated[str, Query(max_length=40, description="ISO 8601, inclusive; UTC unless it says otherwise")] = "",
    end: Annotated[str, Query(max_length=40, description="ISO 8601, inclusive; a day is meant to its end")] = "",
) -> AuditFilter:
    """Query parameters as a filter."""
    return AuditFilter(
        package=package,
        user=user,
        action=action,
        result=result,
        suite=distribution,
        start=_moment("start", start, time.min),
        end=_moment("end", end, time.max),
        text=q,
    )


def _moment(name: str, given: str, of_day: time) -> datetime | None:
    if not given:
        return None
    try:
        found = datetime.fromisoformat(_LOST_PLUS.sub(r"+\1", given))
        if _DAY.match(given):
            found = datetime.combine(found.date(), of_day)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        fault = {"type": "datetime", "loc": ("query", name), "msg": "must be a time as ISO 8601 has it", "input": given}
        raise RequestValidationError([fault]) from None


Wanted = Annotated[AuditFilter, Depends(wanted)]


@router.get(
    "/artifacts/audit/logs",
    summary="Search in the audit log",
    dependencies=[Depends(requiring(Permission.AUDIT_READ))],
)
def logs(
    app: App, who: Who, conditions: Wanted, page: Page = 1, per_page: PerPage = 100, sort: Sort = Sort.DESC
) -> dict[str, Any]:
    """All of the history; conditions must hold together.  ``id`` is the place in the chain and has no gaps."""
    found, total = app.audit.page(who, conditions, (page - 1) * per_page, per_page, ascending=sort is Sort.ASC)
    rows = [{**words.audit_row(one.entry), "id": one.number, "hash": one.hash} for one in found]
    return words.page(rows, total, page, per_page)
