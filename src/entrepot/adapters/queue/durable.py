"""Goals as DBOS workflows, in SQLite beside the catalog or in its PostgreSQL database.

DBOS keeps a row per pursuit, so that one that was cut off runs again when its node restarts, and can be resumed by
another node when this one is dead.  Steps are at-least-once; goals are idempotent, so no step needs a checkpoint.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

from entrepot.adapters.pools import close_for_good
from entrepot.adapters.queue.base import Pursuit
from entrepot.adapters.queue.turns import Room, Turns
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.errors import CatalogUnavailable

_log = structlog.get_logger(__name__)

_APPLICATION = "entrepot"
_QUEUE, _JOB_QUEUE = "goals", "jobs"
_POLL_SECONDS = 0.5
# Inspections and jobs of this node, those that others left on the queues, and always some threads for publications.
_PLACES = {GoalKind.INSPECT: 4, GoalKind.JOB: 4}
_THREADS, _FROM_QUEUE, _JOBS_FROM_QUEUE = 22, 4, 2
_HISTORY_HOURS = 24
_END_SECONDS, _LOOK_SECONDS = 5.0, 0.02
# Raised only when a pursuit's arguments change shape: DBOS never hands work of one version to another.
_WORKFLOW_VERSION = "goals-1"


def _sqlite_engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url, pool_size=8, max_overflow=8)

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # DBOS opens its own transactions; a BEGIN of ours would break its migrations.
        connection.isolation_level = "IMMEDIATE"
        # Losing the last pursuits in a power cut is harmless: unmet goals are found in the catalog at start.
        for pragma in ("journal_mode=wal", "synchronous=normal", "busy_timeout=30000"):
            connection.execute(f"pragma {pragma}")

    sa.event.listen(engine, "connect", prepare)
    return engine


class DurableQueue:
    """Implements ``Queue``.  DBOS has one instance per process, so has this."""

    def __init__(self, url: str, node: str, now: Callable[[], datetime]) -> None:
        self._now = now
        self._node = node
        self._turns = Turns()
        self._rooms = {kind: Room(places) for kind, places in _PLACES.items()}
        self._works = False
        self._engine = _sqlite_engine(url) if url.startswith("sqlite") else sa.create_engine(url, pool_size=8)
        self._url = url.replace("postgresql+psycopg://", "postgresql://")
        self._client: DBOSClient | None = None
        self._pursue: Pursuit | None = None

    def start(self, pursue: Pursuit | None) -> None:
        """Launch DBOS and recover this node's own unfinished pursuits, or only open a client."""
        if pursue is None:
            self._client = DBOSClient(
                system_database_url=self._url,
                system_database_engine=self._engine,
                serializer=DBOSPortableJSONSerializer(),
            )
            return
        self._pursue = pursue
        DBOS(
            config={
                "name": _APPLICATION,
                "system_database_url": self._url,
                "system_database_engine": self._engine,
                "executor_id": self._node,
                "application_version": _WORKFLOW_VERSION,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "ERROR",
                "enable_otlp": False,
                "max_executor_threads": _THREADS,
            }
        )

        def pursuit(kind: str, subject: int) -> None:  # DBOS wants a plain function
            self._run(kind, subject)

        self._workflow = DBOS.workflow(name="pursue")(pursuit)
        DBOS.launch()
        for name, places in ((_QUEUE, _FROM_QUEUE), (_JOB_QUEUE, _JOBS_FROM_QUEUE)):
            DBOS.register_queue(name, worker_concurrency=places, polling_interval_sec=_POLL_SECONDS)
        self._works = True
        self._prune()

    def _run(self, kind: str, subject: int) -> None:
        goal = Goal(GoalKind(kind), subject)
        room = self._rooms.get(goal.kind)
        self._turns.adopt(goal)
        if room is not None:
            room.adopt(goal)
        try:
            self._pursue_once(goal)
            while self._turns.another(goal):
                self._pursue_once(goal)
        except Exception:
            if self._turns.end(goal):
                self.submit(goal)
            raise
        finally:
            following = room.leave(goal) if room is not None else None
            if following is not None and self._works:
                self._begin(following)

    def _pursue_once(self, goal: Goal) -> None:
        assert self._pursue is not None  # noqa: S101 - set before launch
        try:
            self._pursue(goal)
        except CatalogUnavailable as error:
            _log.warning("goal.postponed", goal=goal.key, reason=error.detail)
            raise
        except Exception:
            _log.exception("goal.failed", goal=goal.key)
            raise

    def submit(self, goal: Goal) -> None:
        """Start a workflow here, or leave it for a working node."""
        if self._works:
            room = self._rooms.get(goal.kind)
            if self._turns.begin(goal) and (room is None or room.enter(goal)):
                self._begin(goal)
        elif self._client is not None:
            try:
                queue = _JOB_QUEUE if goal.kind is GoalKind.JOB else _QUEUE
                self._client.enqueue(
                    {"queue_name": queue, "workflow_name": "pursue", "app_version": _WORKFLOW_VERSION},
                    goal.kind.value,
                    goal.subject,
                )
            except sa.exc.SQLAlchemyError as error:
                # No worker has made the tables yet, or the database is away; what the goal is about is committed, and
                # the first keeper that works finds it in the catalog.
                _log.warning("goal.not_submitted", goal=goal.key, reason=type(error).__name__)

    def _begin(self, goal: Goal) -> None:
        try:
            DBOS.start_workflow(self._workflow, goal.kind.value, goal.subject)
        except Exception as error:  # noqa: BLE001 - whoever asked has committed; the keeper finds the goal again
            self._turns.end(goal)
            if (room := self._rooms.get(goal.kind)) is not None:
                room.leave(goal)
            _log.warning("goal.not_started", goal=goal.key, reason=type(error).__name__)

    def stop(self) -> None:
        """Leave unfinished pursuits pending: they are recovered at the next start."""
        if self._works:
            self._works = False
            # DBOS itself would look once in a second, and only after the first one.
            ends = time.monotonic() + _END_SECONDS
            while self._turns.count() and time.monotonic() < ends:
                time.sleep(_LOOK_SECONDS)
            DBOS.destroy(destroy_registry=True)
        elif self._client is not None:
            self._client.destroy()
            self._client = None
        close_for_good(self._engine)

    def take_over(self, node: str) -> int:
        """Resume a dead node's pending workflows on the queue that every worker polls."""
        if not self._works or node == self._node:
            return 0
        dead = DBOS.list_workflows(status="PENDING", executor_id=node)
        for workflow in dead:
            kind = workflow.input["args"][0] if workflow.input else ""
            queue = _JOB_QUEUE if kind == GoalKind.JOB.value else _QUEUE
            DBOS.resume_workflow(workflow.workflow_id, queue_name=queue)
        return len(dead)

    def waiting_count(self) -> int:
        """Running on this node."""
        return self._turns.count()

    def _prune(self) -> None:
        """Drop finished pursuits of past days: DBOS keeps all of them."""
        before = self._now() - timedelta(hours=_HISTORY_HOURS)
        old = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"], end_time=before.isoformat(), limit=10_000, load_input=False
        )
        if old:
            DBOS.delete_workflows([workflow.workflow_id for workflow in old])
