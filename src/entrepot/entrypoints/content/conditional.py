"""Conditional and range requests (RFC 9110 sections 13 and 14), for files whose digest is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Literal

from entrepot.domain.model.generation import PublishedFile

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: status, and for 200 and 206 which bytes."""

    status: Literal[200, 206, 304, 416]
    offset: int = 0
    length: int = 0


def etag_of(file: PublishedFile) -> str:
    """A strong validator: the digest."""
    return f'"{file.digest}"'


def last_modified(file: PublishedFile) -> str:
    """As an HTTP date."""
    return formatdate(file.modified_at, usegmt=True)


def answer_for(file: PublishedFile, headers: Mapping[str, str]) -> Answer:
    """Decide between the whole file, a part, nothing new, and a range that cannot be."""
    if _not_modified(file, headers):
        return Answer(304)
    wanted = headers.get("range")
    if wanted and _range_applies(file, headers.get("if-range")):
        found = _one_range(wanted, file.size_bytes)
        if found is not None:
            return found
    return Answer(200, 0, file.size_bytes)


def _not_modified(file: PublishedFile, headers: Mapping[str, str]) -> bool:
    wanted = headers.get("if-none-match")
    if wanted is not None:
        tags = [tag.strip().removeprefix("W/") for tag in wanted[:4096].split(",")]
        return "*" in tags or etag_of(file) in tags
    since = _date(headers.get("if-modified-since"))
    return since is not None and file.dated and since >= file.modified_at


def _range_applies(file: PublishedFile, condition: str | None) -> bool:
    if condition is None:
        return True
    if condition.startswith('"'):
        return condition == etag_of(file)
    return file.dated and _date(condition) == file.modified_at


def _one_range(wanted: str, size: int) -> Answer | None:
    """A single range; none for what is malformed or asks for several, which may be answered with the whole."""
    match = _RANGE.match(wanted)
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        return Answer(206, size - length, length) if length else Answer(416)
    first, last = int(match[1]), int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        return None
    if first >= size:
        return Answer(416)
    return Answer(206, first, min(last, size - 1) - first + 1)


def _date(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None
