"""Debian versions: ``[epoch:]upstream[-revision]``, Debian Policy 5.6.12, ordered as dpkg orders them."""

from __future__ import annotations

import re
from typing import NamedTuple

from entrepot.errors import BadVersion

MAX_CHARACTERS = 256  # ours: a version is part of a file name and of every index that names the package
MAX_EPOCH = 2**31 - 1  # dpkg keeps the epoch in a C int

# The upstream part may hold colons only after an epoch, and hyphens only before a revision; both follow from the
# match and the checks after it.  A first character that is not a digit is a warning to dpkg and an error here.
_VERSION = re.compile(r"(?:([0-9]+):)?([0-9][A-Za-z0-9.+~:-]*?)(?:-([A-Za-z0-9.+~]+))?")
_PIECE = re.compile(r"([^0-9]*)([0-9]*)")
# "~" before the end of the piece (U+0001), the end before letters, letters before everything else.
_ORDER = {ord("~"): "\0"} | {ord(mark): chr(ord(mark) + 0x100) for mark in "+-.:"}

SortKey = tuple[int, tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]


class DebVersion(NamedTuple):
    """The parts of a version; an epoch that is not written is 0, a revision that is not written is empty."""

    epoch: int
    upstream: str
    revision: str


def parse(version: str) -> DebVersion:
    """Split a version.

    Raises:
        BadVersion: outside the grammar, or longer than ``MAX_CHARACTERS``.
    """
    if len(version) > MAX_CHARACTERS:
        raise BadVersion(f"version {version[:20]!a}... is longer than {MAX_CHARACTERS} characters")
    match = _VERSION.fullmatch(version)
    if match is None:
        raise BadVersion(f"version {version!a} is not [epoch:]upstream[-revision]")
    epoch, upstream, revision = match.groups()
    if epoch is None:
        if ":" in upstream:
            raise BadVersion(f"version {version!a} has an epoch that is not a number")
    elif int(epoch) > MAX_EPOCH:
        raise BadVersion(f"version {version!a} has an epoch above {MAX_EPOCH}")
    if upstream.endswith("-") and not revision:
        raise BadVersion(f"version {version!a} has an empty revision")
    return DebVersion(int(epoch or 0), upstream, revision or "")


def validate(version: str) -> None:
    """Raise BadVersion unless ``version`` is inside the grammar."""
    parse(version)


def sort_key(version: str) -> SortKey:
    """A key that orders versions as ``dpkg --compare-versions`` does; equal versions have equal keys.

    Raises:
        BadVersion: see ``parse``.
    """
    epoch, upstream, revision = parse(version)
    return epoch, _pieces(upstream), _pieces(revision)


def compare(a: str, b: str) -> int:
    """Negative, zero or positive as ``a`` is older than, equal to or newer than ``b``; raises BadVersion."""
    if a == b:
        validate(a)
        return 0
    left, right = sort_key(a), sort_key(b)
    return (left > right) - (left < right)


def _pieces(part: str) -> tuple[tuple[str, int], ...]:
    # The empty match at the end stands for the end of the string, which sorts after "~" and before the rest.
    return tuple((text.translate(_ORDER) + "\1", int(number or 0)) for text, number in _PIECE.findall(part or "0"))


def loose_key(version: str) -> SortKey:
    """The same order, extended to text outside the grammar, as third parties write it; equal to ``sort_key`` inside."""
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", version
    upstream, hyphen, revision = rest.rpartition("-")
    return int(epoch), _pieces(upstream if hyphen else rest), _pieces(revision if hyphen else "")
