"""The next run of a daily plan, in the time of its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from entrepot.domain.model.configuration import Daily
from entrepot.domain.policy.schedule import next_run, plan_text


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plan(hour: int, minute: int, zone: str) -> Daily:
    return Daily(hour=hour, minute=minute, timezone=zone)


@pytest.mark.parametrize(
    ("planned", "after", "expected"),
    [
        (plan(3, 0, "UTC"), "2026-01-01T02:59:59", "2026-01-01T03:00"),
        (plan(3, 0, "UTC"), "2026-01-01T03:00", "2026-01-02T03:00"),
        (plan(3, 0, "Europe/Paris"), "2026-01-01T00:00", "2026-01-01T02:00"),
        (plan(3, 0, "Europe/Paris"), "2026-07-01T00:00", "2026-07-01T01:00"),
        (plan(0, 5, "Pacific/Auckland"), "2026-01-01T00:00", "2026-01-01T11:05"),
        (plan(2, 30, "Europe/Paris"), "2026-03-28T12:00", "2026-03-29T01:00"),  # 02:30 does not exist that night
        (plan(2, 30, "Europe/Paris"), "2026-03-29T01:00", "2026-03-30T00:30"),
        (plan(2, 30, "Europe/Paris"), "2026-10-24T12:00", "2026-10-25T00:30"),  # and twice that night
        (plan(2, 30, "Europe/Paris"), "2026-10-25T00:30", "2026-10-26T01:30"),
        (plan(2, 30, "Europe/Paris"), "2026-10-25T01:10", "2026-10-26T01:30"),
        (plan(23, 59, "America/St_Johns"), "2024-02-28T12:00", "2024-02-29T03:29"),
    ],
)
def test_the_next_run(planned: Daily, after: str, expected: str) -> None:
    assert next_run(planned, at(after)) == at(expected)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_over_a_year_there_is_one_run_a_day(zone: str) -> None:
    planned, moment, found = plan(2, 30, zone), at("2026-01-01T00:00"), []
    while moment < at("2027-01-01T00:00"):
        following = next_run(planned, moment)
        assert following > moment
        found.append(following)
        moment = following
    gaps = [second - first for first, second in pairwise(found)]
    assert set(gaps) <= {timedelta(hours=hours) for hours in (22.5, 23, 23.5, 24, 24.5, 25)}
    assert len(found) in {365, 366}


def test_a_plan_is_told_from_another() -> None:
    assert plan_text(plan(3, 5, "UTC")) == "03:05 UTC"
    assert plan_text(Daily(enabled=False)) == "off"
