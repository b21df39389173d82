"""Rows of jobs, their leases and events, on every engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.adapters.catalog.jobs import JobChange, JobFilter, NewJob
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.jobs.work import JobId, JobStatus
from entrepot.domain.model.actor import Actor, Role
from entrepot.errors import NotFound

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
RITA = Actor("ci-token", frozenset({Role.UPLOADER}), "192.0.2.7", account="rita")
EARLIER, LATER = NOW - timedelta(seconds=15), NOW + timedelta(seconds=15)


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def begin(catalog: SqlCatalog, key: str, subject: str = "source:1", kind: str = "sync") -> int:
    with catalog.write() as unit:
        new = NewJob(JobId(key), kind, f"label of {key}", subject, 7, {"source": 1}, RITA, NOW)
        return unit.begin_job(new).number


def test_of_a_kind_and_subject_one_runs(catalog: SqlCatalog) -> None:
    first = begin(catalog, "a")
    assert begin(catalog, "b") == first, "the second one attaches"
    assert begin(catalog, "c", "source:2") != first
    with catalog.write() as unit:
        assert unit.end_job(JobId("a"), JobStatus.DONE, {"n": 3}, LATER)
        assert not unit.end_job(JobId("a"), JobStatus.ERROR, {}, LATER), "an end is for ever"
        assert unit.running_job("sync", "source:1") is None
    assert begin(catalog, "d") != first
    with catalog.read() as reading:
        ended = reading.job(JobId("a"))
        with pytest.raises(NotFound):
            reading.job(JobId("b"))
    assert (ended.status, ended.result, ended.finished_at, ended.total) == (JobStatus.DONE, {"n": 3}, LATER, 7)
    assert (ended.begun_by, ended.owner, ended.address) == ("ci-token", "rita", "192.0.2.7")


def test_many_who_begin_at_once_get_one_job(catalog: SqlCatalog) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda key=key: found.append(begin(catalog, f"k{key}"))) for key in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found))) == (6, 1)


def test_a_lease_has_one_holder(catalog: SqlCatalog) -> None:
    number = begin(catalog, "a")
    with catalog.read() as reading:
        assert reading.idle_jobs(EARLIER) == [number]
    with catalog.write() as unit:
        taken = unit.take_job(number, "node-1/x", NOW, EARLIER)
        assert taken is not None
        assert (taken.holder, taken.tries) == ("node-1/x", 1)
        assert unit.take_job(number, "node-2/y", NOW, EARLIER) is None
        assert unit.take_job(number, "node-1/x", NOW, EARLIER) is None, "it is worked on here already"
        assert unit.take_job(number, "node-11/x", NOW, EARLIER) is None, "a name that only begins alike"
        assert unit.idle_jobs(EARLIER) == []
        assert unit.renew_jobs([number], "node-1/x", NOW) == [number]
        assert unit.renew_jobs([number], "node-2/y", NOW) == []
        assert not unit.note_job(JobId("a"), JobChange(done_count=1), "node-2/y")
    with catalog.write() as unit:
        reborn = unit.take_job(number, "node-1/z", NOW, EARLIER)
        assert reborn is not None, "the same node after a crash does not wait"
        assert reborn.tries == 2
        assert unit.take_job(number, "node-2/y", LATER, LATER) is not None, "the lease ran out"
        assert unit.renew_jobs([number], "node-1/z", NOW) == []
        unit.release_job(number, "node-1/z")
        assert unit.idle_jobs(EARLIER) == [], "only the holder gives it back"
        unit.release_job(number, "node-2/y")
        assert unit.idle_jobs(EARLIER) == [number]


def test_coming_further_makes_up_for_tries(catalog: SqlCatalog) -> None:
    number = begin(catalog, "a")
    for life in "xyz":
        with catalog.write() as unit:
            unit.take_job(number, f"node-1/{life}", NOW, EARLIER)
            unit.note_job(JobId("a"), JobChange(done_count=0), f"node-1/{life}")
            assert unit.job(JobId("a")).tries == "xyz".index(life) + 1
    with catalog.write() as unit:
        unit.note_job(JobId("a"), JobChange(done_count=4, error_count=1, total=9, position={"at": "b"}), "node-1/z")
        found = unit.job(JobId("a"))
    assert (found.tries, found.done_count, found.error_count, found.total) == (0, 4, 1, 9)
    assert found.position == {"at": "b"}


def test_whoever_lost_a_lease_cannot_end_the_job(catalog: SqlCatalog) -> None:
    number = begin(catalog, "a")
    with catalog.write() as unit:
        assert unit.take_job(number, "one/1", NOW, EARLIER)
        assert unit.take_job(number, "two/1", LATER, LATER)
        assert not unit.end_job(JobId("a"), JobStatus.DONE, {}, LATER, "one/1")
        assert unit.end_job(JobId("a"), JobStatus.DONE, {}, LATER, "two/1")


def test_events_are_numbered_and_bounded(catalog: SqlCatalog) -> None:
    number = begin(catalog, "a")
    for start in range(0, 30, 5):
        with catalog.write() as unit:
            unit.tell_job(JobId("a"), [(NOW, {"n": n}) for n in range(start, start + 5)], 4, 10)
    with catalog.read() as reading:
        assert [one.index for one in reading.job_events(number, 0, 100)] == [0, 1, 2, 3, *range(20, 30)]
        assert [one.data for one in reading.job_events(number, 27, 2)] == [{"n": 27}, {"n": 28}]
        assert reading.job(JobId("a")).event_count == 30


def test_lists_show_what_may_be_seen(catalog: SqlCatalog) -> None:
    for key in "abc":
        begin(catalog, key, key)
    begin(catalog, "u", "1", "upload")
    with catalog.write() as unit:
        unit.end_job(JobId("b"), JobStatus.ERROR, {}, NOW)

    def keys(conditions: JobFilter) -> str:
        with catalog.read() as reading:
            found, total = reading.jobs(conditions, 0, 10)
        assert total == len(found)
        return "".join(one.id for one in found)

    assert keys(JobFilter(["sync"], "somebody")) == "cba"
    assert keys(JobFilter([], "somebody")) == ""
    assert keys(JobFilter([], "rita")) == "ucba"
    assert keys(JobFilter(["sync"], "somebody", only_own=True)) == ""
    assert keys(JobFilter(["sync"], "rita", kind="upload")) == "u"
    assert keys(JobFilter(["sync"], "x", status=JobStatus.ERROR)) == "b"


def test_a_cancelled_job_is_asked_once(catalog: SqlCatalog) -> None:
    begin(catalog, "a")
    with catalog.write() as unit:
        assert unit.cancel_job(JobId("a"))
        assert not unit.cancel_job(JobId("a"))
        assert unit.job(JobId("a")).cancelling
        unit.end_job(JobId("a"), JobStatus.CANCELLED, {}, NOW)


def test_old_jobs_are_forgotten_and_running_ones_never(catalog: SqlCatalog) -> None:
    for place, key in enumerate("abcdef"):
        begin(catalog, key, key)
        if key != "b":
            with catalog.write() as unit:
                unit.tell_job(JobId(key), [(NOW, {})], 9, 9)
                unit.end_job(JobId(key), JobStatus.DONE, {}, NOW + timedelta(days=place))

    def left() -> str:
        with catalog.read() as reading:
            return "".join(sorted(one.id for one in reading.jobs(JobFilter(["sync"], ""), 0, 99)[0]))

    with catalog.write() as unit:
        assert unit.forget_jobs(NOW + timedelta(days=2), 100, 10) == 1
    assert left() == "bcdef"
    with catalog.write() as unit:
        assert unit.forget_jobs(NOW, 2, 1) == 1, "not more than it is allowed at once"
        assert unit.forget_jobs(NOW, 2, 10) == 1
    assert left() == "bef"
