"""One table: goal to method."""

from __future__ import annotations

import time
from collections.abc import Callable

from entrepot.application import Application
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.suite import SuiteId

Watch = Callable[[str, float, bool], None]
"""Is told the kind of a goal, the seconds that it took, and whether it failed."""


class Dispatch:
    """A ``Pursuit`` over the application."""

    def __init__(self, application: Application, watch: Watch | None = None) -> None:
        self._application = application
        self._watch = watch

    def __call__(self, goal: Goal) -> None:
        """Bring it about."""
        began, failed = time.monotonic(), True
        try:
            with self._application.keeper.trying(goal):
                self._pursue(goal)
            failed = False
        finally:
            if self._watch is not None:
                self._watch(goal.kind.value, time.monotonic() - began, failed)

    def _pursue(self, goal: Goal) -> None:
        match goal.kind:
            case GoalKind.PUBLISH:
                self._application.publisher.publish(SuiteId(goal.subject))
            case GoalKind.PUBLISH_LATE:
                self._application.publisher.publish_late(SuiteId(goal.subject))
            case GoalKind.INSPECT:
                self._application.inspector.inspect(goal.subject)
            case GoalKind.RECONSIDER | GoalKind.RESUME:
                self._ripen(goal)
            case GoalKind.COLLECT:
                self._application.collector.collect()
            case GoalKind.NOTIFY:
                self._application.notifications.notify()
            case GoalKind.REVIEW:
                self._application.decisions.waivers.pursue()
            case GoalKind.RETAIN:
                self._application.retention.pursue(goal.subject)
            case GoalKind.JOB:
                self._application.jobs.pursue(goal.subject)
            case GoalKind.REMATCH | GoalKind.RESCAN | GoalKind.COMPOSITION:
                self._look_again(goal)

    def _look_again(self, goal: Goal) -> None:
        if goal.kind is GoalKind.REMATCH:
            self._application.vulnerabilities.rematch.pursue()
        elif goal.kind is GoalKind.RESCAN:
            self._application.vulnerabilities.rescans.pursue(goal.subject)
        else:
            self._application.compositions.pursue()

    def _ripen(self, goal: Goal) -> None:
        if goal.kind is GoalKind.RECONSIDER:
            self._application.inspector.reconsider(goal.subject)
        else:
            self._application.transfers.resuming.resume(goal.subject)
