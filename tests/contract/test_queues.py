"""Every queue pursues what was submitted, one pursuit per key at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from entrepot.adapters.queue.base import Queue
from entrepot.adapters.queue.durable import DurableQueue
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.domain.jobs.goals import Goal, GoalKind

GOAL = Goal(GoalKind.PUBLISH, 1)
_numbers = count(1)
OTHER = Goal(GoalKind.PUBLISH, 2)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    found: Queue
    if request.param == "memory":
        found = MemoryQueue()
    elif request.param == "sqlite":
        found = DurableQueue(f"sqlite:///{tmp_path}/jobs.db", "node-1", lambda: datetime.now(UTC))
    else:
        url = request.getfixturevalue("postgres").create_database(f"queue_{next(_numbers)}")
        found = DurableQueue(url, "node-1", lambda: datetime.now(UTC))
    yield found
    found.stop()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def test_a_submitted_goal_is_pursued(queue: Queue) -> None:
    seen: list[Goal] = []
    queue.start(seen.append)
    queue.submit(GOAL)
    queue.submit(OTHER)
    eventually(lambda: sorted(goal.subject for goal in seen) == [1, 2])
    eventually(lambda: queue.waiting_count() == 0)


def test_what_runs_may_end_when_the_queue_stops(queue: Queue) -> None:
    inside, ended = threading.Event(), threading.Event()

    def pursue(_goal: Goal) -> None:
        inside.set()
        time.sleep(0.3)
        ended.set()

    queue.start(pursue)
    queue.submit(GOAL)
    assert inside.wait(60)
    queue.stop()
    assert ended.is_set()


def test_many_submissions_during_a_pursuit_lead_to_one_more(queue: Queue) -> None:
    inside, leave = threading.Event(), threading.Event()
    rounds: list[Goal] = []

    def pursue(goal: Goal) -> None:
        rounds.append(goal)
        inside.set()
        assert leave.wait(60)

    queue.start(pursue)
    queue.submit(GOAL)
    assert inside.wait(60)
    for _ in range(20):
        queue.submit(GOAL)
    leave.set()
    eventually(lambda: queue.waiting_count() == 0)
    assert rounds == [GOAL, GOAL]


def test_goals_of_one_key_never_run_at_once_and_none_is_lost(queue: Queue) -> None:
    lock = threading.Lock()
    state = {"submitted": 0, "covered": 0}

    def pursue(_goal: Goal) -> None:
        assert lock.acquire(blocking=False), "two pursuits of one key at once"
        state["covered"] = state["submitted"]
        time.sleep(0.002)
        lock.release()

    queue.start(pursue)
    for _ in range(50):
        state["submitted"] += 1
        queue.submit(GOAL)
        time.sleep(0.001)
    eventually(lambda: state["covered"] == 50)


def test_a_failed_pursuit_does_not_block_the_next(queue: Queue) -> None:
    attempts: list[Goal] = []

    def pursue(goal: Goal) -> None:
        attempts.append(goal)
        if len(attempts) == 1:
            raise RuntimeError("planted")

    queue.start(pursue)
    queue.submit(GOAL)
    eventually(lambda: len(attempts) == 1 and queue.waiting_count() == 0)
    queue.submit(GOAL)
    eventually(lambda: len(attempts) == 2)
