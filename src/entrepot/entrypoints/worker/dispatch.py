"""One table: goal to method."""

from __future__ import annotations

from entrepot.application import Application
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.suite import SuiteId


class Dispatch:
    """A ``Pursuit`` over the application."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, goal: Goal) -> None:
        """Bring it about."""
        match goal.kind:
            case GoalKind.PUBLISH:
                self._application.publisher.publish(SuiteId(goal.subject))
            case GoalKind.PUBLISH_LATE:
                self._application.publisher.publish_late(SuiteId(goal.subject))
            case GoalKind.INSPECT:
                self._application.inspector.inspect(goal.subject)
            case GoalKind.COLLECT:
                self._application.collector.collect()
            case GoalKind.NOTIFY:
                self._application.notifications.notify()
