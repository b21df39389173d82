"""The part of the client about the audit log: searched, verified, taken away."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from entrepot.client.answers import shaped
from entrepot.client.answers_overview import AuditPage, AuditRow, Integrity
from entrepot.client.errors import BadAnswer
from entrepot.client.multipart import Progress
from entrepot.client.segments import segment
from entrepot.client.wire import MOST_FILE_BYTES, Received, Wire, given

_PER_PAGE = 500


@dataclass(frozen=True, slots=True)
class AuditConditions:
    """Which entries; empty is all.  ``start`` and ``end`` are days or times as ISO 8601 has them, both included."""

    package: str = ""
    user: str = ""
    action: str = ""
    result: str = ""
    distribution: str = ""
    text: str = ""
    start: str = ""
    end: str = ""

    def params(self) -> dict[str, str | int]:
        """As a query."""
        return given(
            package=self.package,
            user=self.user,
            action=self.action,
            result=self.result,
            distribution=self.distribution,
            q=self.text,
            start=self.start,
            end=self.end,
        )


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that came whole, how many entries are in it, and its armored signature where that was asked for."""

    file: Received
    count: int
    signature: bytes | None


_ALL = AuditConditions()


class Audit:
    """``Client.audit``; needs an auditor, archives and persons an administrator.

    Files are written as they come; ``progress`` is told how many bytes.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def logs(
        self,
        conditions: AuditConditions = _ALL,
        page: int = 1,
        per_page: int = _PER_PAGE,
        *,
        sort: Literal["asc", "desc"] | None = None,
    ) -> AuditPage:
        """``GET /artifacts/audit/logs``, one page, newest first unless ``sort`` is asc."""
        params = conditions.params() | given(page=page, per_page=per_page, sort=sort)
        return shaped(self._wire("GET", "/artifacts/audit/logs", params), AuditPage, items=list, total=int)

    def newest(self, conditions: AuditConditions, limit: int) -> Iterator[AuditRow]:
        """The newest entries, fetched page by page as they are asked for."""
        number, left = 1, limit
        while left > 0:
            page = self.logs(conditions, number, min(_PER_PAGE, limit))
            yield from page["items"][:left]
            left -= len(page["items"])
            if number >= page["pages"] or not page["items"]:
                return
            number += 1

    def integrity(self) -> Integrity:
        """``GET /artifacts/audit/integrity``: every entry against its hash, its neighbours and what was signed."""
        return shaped(self._wire("GET", "/artifacts/audit/integrity"), Integrity, status=str, faults=list)

    def key(self) -> str:
        """``GET /artifacts/audit/key``: the public key that verifies exports; needs no credential."""
        return self._wire.text("/artifacts/audit/key")

    def export(
        self,
        target: BinaryIO,
        conditions: AuditConditions = _ALL,
        *,
        format_: Literal["csv", "json"] | None = None,
        compress: bool | None = None,
        sign: bool | None = None,
        most_bytes: int = MOST_FILE_BYTES,
        progress: Progress | None = None,
    ) -> Exported:
        """``GET /artifacts/audit/export``: all that meet the conditions, oldest first."""
        params = conditions.params() | given(format=format_, compress=compress, sign=sign)
        path = "/artifacts/audit/export"
        return _exported(self._wire.file(path, target, params, most_bytes=most_bytes, progress=progress))

    def export_archive(
        self,
        target: BinaryIO,
        conditions: AuditConditions = _ALL,
        *,
        most_bytes: int = MOST_FILE_BYTES,
        progress: Progress | None = None,
    ) -> Exported:
        """``GET /artifacts/audit/export/archive``: a ZIP archive by days; ``start`` and ``end`` count."""
        path = "/artifacts/audit/export/archive"
        params = conditions.params()
        return _exported(self._wire.file(path, target, params, most_bytes=most_bytes, progress=progress))

    def export_user(
        self,
        target: BinaryIO,
        username: str,
        *,
        most_bytes: int = MOST_FILE_BYTES,
        progress: Progress | None = None,
    ) -> Exported:
        """``GET /artifacts/audit/export/user/{username}``: what is known of a person."""
        path = f"/artifacts/audit/export/user/{segment(username)}"
        return _exported(self._wire.file(path, target, most_bytes=most_bytes, progress=progress))


def _exported(file: Received) -> Exported:
    try:
        signature = base64.b64decode(file.headers.get("x-gpg-signature", ""), validate=True) or None
        return Exported(file, int(file.headers.get("x-export-count", "")), signature)
    except (ValueError, binascii.Error):
        raise BadAnswer("the server sent an export without its number of entries", code="bad_answer") from None
