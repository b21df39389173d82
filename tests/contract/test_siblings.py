"""What processes of one server tell each other, over real sockets: the line is made again, nothing wanted is lost."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrepot.adapters.queue.handed import HandedQueue
from entrepot.adapters.siblings.desk import Desk
from entrepot.adapters.siblings.line import Line
from entrepot.adapters.siblings.words import Place, Present, Ready, Switched, Wanted, read, written
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.suite import GenerationId, SuiteId
from entrepot.services.publish.presence import Presence

SUITE = SuiteId(7)
PUBLISH = Goal(GoalKind.PUBLISH, 7)
MADE = Generation(GenerationId(5), SUITE, 2, 9, digest_of(b"x"), 3, datetime(2026, 1, 2, 3, 4, 5, 678, UTC), None)
SWITCHED = Switched(SUITE, 9, MADE)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@dataclass
class Office:
    """A listening socket, as the parent has it, and what was heard at it."""

    address: Path
    listener: socket.socket
    goals: list[Goal] = field(default_factory=list)
    presence: Presence = field(default_factory=Presence)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """As a process that works has it; at the end it dies."""

        def note(process: int, present: Present) -> None:
            told = self.presence.note_arriving if present.place is Place.ARRIVING else self.presence.note_waiting
            told(process, present.suite_id, present.count)

        made = Desk(self.listener, self.goals.append, note, self.presence.forget)
        made.start()
        try:
            yield made
        finally:
            made.stop()

    @contextmanager
    def line(self, hear: Callable[[Switched], None] = lambda _switched: None) -> Iterator[Line]:
        """As a process that answers has it."""
        made = Line(self.address)
        made.start(hear)
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def office() -> Iterator[Office]:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        address = Path(folder) / "worker"
        listener.bind(str(address))
        listener.listen(16)
        yield Office(address, listener)


@pytest.mark.parametrize("word", [Ready(), Wanted(PUBLISH), Present(SUITE, Place.WAITING, 3), SWITCHED])
def test_a_word_is_read_as_it_was_written(word: Ready | Wanted | Present | Switched) -> None:
    assert read(written(word)) == word


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"[7]", b'["wanted","no such",1]', b'["switched"]', b"\xff"])
def test_what_nobody_understands_is_no_word(data: bytes) -> None:
    assert read(data) is None


def test_goals_go_one_way_and_switches_the_other(office: Office) -> None:
    heard: list[Switched] = []
    with office.desk() as desk, office.line(heard.append) as first, office.line(heard.append) as second:
        eventually(lambda: first.ready() and second.ready())
        HandedQueue(first.want).submit(PUBLISH)
        eventually(lambda: office.goals == [PUBLISH])
        desk.tell(SWITCHED)
        eventually(lambda: heard == [SWITCHED, SWITCHED])


def test_what_is_wanted_while_nobody_works_is_said_to_the_next_who_does(office: Office) -> None:
    with office.line() as line:
        assert not line.ready()
        line.want(PUBLISH)
        with office.desk():
            eventually(lambda: office.goals == [PUBLISH])
        eventually(lambda: not line.ready())
        line.want(Goal(GoalKind.NOTIFY))
        with office.desk():
            eventually(lambda: office.goals[1:] == [Goal(GoalKind.NOTIFY)])
            eventually(line.ready)


def test_of_a_process_that_ended_nobody_is_waited_for(office: Office) -> None:
    presence = office.presence
    with office.desk():
        with office.line() as line:
            line.note(Present(SUITE, Place.ARRIVING, 2))
            line.note(Present(SUITE, Place.WAITING, 3))
            eventually(lambda: (presence.count(SUITE), presence.waiting_count(SUITE)) == (2, 3))
            settled: list[bool] = []
            waits = threading.Thread(target=lambda: settled.append(presence.settle(SUITE, 60)))
            waits.start()
        waits.join(30)
        assert settled == [True]
        assert (presence.count(SUITE), presence.waiting_count(SUITE)) == (0, 0)


def test_the_last_word_about_a_thing_is_what_counts(office: Office) -> None:
    """Far more than fits between two processes, while nobody reads."""
    with office.line() as line:
        for count in range(5_000):
            line.note(Present(SUITE, Place.WAITING, count))
        with office.desk():
            eventually(lambda: office.presence.waiting_count(SUITE) == 4_999)
