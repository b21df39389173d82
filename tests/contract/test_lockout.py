"""How many wrong passwords lock a name, and for how long: as the settings say, at once, on both engines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.adapters.storage.memory import MemoryBlobStore
from entrepot.application import Application
from entrepot.domain.model.actor import Actor, Role
from entrepot.errors import SignInFailed, TooManyAttempts
from entrepot.main import Parts, assemble
from entrepot.services.access import Session
from entrepot.services.access.first import NewAccount
from entrepot.settings import load_settings
from entrepot.testing.memory import Clock

ADMIN = Actor("admin", frozenset({Role.ADMIN}))
PASSWORD, HERE, THERE = "SecurePass1!", "192.0.2.1", "198.51.100.2"


@dataclass
class House:
    """An installation with one reader."""

    application: Application
    clock: Clock

    def rule(self, attempts: int, minutes: int) -> None:
        section = {"lockout_attempts": attempts, "lockout_minutes": minutes}
        self.application.configurations.change(ADMIN, {"security": section})

    def wrong(self, times: int, address: str = HERE) -> None:
        for _ in range(times):
            with pytest.raises(SignInFailed):
                self.application.access.sign_in("rita", "Wrong-one-1", address)

    def gets_in(self, address: str = HERE) -> bool:
        """Looked at without a success, which would clear the count."""
        try:
            self.application.access.sign_in("rita", "Wrong-one-1", address)
        except TooManyAttempts:
            return False
        except SignInFailed:
            return True
        raise AssertionError

    def wait(self) -> int:
        with pytest.raises(TooManyAttempts) as caught:
            self.application.access.sign_in("rita", PASSWORD, HERE)
        return int(str(caught.value.facts["retry_after"]))


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    settings = load_settings(data=tmp_path, key_algorithm="ed25519")
    clock = Clock(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    with contextlib.closing(SqlCatalog(database_url)) as catalog:
        parts = Parts(catalog, MemoryBlobStore(), MemoryKeyring(clock.now), MemoryQueue(), bytes(32), clock.now)
        application = assemble(settings, parts)
        application.users.create(ADMIN, NewAccount("rita", PASSWORD, frozenset({Role.READER})))
        yield House(application, clock)


def test_as_many_as_the_settings_say_lock_for_as_long_as_they_say(house: House) -> None:
    house.rule(2, 60)
    house.wrong(2)
    assert house.wait() == 3601
    house.clock.advance(minutes=59)
    assert not house.gets_in()
    house.wrong(1, THERE)
    house.clock.advance(minutes=1)
    # Over, and counted from the beginning: one more failure does not lock again.
    house.wrong(1)
    assert isinstance(house.application.access.sign_in("rita", PASSWORD, HERE), Session)


def test_a_change_holds_for_a_lock_that_is_there(house: House) -> None:
    house.rule(3, 10_080)
    house.wrong(3)
    house.clock.advance(minutes=2)
    assert not house.gets_in()
    house.rule(4, 10_080)
    house.wrong(1)
    assert not house.gets_in()
    house.rule(4, 5)
    assert house.wait() == 301
    house.clock.advance(minutes=3)
    house.rule(4, 3)
    assert house.gets_in()


def test_a_stricter_setting_locks_whom_the_failures_so_far_would(house: House) -> None:
    house.rule(10, 15)
    house.wrong(4)
    house.rule(3, 15)
    assert not house.gets_in()


def test_failures_are_in_a_row_only_within_the_time_of_a_lock(house: House) -> None:
    house.rule(3, 15)
    for _ in range(6):
        house.wrong(1)
        house.clock.advance(minutes=15)
    house.wrong(2)
    house.clock.advance(minutes=14)
    house.wrong(1)
    assert house.wait() == 901


def test_a_success_and_a_new_password_forget_the_failures(house: House) -> None:
    house.rule(2, 15)
    house.wrong(1)
    house.application.access.sign_in("rita", PASSWORD, HERE)
    house.wrong(2)
    house.wrong(2, THERE)
    house.application.users.reset_password(ADMIN, "rita", PASSWORD)
    assert isinstance(house.application.access.sign_in("rita", PASSWORD, HERE), Session)
    assert isinstance(house.application.access.sign_in("rita", PASSWORD, THERE), Session)
