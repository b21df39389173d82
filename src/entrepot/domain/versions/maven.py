"""Versions of Maven, ordered by its Version Order Specification (the reference of the POM)."""

from __future__ import annotations

import re
from functools import cmp_to_key
from typing import Any, NamedTuple

_PIECES = re.compile(r"[.\-_]|[0-9]+|[^0-9.\-_]+")
_KNOWN = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_SAME = {"cr": "rc", "ga": "", "final": "", "release": ""}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_WORD, _AFTER_HYPHEN, _AFTER_DOT = range(3)


class _Token(NamedTuple):
    hyphen: bool
    number: int | None
    word: str

    @property
    def null(self) -> bool:
        """Adds nothing at the end of a version."""
        return self.number == 0 or (self.number is None and not self.word)

    @property
    def place(self) -> tuple[int, int, tuple[int, str]]:
        if self.number is not None:
            return _AFTER_HYPHEN if self.hyphen else _AFTER_DOT, self.number, (0, "")
        known = self.word in _KNOWN
        return _WORD, 0, (_KNOWN.index(self.word), "") if known else (len(_KNOWN), self.word)


def loose_key(version: str) -> Any:
    """A key to compare with others of its kind, for every text.

    Words may be before and after the same number of noughts, in the specification itself: three texts that no person
    would write can be in a circle.
    """
    return _key(_tokens(version.strip().lower()))


def _tokens(version: str) -> tuple[_Token, ...]:
    found: list[_Token] = []
    pieces = _PIECES.findall(version)
    hyphen, waits = False, True
    for number, piece in enumerate(pieces):
        if piece in ".-_":
            if waits:
                found.append(_Token(hyphen, 0, ""))
            hyphen, waits = piece != ".", True
            continue
        followed = number + 1 < len(pieces) and pieces[number + 1].isdecimal()
        found.append(_token(piece, hyphen=hyphen if waits else True, followed=followed))
        waits = False
    kept: list[_Token] = []
    for token in reversed(found):
        if not token.null or (kept and not kept[-1].hyphen):
            kept.append(token)
    return tuple(reversed(kept))


def _token(piece: str, *, hyphen: bool, followed: bool) -> _Token:
    if piece.isascii() and piece.isdecimal():
        return _Token(hyphen, int(piece), "")
    word = _SHORT.get(piece, piece) if followed else piece
    return _Token(hyphen, None, _SAME.get(word, word))


def _compare(one: tuple[_Token, ...], other: tuple[_Token, ...]) -> int:
    for number in range(max(len(one), len(other))):
        left = one[number] if number < len(one) else _null(other[number])
        right = other[number] if number < len(other) else _null(one[number])
        if left.place != right.place:
            return -1 if left.place < right.place else 1
    return 0


def _null(token: _Token) -> _Token:
    """What stands for nothing beside a token."""
    return token._replace(number=None if token.number is None else 0, word="")


_key = cmp_to_key(_compare)
