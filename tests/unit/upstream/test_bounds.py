"""How long a planned run may take, and how much room it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from entrepot.domain.jobs.work import Work
from entrepot.errors import RunTooLong, StoreFull
from entrepot.services.upstream.mirrors.plans import Bounds


@dataclass
class Machine:
    """Its disk and its clock."""

    free_bytes: int = 10 << 30
    seconds: float = 0.0

    def bounds(self) -> Bounds:
        return Bounds(lambda: self.free_bytes, lambda: self.seconds)


@dataclass(frozen=True)
class Asked:
    """The part of a job that says what it was asked for."""

    parameters: dict[str, Any] = field(default_factory=dict)


def test_a_planned_run_ends_after_its_time_and_before_the_disk_is_full() -> None:
    machine = Machine()
    asked = Asked({"bounds": {"minutes": 90, "least_free_bytes": 5 << 30}})
    look = machine.bounds().watch(cast("Work", asked))
    look()
    machine.free_bytes = 4 << 30
    with pytest.raises(StoreFull, match="5 GB"):
        look()
    machine.free_bytes, machine.seconds = 6 << 30, 91 * 60
    with pytest.raises(RunTooLong, match="90 minutes"):
        look()


def test_a_run_by_hand_has_no_bounds() -> None:
    machine = Machine(free_bytes=0, seconds=10_000_000)
    machine.bounds().watch(cast("Work", Asked()))()
