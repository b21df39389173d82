"""The part of the port about packages that mirrors choose from their sources, and what suites carry along with them.

A choice is *wanted* until its file was looked at, then *ready*, *held*, *refused* or *bad*; a ready one is *placed*
when the run ends.  One that is in the suite by somebody else's doing is *there*, and is theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.upstream.mirror import Mirror, MirrorId
from entrepot.domain.upstream.source import SourceId


class ChoiceState(StrEnum):
    """Where a chosen package stands."""

    WANTED = "wanted"
    READY = "ready"
    PLACED = "placed"
    THERE = "there"
    HELD = "held"
    REFUSED = "refused"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Listed:
    """A package that a source lists, in as little as a filter has to know."""

    number: int
    key: PackageKey
    component: str
    section: str
    priority: str
    filename: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A package that a mirror wants; ``needed`` because another one needs it.  ``digest`` is ``algorithm:value``."""

    number: int
    key: PackageKey
    component: str
    filename: str
    size_bytes: int
    digest: str
    needed: bool
    state: ChoiceState = ChoiceState.WANTED
    package_id: PackageId | None = None
    steps: Sequence[Mapping[str, JsonValue]] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceNews:
    """What became of one."""

    number: int
    state: ChoiceState
    package_id: PackageId | None = None
    reason: str = ""
    steps: Sequence[Mapping[str, JsonValue]] = ()


@dataclass(frozen=True, slots=True)
class CarriedDocument:
    """A document that a suite shows beside its own: packed with gzip, and the digest of what it unpacks to."""

    kind: str
    digest: str
    body: bytes


class ChoiceReading(Protocol):
    """What can be asked."""

    def listed(self, source_id: SourceId, after: int, limit: int) -> list[Listed]:
        """Packages in force by number, from behind one on."""
        ...

    def choices(self, mirror_id: MirrorId, states: Collection[ChoiceState], run: int, limit: int) -> list[Choice]:
        """That a run wants, by number."""
        ...

    def choice_page(
        self, mirror_id: MirrorId, state: ChoiceState | None, offset: int, limit: int
    ) -> tuple[list[Choice], int]:
        """Those of one state, or all, by name, and how many there are."""
        ...

    def left_choices(self, mirror_id: MirrorId, run: int, limit: int, after: int = 0) -> list[Choice]:
        """That a run does not want any more, by number."""
        ...

    def choice_counts(self, mirror_id: MirrorId) -> Mapping[ChoiceState, tuple[int, int]]:
        """How many and how many bytes, of all that are known."""
        ...

    def chosen_packages(self, mirror_id: MirrorId) -> Mapping[PackageId, ChoiceState]:
        """What has come in by this mirror."""
        ...

    def chosen_keys(self, mirror_id: MirrorId) -> Mapping[tuple[str, str, str], PackageId]:
        """Packages that came in by this mirror, whatever became of them, by name, version and architecture."""
        ...

    def documents(self, suite_id: SuiteId, *, shown: bool = True) -> list[CarriedDocument]:
        """What a suite carries along, or will."""
        ...


class ChoiceWriting(ChoiceReading, Protocol):
    """What can be changed."""

    def want_choices(self, mirror_id: MirrorId, run: int, wanted: Sequence[tuple[Listed, bool]], judged: str) -> None:
        """A batch that a run wants, each with whether another one needs it.

        What is known stays as it is; what was bad, or held or refused by other rules than ``judged``, is wanted anew.
        """
        ...

    def note_choices(self, news: Sequence[ChoiceNews]) -> None:
        """What became of them."""
        ...

    def follow_decisions(self, mirror: Mirror) -> None:
        """What people have decided about packages that were held."""
        ...

    def want_left(self, run: int, numbers: Sequence[int]) -> None:
        """Have a run want these as well."""
        ...

    def forget_choices(self, numbers: Collection[int]) -> None:
        """They are gone upstream, or nobody wants them."""
        ...

    def begin_settling(self, mirror_id: MirrorId, suite_id: SuiteId, run: int) -> None:
        """From now on the suite is not published until ``end_settling``.

        Raises:
            LostRace: another run began meanwhile.
        """
        ...

    def await_first_run(self, suite_id: SuiteId) -> None:
        """A new suite is not published before ``end_settling``."""
        ...

    def end_settling(self, suite_id: SuiteId) -> None:
        """The suite is whole."""
        ...

    def bring_document(self, suite_id: SuiteId, document: CarriedDocument, now: datetime) -> None:
        """For the end of the run."""
        ...

    def forget_documents(self, suite_id: SuiteId, *, shown: bool) -> None:
        """All of them."""
        ...

    def show_documents(self, suite_id: SuiteId) -> bool:
        """What was brought is carried from now on, and nothing else, if anything was; whether clients see it."""
        ...
