"""Lines of a web server's access log in combined format, as nginx and Apache write it.

Everything in a line but its frame comes from strangers.  Both servers write quotes inside a field with a backslash, so
that a client cannot end a field, and a line is one request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from entrepot.domain.model.package import Format

LONGEST_LINE = 32 << 10
_QUOTED = rb'"((?:[^"\\]|\\.)*)"'
# An optional last field, "$sent_http_content_range", says which part of a file was sent.
_LINE = re.compile(
    rb'(\S{1,64}) \S{1,64} [^"]{0,512}?'
    rb"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] "
    + _QUOTED
    + rb" (\d{3}) (\d{1,18}|-) "
    + _QUOTED
    + rb" "
    + _QUOTED
    + rb'(?: "bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")?'
)
_REQUEST = re.compile(rb"([A-Z]{1,16}) (\S+) HTTP/\d(?:\.\d)?\Z")
_ORIGIN = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1
    )
}
_MOST_PATH = 1024
_FORMATS = {"apt": Format.DEB, "rpm": Format.RPM}


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One line.  ``part`` is first byte, last byte and size of the whole, where the log says so."""

    at: datetime
    address: str
    method: str
    path: str
    status: int
    sent_bytes: int
    user_agent: str
    part: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class PoolPlace:
    """Where a package is, as the catalog has it."""

    format: Format
    archive: str
    path: str


def parse_line(line: bytes) -> LoggedRequest | None:
    """None for what is not such a line, and for requests that are none (scans, TLS on the plain port)."""
    match = _LINE.match(line) if len(line) <= LONGEST_LINE else None
    at = _time(match.group) if match else None
    request = _REQUEST.match(match[11]) if match else None
    if match is None or at is None:
        return None
    method, target = (request[1].decode(), request[2]) if request else ("", b"")
    return LoggedRequest(
        at=at,
        address=match[1].decode("latin-1"),
        method=method,
        path=_path(target),
        status=int(match[12]),
        sent_bytes=0 if match[13] == b"-" else int(match[13]),
        user_agent=match[15].decode("utf-8", "replace"),
        part=(int(match[16]), int(match[17]), int(match[18])) if match[16] else None,
    )


def pool_place(path: str) -> PoolPlace | None:
    """The package file that a URL path names, by its form; none for indexes, keys and everything else."""
    top, _, rest = path.lstrip("/").partition("/")
    archive, _, inner = rest.partition("/")
    format_ = _FORMATS.get(top)
    if format_ is None or not archive or len(path) > _MOST_PATH:
        return None
    if format_ is Format.RPM:
        inner = inner.partition("/")[2].partition("/")[2]
    if not inner.startswith("pool/" if format_ is Format.DEB else "Packages/"):
        return None
    return PoolPlace(format_, archive, inner)


def _time(group: Callable[[int], bytes]) -> datetime | None:
    day, year, hour, minute, second = (int(group(number)) for number in (2, 4, 5, 6, 7))
    month = _MONTHS.get(group(3))
    offset = timedelta(hours=int(group(9)), minutes=int(group(10)))
    try:
        local = datetime(year, month or 0, day, hour, minute, second, tzinfo=UTC)
        return local - offset if group(8) == b"+" else local + offset
    except (ValueError, OverflowError):
        return None


def _path(target: bytes) -> str:
    """Decoded once; without origin and query."""
    bare = _ORIGIN.sub(b"", target, count=1) if not target.startswith(b"/") else target
    bare = bare.partition(b"?")[0]
    if b"\\" in bare or b"\0" in bare:
        return ""
    decoded = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), bare)
    return "" if b"\0" in decoded else decoded.decode("utf-8", "replace")
