"""What fails again and again is tried less and less, and nothing else waits for it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.services.upkeep.attempts import LONGEST_SECONDS, Attempts

BROKEN, SOUND = Goal(GoalKind.PUBLISH, 1), Goal(GoalKind.PUBLISH, 2)
START = datetime(2031, 3, 1, 12, tzinfo=UTC)


def fail(attempts: Attempts, at: datetime) -> None:
    with contextlib.suppress(OSError), attempts.trying(BROKEN, lambda: at):
        raise OSError


def test_pauses_grow_to_a_minute_and_end_with_a_success() -> None:
    attempts, now, pauses = Attempts(), START, []
    for _ in range(9):
        assert attempts.due([BROKEN, SOUND], now) == [BROKEN, SOUND]
        fail(attempts, now)
        begun = now
        while BROKEN not in attempts.due([BROKEN, SOUND], now):
            assert attempts.due([BROKEN, SOUND], now) == [SOUND]
            now += timedelta(seconds=1)
        pauses.append((now - begun).total_seconds())
    assert pauses == [2, 4, 8, 16, 32, LONGEST_SECONDS, LONGEST_SECONDS, LONGEST_SECONDS, LONGEST_SECONDS]
    with attempts.trying(BROKEN, lambda: now):
        pass
    fail(attempts, now)
    assert attempts.due([BROKEN], now + timedelta(seconds=2)) == [BROKEN]


def test_what_runs_is_not_asked_for_again() -> None:
    attempts = Attempts()
    with attempts.trying(SOUND, lambda: START):
        assert attempts.due([SOUND], START) == []
    assert attempts.due([SOUND], START) == [SOUND]


def test_what_is_not_to_be_done_any_more_is_forgotten() -> None:
    attempts = Attempts()
    fail(attempts, START)
    assert attempts.due([SOUND], START) == [SOUND]
    assert attempts.due([BROKEN], START) == [BROKEN]


def test_a_pause_begins_when_the_attempt_ends() -> None:
    attempts = Attempts()
    ended = START + timedelta(minutes=5)
    with pytest.raises(OSError, match="full"), attempts.trying(BROKEN, lambda: ended):
        raise OSError("full")
    assert attempts.due([BROKEN], ended) == []
