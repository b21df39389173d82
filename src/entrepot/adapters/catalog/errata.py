"""The part of the port about errata and rollouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from entrepot.domain.model.erratum import Erratum, Fixed, Rollout, RolloutState, Step
from entrepot.domain.model.suite import PackageId, SuiteId


class ErrataReading(Protocol):
    """What can be asked."""

    def errata(self, suite_id: SuiteId) -> list[Erratum]:
        """All of a suite, oldest first, each with those of its packages that are in the suite."""
        ...

    def erratum(self, suite_id: SuiteId, code: str) -> Erratum:
        """Raises ``NotFound``."""
        ...

    def carried_errata(self, suite_id: SuiteId) -> Mapping[str, tuple[int, str, str]]:
        """Number, origin and digest of every erratum of a suite, by code; those of our own have no origin."""
        ...

    def rollouts(self, suite_id: SuiteId) -> list[Rollout]:
        """All of a suite, newest first."""
        ...

    def rollout(self, rollout_id: int) -> Rollout:
        """Raises ``NotFound``."""
        ...

    def due_rollouts(self, now: datetime) -> list[int]:
        """Running ones whose next step is due."""
        ...

    def phases(self, suite_id: SuiteId) -> Mapping[PackageId, int]:
        """Packages that not every machine is offered, with the percentage of those that are."""
        ...


class ErrataWriting(ErrataReading, Protocol):
    """What can be changed; the caller touches the suite in the same unit."""

    def add_erratum(self, erratum: Erratum) -> int:
        """Its ``id`` is ignored.

        Raises:
            AlreadyExists: the suite has one of this code.
        """
        ...

    def change_erratum(self, erratum: Erratum) -> None:
        """By its ``id``; everything but suite, code and issue."""
        ...

    def remove_erratum(self, erratum_id: int) -> None:
        """It, not its packages."""
        ...

    def add_rollout(
        self, suite_id: SuiteId, steps: Sequence[Step], packages: Sequence[Fixed], by: str, now: datetime, revision: int
    ) -> int:
        """Running, at its first step."""
        ...

    def move_rollout(
        self,
        rollout_id: int,
        at_step: int,
        state: RolloutState,
        revision: int,
        now: datetime,
        next_at: datetime | None,
    ) -> None:
        """To another step or state."""
        ...
