"""Jobs through the assembled application: progress, crashes, cancellation, who sees what."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from entrepot.adapters.catalog.jobs import Job
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.domain.jobs.work import Interrupted, JobId, JobStatus, Json, Work
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.policy.permissions import Permission
from entrepot.errors import CatalogUnavailable, InvalidRequest, JobEnded, NotFound, PermissionDenied
from entrepot.services.jobs import JobKind, Jobs
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation

UPLOADER = Actor("ulla", frozenset({Role.UPLOADER}))
MAINTAINER = Actor("mo", frozenset({Role.MAINTAINER}))
Result = Mapping[str, Json] | None


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path, works=False) as found:
        yield found


def define(
    house: MemoryInstallation, work: Callable[[Work], Result], *, elsewhere: bool = False, jobs: Jobs | None = None
) -> None:
    kind = JobKind("rehearsal", Permission.INDEX_REBUILD, Permission.INDEX_REBUILD, work, elsewhere=elsewhere)
    (jobs or house.application.jobs).define(kind)


def begin(house: MemoryInstallation, actor: Actor = UPLOADER, subject: str = "source:1") -> JobId:
    with house.catalog.write() as unit:
        return house.application.jobs.begin(unit, "rehearsal", "ubuntu", actor, subject, 3, {"source": 1})


def read(house: MemoryInstallation, job: JobId) -> Job:
    with house.catalog.read() as reading:
        return reading.job(job)


def told(house: MemoryInstallation, job: JobId) -> list[object]:
    _, events = house.application.job_board.events(ADMIN, job, 0)
    return [event.data.get("message") for event in events]


def pursue(house: MemoryInstallation, jobs: Jobs | None = None) -> None:
    for goal in (jobs or house.application.jobs).unmet():
        (jobs or house.application.jobs).pursue(goal.subject)


def another_life(house: MemoryInstallation, node: str = "embedded") -> Jobs:
    """The program after it was killed, or on another node."""
    clock = house.clock
    return Jobs(house.catalog, MemoryQueue(), node, clock.now, clock.monotonic)


def test_a_job_is_done_by_a_worker_and_says_how_far_it_is(house: MemoryInstallation) -> None:
    def work(work: Work) -> Result:
        for number in (1, 2, 3):
            house.clock.advance(seconds=1)
            work.progress(done=number, event={"message": f"{work.subject} {number}"})
        return {"added": 3}

    define(house, work)
    job = begin(house)
    assert begin(house, MAINTAINER) == job, "whoever asks for the same attaches"
    assert read(house, job).status is JobStatus.RUNNING
    pursue(house)
    found = read(house, job)
    assert (found.status, found.done_count, found.result) == (JobStatus.DONE, 3, {"added": 3})
    assert told(house, job) == ["source:1 1", "source:1 2", "source:1 3"]
    assert house.application.jobs.unmet() == []


def test_progress_is_put_together_and_nothing_is_lost(house: MemoryInstallation) -> None:
    seen: list[int] = []

    def work(work: Work) -> Result:
        for number in range(1, 151):
            work.progress(done=number, event={"message": number})
            seen.append(read(house, work.id).done_count)
        return {}

    define(house, work)
    job = begin(house)
    pursue(house)
    assert set(seen) == {1}, "time stands still: one write"
    assert read(house, job).done_count == 150
    assert told(house, job) == list(range(1, 151))


def test_what_a_job_tells_is_bounded(house: MemoryInstallation) -> None:
    def work(work: Work) -> Result:
        work.progress(event={"message": "x" * 100_000, "level": "info", "rows": ["y" * 10_000]})
        return {}

    define(house, work)
    job = begin(house)
    pursue(house)
    assert told(house, job) == ["x" * 500]


def test_work_that_was_cut_off_goes_on_from_its_position(house: MemoryInstallation) -> None:
    class Killed(BaseException):
        pass

    begun: list[Mapping[str, Json]] = []

    def work(work: Work) -> Result:
        begun.append(work.position)
        for number in range(int(str(work.position.get("next", 0))), 4):
            house.clock.advance(seconds=1)
            work.progress(done=number, position={"next": number})
            if len(begun) == 1 and number == 2:
                raise Killed
        return {}

    define(house, work)
    job = begin(house)
    with pytest.raises(Killed):
        pursue(house)
    other, same = another_life(house, "other"), another_life(house)
    for life in (other, same):
        define(house, work, jobs=life)
    assert other.unmet() == [], "its lease has not run out"
    number = read(house, job).number
    other.pursue(number)
    assert len(begun) == 1
    same.pursue(number)
    assert begun == [{}, {"next": 2}]
    assert read(house, job).status is JobStatus.DONE


def test_another_node_takes_over_when_the_lease_has_run_out(house: MemoryInstallation) -> None:
    other = another_life(house, "other")

    def slow(work: Work) -> Result:
        house.clock.advance(seconds=10)
        house.application.jobs.keep()
        house.clock.advance(seconds=10)
        assert other.unmet() == [], "it was renewed"
        house.clock.advance(seconds=10)
        pursue(house, other)
        house.application.jobs.keep()
        with pytest.raises(Interrupted):
            work.cancelled()
        work.progress(done=99)
        raise AssertionError("it did not notice")

    define(house, slow)
    define(house, lambda _: {"by": "other"}, jobs=other)
    job = begin(house)
    pursue(house)
    assert (read(house, job).result, read(house, job).done_count) == ({"by": "other"}, 0)


def test_work_that_always_breaks_off_ends(house: MemoryInstallation) -> None:
    class Killed(BaseException):
        pass

    def work(work: Work) -> Result:
        raise Killed

    job = begin(house)
    for _ in range(5):
        life = another_life(house)
        define(house, work, jobs=life)
        with pytest.raises(Killed):
            life.pursue(read(house, job).number)
    life = another_life(house)
    define(house, work, jobs=life)
    life.pursue(read(house, job).number)
    found = read(house, job)
    assert found.status is JobStatus.ERROR
    assert "given up" in str(found.result["error"])


def test_our_own_errors_end_a_job_with_their_sentence(house: MemoryInstallation) -> None:
    def work(work: Work) -> Result:
        raise InvalidRequest("the source has no such component")

    define(house, work)
    job = begin(house)
    pursue(house)
    found = read(house, job)
    assert found.status is JobStatus.ERROR
    assert found.result == {"error": "the source has no such component", "code": "invalid_request"}


def test_unknown_failures_end_a_job_without_their_text(house: MemoryInstallation) -> None:
    def work(work: Work) -> Result:
        raise RuntimeError("a secret")

    define(house, work)
    job = begin(house)
    with pytest.raises(RuntimeError):
        pursue(house)
    found = read(house, job)
    assert found.status is JobStatus.ERROR
    assert "secret" not in str(found.result)


def test_a_database_that_is_away_ends_nothing(house: MemoryInstallation) -> None:
    failed: list[int] = []

    def work(work: Work) -> Result:
        if not failed:
            failed.append(1)
            raise CatalogUnavailable("away")
        return {}

    define(house, work)
    job = begin(house)
    with pytest.raises(CatalogUnavailable):
        pursue(house)
    assert read(house, job).status is JobStatus.RUNNING
    house.clock.advance(seconds=16)
    pursue(house)
    assert read(house, job).status is JobStatus.DONE


def test_cancelling_ends_work_where_it_is_whole(house: MemoryInstallation) -> None:
    def work(work: Work) -> Result:
        for number in range(100):
            house.clock.advance(seconds=1.5)
            if work.cancelled():
                return {"stopped_at": number}
            if number == 3:
                house.application.job_board.cancel(UPLOADER, work.id)
        return {}

    define(house, work)
    job = begin(house)
    pursue(house)
    found = read(house, job)
    assert (found.status, found.result, found.cancelling) == (JobStatus.CANCELLED, {"stopped_at": 4}, True)
    with pytest.raises(JobEnded):
        house.application.job_board.cancel(UPLOADER, job)


def test_cancelling_ends_a_job_that_nobody_works_on(house: MemoryInstallation) -> None:
    define(house, lambda _: pytest.fail("it is not wanted any more"))
    job = begin(house)
    house.application.job_board.cancel(MAINTAINER, job)
    pursue(house)
    assert read(house, job).status is JobStatus.CANCELLED


def test_the_end_of_the_program_interrupts_work_that_goes_on_at_the_next_start(house: MemoryInstallation) -> None:
    def work(work: Work) -> Result:
        work.progress(done=1, position={"next": 1})
        house.application.jobs.stop()
        work.progress(done=2)
        raise AssertionError("it did not notice")

    define(house, work)
    job = begin(house)
    pursue(house)
    found = read(house, job)
    assert (found.status, found.holder, found.tries) == (JobStatus.RUNNING, "", 0)
    life = another_life(house, "other")
    define(house, lambda work: dict(work.position), jobs=life)
    pursue(house, life)
    assert read(house, job).result == {"next": 1}


def test_work_that_is_done_elsewhere_is_looked_after(house: MemoryInstallation) -> None:
    ended: list[Result] = [None]
    define(house, lambda _: ended[0], elsewhere=True)
    job = begin(house)
    assert house.application.jobs.unmet() == [], "whoever does it has just begun"
    for _ in range(8):
        house.clock.advance(seconds=16)
        pursue(house)
        assert read(house, job).status is JobStatus.RUNNING
    house.application.jobs.progress(job, done=2, event={"message": "two"}, at_once=True)
    assert read(house, job).done_count == 2
    ended[0] = {"looked": True}
    house.clock.advance(seconds=16)
    pursue(house)
    assert (read(house, job).status, read(house, job).result) == (JobStatus.DONE, {"looked": True})
    house.application.jobs.finish(job, JobStatus.ERROR)
    assert read(house, job).status is JobStatus.DONE


def test_people_see_their_own_jobs_and_those_they_may(house: MemoryInstallation) -> None:
    define(house, lambda _: {})
    mine, other = begin(house, UPLOADER, "a"), begin(house, MAINTAINER, "b")
    board = house.application.job_board
    token = dataclasses.replace(UPLOADER, name="ulla-ci", account="ulla")
    for actor, seen in ((UPLOADER, [mine]), (token, [mine]), (MAINTAINER, [other, mine]), (ADMIN, [other, mine])):
        assert [job.id for job in board.page(actor, 0, 10)[0]] == seen
    assert [job.id for job in board.page(MAINTAINER, 0, 10, mine=True)[0]] == [other]
    for ask in (board.one, board.cancel, lambda actor, job: board.events(actor, job, 0)):
        with pytest.raises(NotFound):
            ask(UPLOADER, other)
    reader = Actor("rea", frozenset({Role.READER}))
    assert board.page(reader, 0, 10) == ([], 0)
    with pytest.raises(PermissionDenied):
        board.cancel(reader, mine)


def test_an_unknown_kind_ends_with_a_reason(house: MemoryInstallation) -> None:
    job = begin(house)
    pursue(house)
    assert "no jobs of kind" in str(read(house, job).result["error"])


def test_waking_saves_waiting_for_the_keeper(house: MemoryInstallation) -> None:
    define(house, lambda _: {})
    job = begin(house)
    house.application.jobs.wake(job)
    house.queue.start(lambda goal: house.application.jobs.pursue(goal.subject))
    house.queue.stop()
    assert read(house, job).status is JobStatus.DONE
