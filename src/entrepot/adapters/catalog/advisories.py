"""The part of the port about advisories, what is known of their exploitation, and the feeds that both come from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from entrepot.domain.advisories.advisory import Advisory, Exploitation


class FeedKind(StrEnum):
    """What is in a feed."""

    OSV = "osv"
    KEV = "kev"
    EPSS = "epss"


class FeedPhase(StrEnum):
    """Where a feed stands.  Only ``COMPLETE`` may be called complete."""

    NEVER = "never"
    """Nothing of it was imported to the end."""
    IMPORTING = "importing"
    """An import is under way, or was cut off; what there is is a mixture of two states of the feed."""
    COMPLETE = "complete"
    """The last import that began has ended, and all of it is there."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """One feed as it is now.

    ``imported_at`` is when the last whole import ended, or when a server was asked and had nothing else since then;
    ``newest_at`` is the newest modification in it: the date of the knowledge.  ``digest`` names the file it came from;
    ``validators`` are what the server of a URL wants to hear.
    ``contexts`` says of how many advisories each distribution has something.  ``failure`` is why the last attempt
    changed nothing; a later success clears it.  ``checked_at`` is when its place was last looked at.
    ``pending`` is a blob that somebody sent, to be imported.
    """

    id: int
    name: str
    kind: FeedKind
    phase: FeedPhase = FeedPhase.NEVER
    count: int = 0
    newest_at: datetime | None = None
    imported_at: datetime | None = None
    digest: str = ""
    validators: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, int] = field(default_factory=dict)
    failure: str = ""
    failed_at: datetime | None = None
    checked_at: datetime | None = None
    pending: str = ""
    pending_bytes: int = 0

    @property
    def complete(self) -> bool:
        """Whether what is there is all that the feed said."""
        return self.phase is FeedPhase.COMPLETE


def covering(states: Iterable[FeedState], contexts: Collection[str]) -> list[FeedState]:
    """The feeds of advisories that speak of a distribution, complete or not; none means that nothing is known."""
    return [state for state in states if state.kind is FeedKind.OSV and not state.contexts.keys().isdisjoint(contexts)]


@dataclass(frozen=True, slots=True)
class ChangedNames:
    """Names of packages of which advisories changed, with the position to go on from.

    ``more`` says that there are others behind ``position``.
    """

    position: int
    names: Sequence[tuple[str, str]]
    more: bool = False


class AdvisoryReading(Protocol):
    """What is known."""

    def advisories(self, contexts: Sequence[str], names: Collection[str]) -> list[Advisory]:
        """Those that speak of one of the names in one of the contexts, with these entries alone; not the withdrawn.

        Meant for a few hundred names at a time.
        """
        ...

    def advisories_changed_since(
        self, position: int, contexts: Sequence[str] | None = None, limit: int = 10_000
    ) -> ChangedNames:
        """(context, name) of which something was said, changed or taken back after ``position``; 0 is the beginning.

        Positions grow in the order of commits: who goes on behind the last one it saw misses nothing.
        """
        ...

    def advisory_position(self) -> int:
        """The newest position."""
        ...

    def exploitation(self, ids: Collection[str]) -> Mapping[str, Exploitation]:
        """By CVE; those of which nothing is known are absent."""
        ...

    def exploited(self) -> Mapping[str, Exploitation]:
        """All that the catalogue of exploited vulnerabilities names."""
        ...

    def probabilities(self, after: str, limit: int) -> list[tuple[str, float, float]]:
        """In order of their ids, behind one."""
        ...

    def feed_states(self) -> list[FeedState]:
        """By name."""
        ...

    def feed_state(self, name: str) -> FeedState | None:
        """One by name."""
        ...

    def advisory_ages(self, feed: int) -> Mapping[str, tuple[datetime, str]]:
        """When each advisory of a feed was modified, and the digest of its record, by id."""
        ...


class AdvisoryWriting(Protocol):
    """Imports."""

    def hold_feed(self, name: str, kind: FeedKind) -> FeedState:
        """The state, made where there is none; others who hold the feed wait for this unit to end."""
        ...

    def note_feed(self, state: FeedState) -> None:
        """Replaces what was noted."""
        ...

    def forget_feed(self, feed: int) -> None:
        """The feed that nobody wants any more; its advisories must be gone already."""
        ...

    def put_advisories(self, feed: int, advisories: Sequence[tuple[Advisory, str]]) -> None:
        """Add or replace, each with the digest of its record; the names that they speak of, or spoke of, changed."""
        ...

    def drop_advisories(self, feed: int, ids: Sequence[str]) -> None:
        """The feed no longer has them."""
        ...

    def count_contexts(self, feed: int) -> tuple[int, datetime | None, Mapping[str, int]]:
        """How many advisories a feed has, its newest modification, and the number by context."""
        ...

    def put_exploited(self, exploited: Sequence[Exploitation]) -> None:
        """What the catalogue of exploited vulnerabilities says of some; the probability stays as it is."""
        ...

    def drop_exploited(self, ids: Sequence[str]) -> None:
        """These are in the catalogue no longer."""
        ...

    def put_probabilities(self, probabilities: Sequence[tuple[str, float, float]]) -> None:
        """(CVE, probability, percentile); the rest stays as it is."""
        ...

    def drop_probabilities(self, ids: Sequence[str]) -> None:
        """Nobody tells a probability of these any more."""
        ...
