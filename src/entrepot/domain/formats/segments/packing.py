"""Drafts packed into members, on as many cores as the caller lends, a bounded number at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

from entrepot.domain.formats.segments.codecs import IndexCodec, Member
from entrepot.domain.formats.segments.document import Draft, Segment

BATCH_SEGMENTS = 16  # two batches in flight: at most 32 segments of text and their members, some 8 MiB
BATCHES_AHEAD = 2

_A = TypeVar("_A")
_B = TypeVar("_B")


class MapJobs(Protocol):
    """``map`` or the ``map`` of an executor."""

    def __call__(self, function: Callable[[_A], _B], jobs: Iterable[_A], /) -> Iterator[_B]:
        """Results in the order of the jobs, all of which may run at once."""
        ...


@dataclass(frozen=True, slots=True)
class Packed:
    """A draft with its members by name of the codec."""

    draft: Draft
    members: Mapping[str, Member]


def pack(
    drafts: Iterable[Segment | Draft], codecs: Sequence[IndexCodec], map_jobs: MapJobs = map
) -> Iterator[Segment | Packed]:
    """Pack every draft in every form, in order; segments that are stored already pass through."""
    source = iter(drafts)
    pending: deque[tuple[list[Segment | Draft], Iterator[Member]]] = deque()
    while batch := list(islice(source, BATCH_SEGMENTS)):
        # One job is one member, so that the slow codec of a lone draft runs beside its fast ones.
        jobs = [(codec, each.text) for each in batch if isinstance(each, Draft) for codec in codecs]
        pending.append((batch, iter(map_jobs(_pack_one, jobs))))
        if len(pending) >= BATCHES_AHEAD:
            yield from _collect(*pending.popleft(), codecs)
    for ahead in pending:
        yield from _collect(*ahead, codecs)


def _pack_one(job: tuple[IndexCodec, bytes]) -> Member:
    codec, text = job
    return codec.pack(text)


def _collect(
    batch: list[Segment | Draft], members: Iterator[Member], codecs: Sequence[IndexCodec]
) -> Iterator[Segment | Packed]:
    for each in batch:
        if isinstance(each, Segment):
            yield each
        else:
            yield Packed(each, {codec.name: next(members) for codec in codecs})
