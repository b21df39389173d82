"""How the directory is: from its last answer, asked again once that is old, and never waited for."""

from __future__ import annotations

import threading
from pathlib import Path

from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.directory.base import Person
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.federation import Directory
from entrepot.errors import DirectoryTimedOut
from entrepot.services.access.standing import WatchedPeople
from entrepot.testing.memory import ADMIN, memory_installation

SECTION = {"enabled": True, "url": "ldaps://directory.example", "base_dn": "dc=example,dc=org"}


class SlowPeople:
    """A directory that answers when it is let go."""

    def __init__(self) -> None:
        self.let_go, self.asked, self.questions = threading.Event(), threading.Semaphore(0), 0

    def recognise(self, where: Directory, username: str, password: str) -> Person | None:
        raise NotImplementedError

    def find(self, where: Directory, username: str) -> Person | None:
        self.questions += 1
        self.asked.release()
        assert self.let_go.wait(60)
        raise DirectoryTimedOut("too late")

    def count(self, where: Directory) -> int:
        return 3


def test_nobody_waits_and_one_question_is_on_its_way_at_most() -> None:
    people, clock = SlowPeople(), [0.0]
    where = Configuration(ldap=Directory.model_validate(SECTION))
    watched = WatchedPeople(people, lambda: where, lambda: clock[0])
    assert [watched.state()[0] for _ in range(5)] == ["ok"] * 5
    assert people.asked.acquire(timeout=30)
    assert people.questions == 1
    assert "not asked yet" in watched.state()[1]
    people.let_go.set()
    while watched.state()[0] == "ok":
        pass
    assert watched.count(where.ldap) == 3
    assert watched.state() == ("ok", "answered when it was last asked")
    questions = people.questions
    clock[0] = 61.0
    assert watched.state()[0] == "ok"
    assert people.asked.acquire(timeout=30)
    assert people.questions == questions + 1


def test_health_is_told_while_the_settings_are_new(tmp_path: Path) -> None:
    with memory_installation(tmp_path, works=False) as house:
        section: dict[str, JsonValue] = {"enabled": True, "url": "ldap://127.0.0.1:1", "base_dn": "dc=example"}
        found = {one.name: one.state for one in house.application.health.components()}
        assert found["directory"] == "disabled"
        house.application.configurations.change(ADMIN, {"ldap": section})
        states = {"ok"}
        while "error" not in states:
            states = {one.state for one in house.application.health.components() if one.name == "directory"}
