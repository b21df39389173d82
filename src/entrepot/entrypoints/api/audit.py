"""The audit log (contract 4.2 and 4.3)."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from pydantic import BeforeValidator

from entrepot.adapters.catalog.auditing import AuditFilter
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.services.audit import Export, ExportRequest

router = APIRouter(tags=["audit"])

Page = Annotated[int, Query(ge=1, le=10_000_000)]
Flag = Annotated[bool, BeforeValidator(lambda given: given == "" or given)]  # ``&sign`` means what ``&sign=true`` does
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
    found, total = app.audit.log.page(who, conditions, (page - 1) * per_page, per_page, ascending=sort is Sort.ASC)
    rows = [{**words.audit_row(one.entry), "id": one.number, "hash": one.hash} for one in found]
    return words.page(rows, total, page, per_page)


_HEADERS = {
    "X-Export-Count": {"description": "Number of entries", "schema": {"type": "integer"}},
    "X-GPG-Signature": {
        "description": "With sign: base64 of an armored OpenPGP signature of exactly the bytes of the body",
        "schema": {"type": "string"},
    },
}


def _file(*kinds: str) -> dict[int | str, dict[str, Any]]:
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {200: {"description": "A file", "headers": _HEADERS, "content": content}}


def _sent(export: Export) -> StreamingResponse:
    headers = {
        "Content-Disposition": f'attachment; filename="{export.filename}"',
        "X-Export-Count": str(export.count),
    }
    if export.signature is not None:
        headers["X-GPG-Signature"] = b64encode(export.signature.encode()).decode()
    return StreamingResponse(export.chunks, headers=headers, media_type=export.media_type)


@router.get(
    "/artifacts/audit/export",
    summary="Take away audit entries as a file",
    response_class=StreamingResponse,
    responses=_file("text/csv", "application/json", "application/gzip"),
    dependencies=[Depends(requiring(Permission.AUDIT_READ))],
)
def export(
    app: App,
    who: Who,
    conditions: Wanted,
    *,
    format: Annotated[str, Query(max_length=40, description="csv or json")] = "csv",  # noqa: A002 - the contract's word
    compress: Flag = False,
    sign: Flag = False,
) -> StreamingResponse:
    """All that meet the conditions, oldest first.

    A cell of CSV that a spreadsheet could run begins with an apostrophe.  With ``sign``, the signature is that of the
    file as it is sent, compressed or not; the key is at ``/artifacts/audit/key``.
    """
    asked = ExportRequest(conditions, format.lower(), compress=compress, sign=sign)
    return _sent(app.audit.exports.entries(who, asked))


@router.get(
    "/artifacts/audit/export/archive",
    summary="Take away the audit log by days",
    response_class=StreamingResponse,
    responses=_file("application/zip"),
    dependencies=[Depends(requiring(Permission.AUDIT_ARCHIVE))],
)
def archive(app: App, who: Who, conditions: Wanted) -> StreamingResponse:
    """A ZIP archive: a file for each day (UTC) with one entry in a line, every checkpoint, and the public key.

    Of the conditions, ``start`` and ``end`` count.
    """
    return _sent(app.audit.exports.archive(who, conditions.start, conditions.end))


@router.get(
    "/artifacts/audit/export/user/{username}",
    summary="Take away what is known of a person",
    response_class=StreamingResponse,
    responses=_file("application/json"),
    dependencies=[Depends(requiring(Permission.AUDIT_ARCHIVE))],
)
def user_export(username: str, app: App, who: Who) -> StreamingResponse:
    """The account, what the person did, and what was done by their tokens or to them."""
    return _sent(app.audit.exports.of_user(who, username))


@router.get(
    "/artifacts/audit/integrity",
    summary="Verify the audit log",
    dependencies=[Depends(requiring(Permission.AUDIT_VERIFY))],
)
def integrity(app: App, who: Who) -> dict[str, Any]:
    """Compare every entry with its hash, its number, its neighbours and what was signed; each difference is named."""
    return app.audit.integrity.verify(who).words()


@router.get(
    "/artifacts/audit/key",
    summary="The public key of the audit log",
    response_class=Response,
    responses={200: {"description": "An armored OpenPGP key", "content": {"application/pgp-keys": {}}}},
)
def key(app: App) -> Response:
    """It verifies signed exports and checkpoints, with gpg or gpgv; open to all."""
    return Response(app.audit.exports.key(), media_type="application/pgp-keys")
