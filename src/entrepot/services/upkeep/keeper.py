"""The heartbeat of a node: says that it lives, finds goals nobody pursues, takes over from the dead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.errors import EntrepotError
from entrepot.services.upkeep.attempts import Attempts

_log = structlog.get_logger(__name__)

BEAT_SECONDS = 2.0
DEAD_AFTER_SECONDS = 8.0
COLLECT_EVERY_SECONDS = 300.0


class Keeper:
    """Runs in a thread of every node; ``beat`` is one turn of it."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        node: str,
        unmet: Sequence[Callable[[], list[Goal]]],
        now: Callable[[], datetime],
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._node = node
        self._unmet = unmet
        self._now = now
        self._chores = chores
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._collected_at: datetime | None = None
        self._attempts = Attempts()
        self._kept_elsewhere: Callable[[], bool] | None = None
        self.works = False

    def rely(self, kept_elsewhere: Callable[[], bool]) -> None:
        """Another process of this node keeps; whether it does now is asked of it."""
        self._kept_elsewhere = kept_elsewhere

    def start(self, *, works: bool) -> None:
        """Beat until ``stop``; only a working node looks for goals and takes over."""
        self.works = works
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and leave no heartbeat behind."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        try:
            with self._catalog.write() as unit:
                unit.forget_node(self._node)
        except EntrepotError as error:
            _log.warning("keeper.farewell_failed", reason=error.detail)

    def alive(self) -> bool:
        """Whether it runs, or another process of this node keeps."""
        if self._kept_elsewhere is not None:
            return self._kept_elsewhere()
        return self._thread is None or self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.beat()
            except EntrepotError as error:
                _log.warning("keeper.skipped_a_beat", reason=error.detail)
            except Exception:  # noqa: BLE001 - one bad beat must not be the last
                _log.exception("keeper.failed")
            self._stop.wait(BEAT_SECONDS)

    def beat(self) -> None:
        """One turn."""
        now = self._now()
        with self._catalog.write() as unit:
            unit.beat(self._node, now, works=self.works)
        if not self.works:
            return
        for goal in self._attempts.due(self.goals(), now):
            self._queue.submit(goal)
        if self._collected_at is None or now - self._collected_at >= timedelta(seconds=COLLECT_EVERY_SECONDS):
            self._collected_at = now
            self._queue.submit(Goal(GoalKind.COLLECT))
        self._bury(now)
        for do in self._chores:
            do()

    def trying(self, goal: Goal) -> AbstractContextManager[None]:
        """Around a pursuit on this node: what fails is looked at again later, and later each time."""
        return self._attempts.trying(goal, self._now)

    def goals(self) -> list[Goal]:
        """Everything the catalog says is still to be done."""
        return [goal for find in self._unmet for goal in find()]

    def _bury(self, now: datetime) -> None:
        with self._catalog.read() as reading:
            silent = reading.silent_nodes(now - timedelta(seconds=DEAD_AFTER_SECONDS))
        for node in silent:
            if node == self._node:
                continue
            with self._catalog.write() as unit:
                mine = unit.forget_node(node)
            if mine:
                count = self._queue.take_over(node)
                _log.warning("node.taken_over", node=node, goals=count)
