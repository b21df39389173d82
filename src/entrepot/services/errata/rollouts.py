"""Rollouts: an update reaches apt's machines little by little, and no further while somebody says so.

apt draws for each machine and version, from the machine's own id, whether it is among the percentage
(Phased-Update-Percentage).  It holds for upgrades only: who asks for the package by name gets it.  At 0 about one in a
hundred machines still takes it, so that stopping takes the packages out of the suite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.naming import find_suite
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.erratum import Rollout, RolloutState, Step
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.errors import AlreadyExists, InvalidRequest, NotFound
from entrepot.services.errata.chosen import chosen

_MOST_STEPS = 50
_MOST_HOURS = 24 * 365
_DEFAULT_STEPS = (Step(10, 24), Step(25, 24), Step(50, 24), Step(75, 24))


@dataclass(frozen=True, slots=True)
class Moved:
    """A rollout as it stands now, its suite, and the revision that shows it."""

    rollout: Rollout
    suite: Suite
    revision: int


class Rollouts:
    """Begin, pause, resume, hasten, stop; steps that are due are taken by the keeper."""

    def __init__(self, catalog: Catalog, queue: Queue, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._queue = queue
        self._now = now

    def all(self, actor: Actor, distribution: str) -> tuple[Suite, list[Rollout]]:
        """Of one distribution, newest first."""
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            suite = find_suite(reading, distribution)
            return suite, reading.rollouts(suite.id)

    def begin(
        self, actor: Actor, distribution: str, packages: Sequence[tuple[str, str]], steps: Sequence[Step] = ()
    ) -> Moved:
        """Offer packages that are in the suite to the first step's percentage of machines.

        Raises:
            InvalidRequest: the suite is not for apt, or the steps do not rise from 0 to at most 99.
            NotFound, UnknownDistribution: there is no such package or suite.
            AlreadyExists: one of the packages is in a rollout that has not ended.
        """
        demand(actor, Permission.ERRATUM_WRITE)
        taken = tuple(steps) or _DEFAULT_STEPS
        _check(taken)
        now = self._now()
        with self._catalog.write() as unit:
            suite = find_suite(unit, distribution)
            demand_suite(actor, suite)
            if suite.format is not Format.DEB:
                raise InvalidRequest(f"{suite.codename} is for rpm, and its clients know no rollouts by percentage")
            revision = unit.touch_suite(suite.id)
            found = chosen(unit, suite, packages)
            if busy := [one for one in found if one.package_id in unit.phases(suite.id)]:
                raise AlreadyExists(f"{busy[0].key} is in a rollout already; end that one first")
            number = unit.add_rollout(suite.id, taken, found, actor.name, now, revision)
            rollout = unit.rollout(number)
            _audit(unit, actor, "ROLLOUT_BEGIN", rollout, suite, now)
        return self._moved(rollout, suite, revision)

    def pause(self, actor: Actor, distribution: str, rollout_id: int) -> Moved:
        """Stay at the percentage of now."""
        demand(actor, Permission.ERRATUM_WRITE)
        return self._change(actor, distribution, rollout_id, "ROLLOUT_PAUSE", RolloutState.PAUSED)

    def resume(self, actor: Actor, distribution: str, rollout_id: int) -> Moved:
        """Go on; the step in force gets its whole time again."""
        demand(actor, Permission.ERRATUM_WRITE)
        return self._change(actor, distribution, rollout_id, "ROLLOUT_RESUME", RolloutState.RUNNING)

    def finish(self, actor: Actor, distribution: str, rollout_id: int) -> Moved:
        """Offer the packages to everybody now."""
        demand(actor, Permission.ERRATUM_WRITE)
        return self._change(actor, distribution, rollout_id, "ROLLOUT_FINISH", RolloutState.DONE)

    def stop(self, actor: Actor, distribution: str, rollout_id: int) -> Moved:
        """Take the packages out of the suite; machines that have them keep them."""
        demand(actor, Permission.ERRATUM_WRITE)
        return self._change(actor, distribution, rollout_id, "ROLLOUT_STOP", RolloutState.STOPPED)

    def _change(self, actor: Actor, distribution: str, rollout_id: int, action: str, state: RolloutState) -> Moved:
        now = self._now()
        with self._catalog.write() as unit:
            suite = find_suite(unit, distribution)
            demand_suite(actor, suite)
            revision = unit.touch_suite(suite.id)
            rollout = unit.rollout(rollout_id)
            if rollout.suite_id != suite.id:
                raise NotFound(f"{suite.codename} has no rollout {rollout_id}")
            if rollout.state in (RolloutState.DONE, RolloutState.STOPPED):
                raise InvalidRequest(f"rollout {rollout_id} has ended")
            runs = state is RolloutState.RUNNING
            next_at = now + timedelta(hours=rollout.steps[rollout.at_step].hours) if runs else None
            unit.move_rollout(rollout.id, rollout.at_step, state, revision, now, next_at)
            if state is RolloutState.STOPPED:
                for one in rollout.packages:
                    unit.withdraw(suite.id, one.package_id, revision)
            changed = unit.rollout(rollout_id)
            _audit(unit, actor, action, changed, suite, now)
        return self._moved(changed, suite, revision)

    def advance(self) -> None:
        """Take every step that is due; called by the keeper, on any number of nodes."""
        now = self._now()
        with self._catalog.read() as reading:
            due = reading.due_rollouts(now)
        for number in due:
            with self._catalog.write() as unit:
                suite = unit.suite(unit.rollout(number).suite_id)
                revision = unit.touch_suite(suite.id)
                rollout = unit.rollout(number)
                if rollout.state is not RolloutState.RUNNING or rollout.next_at is None or rollout.next_at > now:
                    continue
                last = rollout.at_step + 1 >= len(rollout.steps)
                step = rollout.at_step if last else rollout.at_step + 1
                state = RolloutState.DONE if last else RolloutState.RUNNING
                next_at = None if last else now + timedelta(hours=rollout.steps[step].hours)
                unit.move_rollout(number, step, state, revision, now, next_at)
                _audit(unit, SYSTEM, "ROLLOUT_ADVANCE", unit.rollout(number), suite, now)
            self._queue.submit(Goal(GoalKind.PUBLISH, suite.id))

    def _moved(self, rollout: Rollout, suite: Suite, revision: int) -> Moved:
        self._queue.submit(Goal(GoalKind.PUBLISH, suite.id))
        return Moved(rollout, suite, revision)


def _check(steps: Sequence[Step]) -> None:
    rising = [step.percentage for step in steps]
    if len(steps) > _MOST_STEPS or rising != sorted(set(rising)) or not (rising[0] >= 0 and rising[-1] < 100):
        raise InvalidRequest(f"the percentages of at most {_MOST_STEPS} steps rise from 0 to 99; all come last")
    if any(not 1 <= step.hours <= _MOST_HOURS for step in steps):
        raise InvalidRequest(f"a step lasts between 1 and {_MOST_HOURS} hours")


def _audit(unit: Writing, actor: Actor, action: str, rollout: Rollout, suite: Suite, now: datetime) -> None:
    detail: dict[str, JsonValue] = {
        "rollout": rollout.id,
        "percentage": rollout.percentage,
        "state": rollout.state.value,
        "packages": [str(one.key) for one in rollout.packages[:20]],
    }
    unit.audit(AuditEntry(action, "SUCCESS", actor, now, suite=suite.codename, detail=detail))
