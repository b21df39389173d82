"""Versions of npm, crates.io and Go, ordered by Semantic Versioning 2.0.0 (section 11)."""

from __future__ import annotations

import re

_VERSION = re.compile(r"(?:v|go|=)?\s*([0-9]+(?:\.[0-9]+)*)(.*)", re.DOTALL)
_WORDS = re.compile(r"[0-9]+|[^0-9.]+")

Word = tuple[int, int, str]
SortKey = tuple[bool, tuple[int, ...], bool, tuple[Word, ...]]


def loose_key(version: str) -> SortKey:
    """Total: parts that are missing are 0, ``1.21rc2`` is before ``1.21``, and what is no version is before all others.

    What comes after a plus sign says how it was built, and nothing about the order.
    """
    found = _VERSION.fullmatch(version.strip().partition("+")[0])
    if found is None:
        return False, (), False, (_word(version),)
    release = [int(part) for part in found[1].split(".")]
    while release and release[-1] == 0:
        release.pop()
    rest = found[2]
    if not rest:
        return True, tuple(release), True, ()
    parts = rest[1:].split(".") if rest.startswith("-") else _WORDS.findall(rest)
    return True, tuple(release), False, tuple(_word(part) for part in parts)


def _word(text: str) -> Word:
    """Numbers are before words."""
    return (0, int(text), "") if text.isascii() and text.isdecimal() else (1, 0, text)
