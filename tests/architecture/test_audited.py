"""Whatever changes something leaves exactly one entry of whoever did it; what fails leaves one at most."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.architecture.calls import CALLS, Call
from tests.architecture.conftest import InProcess, installed
from tests.architecture.test_routes import add_account_of, ask, session

from entrepot.domain.jobs.goals import GoalKind
from entrepot.domain.model.actor import Role

CHANGES = [call for call in CALLS if call.method != "GET" and call.role is not None]
# A success that is no change, each with its reason.
SILENT = {
    "/auth/refresh": "the session was there before",
    "/auth/mfa/setup": "nothing is in force until a code confirms it",
    "/incoming/{name}": "a file that waits; what becomes of it is noted",
    "/incoming/{distribution}/{name}": "a file that waits; what becomes of it is noted",
    "/api/files/{folder}/{name}": "a file that waits; what becomes of it is noted",
    "/api/files/{folder}": "a file that waits; what becomes of it is noted",
    "/import/sync/start": "joins what another call began",
    "/settings/gpg/export": "tells where public keys are; nothing is written",
    "/security/policy/preview": "nothing is changed",
    "/license": "there are no licenses",
    "/license/activate": "there are no licenses",
}


@pytest.fixture(scope="module")
def administered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """With an administrator; jobs wait: what one does in the name of whoever began it is not the request's entry."""
    with installed(tmp_path_factory.mktemp("administered"), idle={GoalKind.JOB}) as found:
        with found.application.catalog.write() as unit:
            add_account_of(unit, "admin", frozenset({Role.ADMIN}))
        yield found


def entries(in_process: InProcess) -> list[tuple[str, str]]:
    """Of the administrator; what the program does by itself comes whenever it comes."""
    with in_process.application.catalog.read() as reading:
        links = reading.audit_chain(0, 100_000)
    return [(one.entry.action, one.entry.result) for one in links if one.entry.actor.name == "admin"]


@pytest.mark.parametrize("call", CHANGES, ids=lambda call: f"{call.method} {call.route}")
def test_a_change_leaves_one_entry(administered: InProcess, call: Call) -> None:
    before = entries(administered)
    answer = ask(administered, call, session(Role.ADMIN))
    added = entries(administered)[len(before) :]
    if answer.status_code < 300 and call.route not in SILENT:
        assert len(added) == 1, f"{answer.status_code} {answer.text[:300]}: {added}"
    else:
        assert len(added) <= 1, added
