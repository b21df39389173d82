"""The chain of audit entries: what the hash of an entry covers, and what is wrong with a chain that was changed.

An entry is a JSON object; its hash is the SHA-256 of all its fields but ``hash``, sorted by name, in ASCII, without
blanks.  ``previous`` is the hash of the entry before it, so that each hash stands for everything up to it.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

BEGINNING = "0" * 64
"""What the first entry has before it."""
_REMEMBERED = 4096


def canonical(document: Mapping[str, object]) -> bytes:
    """The bytes that are hashed or signed."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def hash_of(document: Mapping[str, object]) -> str:
    """Hash of an entry, whether or not it shows one."""
    return hashlib.sha256(canonical({key: value for key, value in document.items() if key != "hash"})).hexdigest()


class FaultKind(StrEnum):
    """How a log differs from what was written."""

    MISSING = "missing"
    EDITED = "edited"
    REPLACED = "replaced"
    MOVED = "moved"
    REWRITTEN = "rewritten"
    CUT = "cut"
    HEAD = "head"
    WORDS = "words"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Fault:
    """One difference: at which number, what was expected there, and what is there; ``last`` ends a range."""

    kind: FaultKind
    number: int
    expected: str
    found: str
    last: int | None = None

    def __str__(self) -> str:
        """A line for people."""
        place = f"entry {self.number}" if self.last in (None, self.number) else f"entries {self.number} to {self.last}"
        return f"{place}: {self.kind.value}; expected {self.expected}; found {self.found}"


@dataclass(slots=True)
class ChainWalk:
    """Goes along entries in order of their numbers and says what is wrong with each.

    ``number`` and ``hash`` are those of the last entry that was looked at, or of the one the log was cut behind.
    """

    number: int = 0
    hash: str = BEGINNING
    _blamed: int = 0
    _shift: int = 0
    _places: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def jump(self, number: int, hash_: str) -> None:
        """Go on behind this entry, whatever comes before it."""
        self.number, self.hash = number, hash_
        self._places.clear()

    def step(self, entry: Mapping[str, object]) -> Iterator[Fault]:
        """Compare the next entry with its number, its hash and its neighbour."""
        number, stored, previous = int(str(entry["id"])), str(entry["hash"]), str(entry["previous"])
        follows = number == self.number + 1
        if not follows:
            before = f"entry {number - 1} with hash {previous}"
            yield Fault(FaultKind.MISSING, self.number + 1, before, "nothing", number - 1)
        computed = hash_of(entry)
        if computed == stored:
            self._shift = 0
            self._remember(stored, number)
            if follows and previous != self.hash and self._blamed != self.number:
                yield self._replaced(previous)
        else:
            yield from self._changed(entry, number, stored, computed)
        self.number, self.hash = number, stored

    def _replaced(self, previous: str) -> Fault:
        # The later entry is whole and names another one before it.
        return Fault(FaultKind.REPLACED, self.number, f"hash {previous}", f"hash {self.hash}")

    def _changed(self, entry: Mapping[str, object], number: int, stored: str, computed: str) -> Iterator[Fault]:
        origin = self._origin(entry, number, stored)
        self._blamed = number
        if origin is None:
            self._shift = 0
            self._remember(stored, number)
            yield Fault(FaultKind.EDITED, number, f"hash {stored}", f"hash {computed}")
            return
        self._remember(stored, origin)
        if number - origin != self._shift:  # said once for all that moved together
            self._shift = number - origin
            yield Fault(FaultKind.MOVED, number, "another entry", f"what was written as entry {origin}")

    def _origin(self, entry: Mapping[str, object], number: int, stored: str) -> int | None:
        """Under which number the entry is what was hashed."""
        behind = self._places.get(str(entry["previous"]), -1) + 1
        for candidate in dict.fromkeys((number - self._shift, behind, number - 1, number + 1)):
            if 0 < candidate != number and hash_of({**entry, "id": candidate}) == stored:
                return candidate
        return None

    def _remember(self, stored: str, number: int) -> None:
        self._places[stored] = number
        if len(self._places) > _REMEMBERED:
            self._places.popitem(last=False)
