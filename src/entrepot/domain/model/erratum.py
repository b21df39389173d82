"""What clients are told about updates: why one exists, and how fast it may spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from entrepot.domain.model.finding import Severity
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import PackageId, SuiteId


class ErratumKind(StrEnum):
    """Why there is an update, in the words of updateinfo."""

    SECURITY = "security"
    BUGFIX = "bugfix"
    ENHANCEMENT = "enhancement"
    NEWPACKAGE = "newpackage"


@dataclass(frozen=True, slots=True)
class Fixed:
    """A package file that an erratum is about, as long as it is in the suite."""

    package_id: PackageId
    key: PackageKey
    source: str
    filename: str
    digest: str


@dataclass(frozen=True, slots=True)
class Erratum:
    """One notice about packages of one suite.

    ``code`` is its name for people and programs, unique in the suite; ``cves`` are what it fixes, ``links`` where one
    can read more.  ``packages`` are those that are in the suite now.  ``origin`` is the source that it was carried over
    from, with ``extra`` that only its format knows; one of our own has neither.
    """

    id: int
    suite_id: SuiteId
    code: str
    kind: ErratumKind
    severity: Severity
    title: str
    description: str
    cves: Sequence[str]
    links: Sequence[str]
    packages: Sequence[Fixed]
    issued_at: datetime
    updated_at: datetime
    issued_by: str
    origin: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person says about an update; what is ``None`` stays as it is, or gets its default.

    ``packages`` are names and versions in the suite.  Without a code, the next one of the year is taken.
    """

    code: str | None = None
    kind: ErratumKind | None = None
    severity: Severity | None = None
    title: str | None = None
    description: str | None = None
    cves: Sequence[str] | None = None
    links: Sequence[str] | None = None
    packages: Sequence[tuple[str, str]] | None = None


class RolloutState(StrEnum):
    """Where a rollout stands."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Step:
    """Show the update to ``percentage`` of machines, then wait ``hours`` before the next step."""

    percentage: int
    hours: int


@dataclass(frozen=True, slots=True)
class Rollout:
    """Packages of an apt suite that machines are offered little by little (Phased-Update-Percentage).

    ``at_step`` is the index of the step in force; ``next_at`` when the next one is due, none while nothing is.
    """

    id: int
    suite_id: SuiteId
    steps: Sequence[Step]
    at_step: int
    state: RolloutState
    packages: Sequence[Fixed]
    begun_by: str
    begun_at: datetime
    changed_at: datetime
    next_at: datetime | None

    @property
    def percentage(self) -> int:
        """Of machines that are offered the packages now."""
        return 100 if self.state is RolloutState.DONE else self.steps[self.at_step].percentage
