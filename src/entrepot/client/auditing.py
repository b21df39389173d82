"""The part of the client about the audit log."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Protocol

from entrepot.client.answers import AuditPage, AuditRow, shaped
from entrepot.client.errors import BadAnswer
from entrepot.client.people import JsonCall

_PER_PAGE = 500


class FileCall(Protocol):
    """One request whose answer goes into an open file; its headers."""

    def __call__(self, path: str, params: Mapping[str, str | int], file: BinaryIO) -> Mapping[str, str]:
        """Raises ``ClientError``."""
        ...


class Auditing:
    """``Client.auditing``; conditions are those of ``GET /artifacts/audit/logs``."""

    def __init__(self, call: JsonCall, save: FileCall) -> None:
        self._call = call
        self._save = save

    def page(self, conditions: Mapping[str, str], page: int = 1, per_page: int = _PER_PAGE) -> AuditPage:
        """``GET /artifacts/audit/logs``, one page."""
        body = self._call("GET", "/artifacts/audit/logs", {**conditions, "page": page, "per_page": per_page})
        return shaped(body, AuditPage, items=list, total=int, pages=int)

    def newest(self, conditions: Mapping[str, str], limit: int) -> Iterator[AuditRow]:
        """The newest entries, fetched page by page as they are asked for."""
        number, left = 1, limit
        while left > 0:
            page = self.page(conditions, number, min(_PER_PAGE, limit))
            yield from page["items"][:left]
            left -= len(page["items"])
            if number >= page["pages"] or not page["items"]:
                return
            number += 1

    def export(
        self, conditions: Mapping[str, str], format_: str, file: BinaryIO, *, compress: bool, sign: bool
    ) -> tuple[int, bytes | None]:
        """``GET /artifacts/audit/export``: how many entries went into the file, and its armored signature."""
        flags = {"compress": str(compress).lower(), "sign": str(sign).lower()}
        headers = self._save("/artifacts/audit/export", {**conditions, "format": format_, **flags}, file)
        try:
            signature = base64.b64decode(headers.get("x-gpg-signature", ""), validate=True) or None
            return int(headers.get("x-export-count", "")), signature
        except (ValueError, binascii.Error):
            raise BadAnswer("the server sent an export without its number of entries", code="bad_answer") from None
