"""Whatever administrators do to each other, one of them stays."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.adapters.catalog.accounts import Account
from entrepot.domain.model.actor import Actor, Role
from entrepot.errors import AccountProtected, NotFound
from entrepot.services.access.users import AccountChange
from entrepot.testing.memory import MemoryInstallation, memory_installation

NAMES = ("anna", "berta", "carla")
DEEDS = (
    AccountChange(active=False),
    AccountChange(active=True),
    AccountChange(roles=frozenset({Role.MAINTAINER, Role.READER})),
    AccountChange(roles=frozenset({Role.ADMIN})),
    AccountChange(roles=frozenset({Role.ADMIN, Role.READER}), active=False),
    None,  # remove
)
deed = st.tuples(st.sampled_from(NAMES), st.sampled_from(DEEDS), st.sampled_from(NAMES))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryInstallation]:
    folder: Path = tmp_path_factory.mktemp("house")
    with memory_installation(folder, works=False) as found:
        yield found


def people(house: MemoryInstallation) -> dict[str, Account]:
    """By name."""
    with house.catalog.read() as reading:
        return {account.username: account for account in reading.accounts()}


def begin_anew(house: MemoryInstallation) -> None:
    """Three administrators and nobody else."""
    with house.catalog.write() as unit:
        for name in people(house):
            unit.remove_account(name)
        for name in NAMES:
            admin = frozenset({Role.ADMIN})
            unit.add_account(Account(0, name, "none", admin, "", "", True, 1, house.clock.now(), None))


@settings(deadline=None, max_examples=15)
@given(st.lists(deed, min_size=4, max_size=12))
def test_one_administrator_is_always_left(house: MemoryInstallation, deeds: list[tuple[str, object, str]]) -> None:
    begin_anew(house)
    for who, what, whom in deeds:
        before = people(house)
        if who not in before or not before[who].active or Role.ADMIN not in before[who].roles:
            continue  # could not have asked
        # A program with a token of somebody is bound like them.
        actor = Actor(f"token:{what is None}", frozenset({Role.ADMIN}), account=who)
        with contextlib.suppress(AccountProtected, NotFound):
            if isinstance(what, AccountChange):
                house.application.users.change(actor, whom, what)
            else:
                house.application.users.remove(actor, whom)
        after = people(house)
        assert any(account.active and Role.ADMIN in account.roles for account in after.values())
        assert (after[who].active, after[who].roles) == (before[who].active, before[who].roles)
        for name in after:
            ended = before[name].active != after[name].active
            assert (before[name].session_epoch != after[name].session_epoch) == ended
