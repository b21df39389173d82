"""SIGKILL at random moments under load: nothing acknowledged is lost, no half state is seen."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from tests.fault.kills import Crowd, Victim

# A long run: ENTREPOT_KILL_ROUNDS=700 gives 2 100 kills.
ROUNDS = int(os.environ.get("ENTREPOT_KILL_ROUNDS", "10"))
WITHIN_SECONDS = 1.2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_was_acknowledged_survives_kills_at_random_moments(seed: int, tmp_path: Path) -> None:
    moments = random.Random(seed)
    with Victim(tmp_path) as victim:
        for number in range(ROUNDS):
            crowd = Crowd(victim, f"package-{number}")
            if number % 2:  # on a busy machine too, half of the kills come when something was answered
                crowd.wait_acknowledged()
            time.sleep(moments.uniform(0, WITHIN_SECONDS))
            victim.server.kill()
            crowd.end()
            victim.server.start()
            victim.check()
            if number % 4 == 3:
                victim.retry()
        victim.retry()
        victim.check(fetch=True)
        assert victim.ledger.acknowledged() >= ROUNDS // 2
        report = victim.stop_and_verify()
        assert report["differences"] == []


def test_a_start_that_is_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    with Victim(tmp_path) as victim:
        crowd = Crowd(victim, "package")
        time.sleep(1)
        victim.server.kill()
        crowd.end()
        moments = random.Random(4)
        for _ in range(5):
            victim.server.start(wait=False)
            time.sleep(moments.uniform(0.05, 1.5))
            victim.server.kill()
        victim.server.start()
        victim.check(fetch=True)
        assert victim.stop_and_verify()["differences"] == []
