"""Digests of the forms of one document, resumed at the first segment that changed.

SHA-256 cannot skip bytes, but its state can be kept: a copy at every cut costs some hundred bytes and saves hashing
whatever lies before the change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from entrepot.domain.formats.segments.codecs import PLAIN, IndexCodec
from entrepot.domain.formats.segments.document import Document, Segment, frame, member_length, prefix
from entrepot.domain.formats.segments.packing import MapJobs
from entrepot.errors import BlobCorrupt

if TYPE_CHECKING:
    from hashlib import _Hash

ReadMember = Callable[[Segment, str], bytes]
"""The bytes of a segment in the form of that name; for ``plain`` its text, unpacked from a member if need be."""


@dataclass(frozen=True, slots=True)
class FormDigest:
    """Size and digests (algorithm to lower-case hexadecimal) of one published file."""

    size_bytes: int
    digests: Mapping[str, str]


class RunningDigests:
    """Kept by a living process for one document; after a restart the first measuring reads every member once.

    Not for use by several threads at once.
    """

    __slots__ = ("_chains", "_codecs")

    def __init__(self, codecs: Sequence[IndexCodec], algorithms: Sequence[str] = ("sha256",)) -> None:
        self._codecs = tuple(codecs)
        self._chains = {codec.name: _Chain(codec, tuple(algorithms)) for codec in codecs}

    def note(self, position: int, segment: Segment, members: Mapping[str, bytes], head: bytes = b"") -> None:
        """Take the bytes of the segment at that position, by form, while they are at hand.

        Optional and in ascending order: whatever was not noted, or noted for another document, ``measure`` reads.
        """
        for name, data in members.items():
            self._chains[name].note(position, segment, data, head)

    def measure(self, document: Document, read: ReadMember, map_jobs: MapJobs = map) -> dict[str, FormDigest]:
        """Size and digests of every form; ``read`` is called from the threads of ``map_jobs``.

        Raises:
            BlobCorrupt: ``read`` gave a member of another length.
        """
        measured = map_jobs(lambda codec: self._chains[codec.name].measure(document, read), self._codecs)
        return dict(zip(self._chains, measured, strict=True))


class _Chain:
    """One form: the state before the first segment and after each one."""

    __slots__ = ("_algorithms", "_codec", "_keys", "_prefix", "_states")

    def __init__(self, codec: IndexCodec, algorithms: tuple[str, ...]) -> None:
        self._codec, self._algorithms = codec, algorithms
        self._restart(prefix(b"", codec))

    def measure(self, document: Document, read: ReadMember) -> FormDigest:
        around = frame(document, self._codec)
        self._begin(around.prefix)
        pairs = zip(self._keys, document.segments, strict=False)
        self._cut_back(sum(1 for _ in takewhile(lambda pair: pair[0] == self._key(pair[1]), pairs)))
        for segment in document.segments[len(self._keys) :]:
            self._extend(segment, read(segment, self._codec.name))
        ended = [state.copy() for state in self._states[-1]]
        for state in ended:
            state.update(around.suffix)
        size_bytes = sum(member_length(segment, self._codec) for segment in document.segments)
        size_bytes += len(around.prefix) + len(around.suffix)
        return FormDigest(size_bytes, {state.name: state.hexdigest() for state in ended})

    def note(self, position: int, segment: Segment, data: bytes, head: bytes) -> None:
        if position == 0:
            self._begin(prefix(head, self._codec))
        if position <= len(self._keys):
            self._cut_back(position)
            self._extend(segment, data)

    def _begin(self, opening: bytes) -> None:
        if opening != self._prefix:
            self._restart(opening)

    def _cut_back(self, count: int) -> None:
        del self._keys[count:]
        del self._states[count + 1 :]

    def _restart(self, opening: bytes) -> None:
        self._prefix = opening
        self._keys: list[Hashable] = []
        self._states: list[list[_Hash]] = [[hashlib.new(name, opening) for name in self._algorithms]]

    def _extend(self, segment: Segment, data: bytes) -> None:
        if len(data) != member_length(segment, self._codec):
            raise BlobCorrupt(f"a stored {self._codec.name} member of an index has another length than was written")
        states = [state.copy() for state in self._states[-1]]
        for state in states:
            state.update(data)
        self._states.append(states)
        self._keys.append(self._key(segment))

    def _key(self, segment: Segment) -> Hashable:
        # Equal text may have been packed by another release of a compressor, so a packed form goes by its place.
        return segment.text_digest if self._codec.name == PLAIN.name else segment.members[self._codec.name].extent
