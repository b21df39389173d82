"""Rate limits: the arithmetic, the row that nodes share, and what routes answer (contract G9, table 1.1)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.people import Office, open_office

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.policy.rates import Rate, Window
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import memory_installation

pytestmark = pytest.mark.xdist_group("limits")

MINUTE = 60_000
START = 1_800_000_000_000
TWENTY = Rate(20, MINUTE)


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def use(catalog: SqlCatalog, now_ms: int, rate: Rate = TWENTY, key: str = "upload/60/user:rita") -> Window | None:
    with catalog.write() as unit:
        return unit.use_rate(key, rate, now_ms)


def test_a_window_takes_its_limit_and_no_more(catalog: SqlCatalog) -> None:
    taken = [use(catalog, START + 1000 * second) for second in range(25)]
    assert [window is not None for window in taken] == [True] * 20 + [False] * 5
    last = taken[19]
    assert last is not None
    assert last.remaining(START + 20_000, TWENTY) == 0
    # Somebody else is another matter.
    assert use(catalog, START + 25_000, key="upload/60/user:rod") is not None


def test_the_edge_of_a_window_is_no_invitation(catalog: SqlCatalog) -> None:
    before = [use(catalog, START) for _ in range(20)]
    after = [use(catalog, START + MINUTE) for _ in range(20)]
    assert (sum(one is not None for one in before), sum(one is not None for one in after)) == (20, 0)
    later = [use(catalog, START + MINUTE + MINUTE // 2) for _ in range(20)]
    assert sum(one is not None for one in later) == 10
    assert sum(use(catalog, START + 4 * MINUTE) is not None for _ in range(30)) == 20


def test_another_limit_holds_at_once_and_a_wrong_clock_locks_nobody_out(catalog: SqlCatalog) -> None:
    for _ in range(20):
        assert use(catalog, START)
    assert use(catalog, START) is None
    assert use(catalog, START, Rate(21, MINUTE)) is not None
    assert use(catalog, START, Rate(5, MINUTE)) is None
    assert use(catalog, START - 86_400_000) is not None


def test_many_who_count_at_once_are_all_counted(catalog: SqlCatalog) -> None:
    granted: list[bool] = []

    def ask() -> None:
        granted.extend(use(catalog, START) is not None for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (granted.count(True), granted.count(False)) == (20, 20)


def test_windows_of_long_ago_are_forgotten(catalog: SqlCatalog) -> None:
    use(catalog, START, key="old")
    use(catalog, START + 10 * MINUTE, key="new")
    with catalog.read() as reading:
        assert (reading.rate_window("old"), reading.rate_window("new")) == (None, Window(START + 10 * MINUTE, 1, 0))


@given(st.integers(1, 50), st.lists(st.integers(0, 40_000), min_size=1, max_size=120))
@settings(max_examples=200, deadline=None)
def test_the_announced_wait_is_enough_and_the_limit_is_kept(limit: int, steps: list[int]) -> None:
    rate, now, window, granted = Rate(limit, MINUTE), START, Window(START, 0, 0), list[int]()
    for step in steps:
        now += step
        wait = window.wait_ms(now, rate)
        assert (wait == 0) == (window.remaining(now, rate) > 0)
        assert 0 <= wait <= 2 * MINUTE
        if wait:
            assert window.wait_ms(now + wait, rate) == 0
            continue
        there = window.at(now, rate)
        window = Window(there.began_ms, there.used + 1, there.used_before)
        granted.append(now)
        assert sum(at > window.began_ms - MINUTE and at < window.began_ms for at in granted) <= limit
        assert there.used < limit


@pytest.mark.parametrize("seed", range(3))
def test_the_database_counts_as_the_domain_does(catalog: SqlCatalog, seed: int) -> None:
    rate, now, window = Rate(3, 1000), START, Window(START, 0, 0)
    for number in range(60):
        now += (number * 7919 * (seed + 1)) % 700
        found = use(catalog, now, rate, key=f"key{seed}")
        if window.wait_ms(now, rate):
            assert found is None
            continue
        there = window.at(now, rate) if window.used + window.used_before else Window(now, 0, 0)
        window = Window(there.began_ms, there.used + 1, there.used_before)
        assert found == window


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("limits"), ENTREPOT_RATE_LIMITS="all=100000/hour,promote=7/day") as found:
        yield found


@pytest.fixture
def limited(office: Office) -> Iterator[Any]:
    """A way to set limits, which are as before afterwards."""

    def change(**limits: str) -> None:
        assert office.admin.patch("/settings", json={"rate_limits": limits}).status_code == 200

    yield change
    assert office.admin.patch("/settings", json={"rate_limits": None}).status_code == 200


def test_the_environment_says_what_holds_until_somebody_changes_it(office: Office, limited: Any) -> None:
    shown = office.admin.get("/settings").json()["rate_limits"]
    assert (shown["upload"], shown["promote"]) == ("100000/hour", "7/day")
    limited(upload="2/day")
    shown = office.admin.get("/settings").json()["rate_limits"]
    assert (shown["upload"], shown["promote"], shown["import"]) == ("2/day", "7/day", "100000/hour")


def test_uploads_are_limited_by_user_and_token_and_say_so(office: Office, limited: Any) -> None:
    limited(upload="2/hour")
    username, secret = office.hire(role="uploader"), office.token(role="uploader")["token"]
    form = {"file": ("limited_1_all.deb", b"no package")}
    with office.session(username) as person, office.bearing(secret) as program:
        for client in (person, program):
            first, second = client.post("/upload", files=form), client.post("/api/v1/upload/", files=form)
            assert (first.status_code, second.status_code) == (422, 422)
            assert [one.headers["x-ratelimit-remaining"] for one in (first, second)] == ["1", "0"]
            assert first.headers["x-ratelimit-limit"] == "2"
            assert int(first.headers["x-ratelimit-reset"]) > 1_700_000_000
            refused = client.post("/upload", files=form)
            assert refused.status_code == 429
            assert refused.headers["x-ratelimit-limit"] == "2"
            assert refused.headers["x-ratelimit-remaining"] == "0"
            wait = int(refused.headers["retry-after"])
            assert 1 <= wait <= 7200
            detail = refused.json()["detail"]
            assert set(detail) == {"error", "message", "limit", "retry_after"}
            assert (detail["error"], detail["limit"], detail["retry_after"]) == ("rate_limit_exceeded", "2/hour", wait)
            # Other requests of theirs go on, and say nothing of limits.
            other = client.get("/packages")
            assert other.status_code == 200
            assert "x-ratelimit-limit" not in other.headers
        # A change holds from the next request on.
        limited(upload="3/hour")
        assert person.post("/upload", files=form).status_code == 422
    package = {"file": ("limited_1_all.deb", build_deb("limited", "1"))}
    good = office.admin.post("/upload", files=package, data={"distribution": "jammy"})
    assert (good.status_code, good.headers["x-ratelimit-remaining"]) == (201, "2")


def test_a_body_over_the_limit_is_not_waited_for(office: Office, limited: Any) -> None:
    limited(upload="1/hour")
    secret = office.token(role="uploader")["token"]
    for status in (b"HTTP/1.1 400 ", b"HTTP/1.1 429 "):
        with socket.create_connection(("127.0.0.1", office.server.port), timeout=30) as sock:
            sock.sendall(
                f"POST /upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n"
                "Content-Type: text/plain\r\nContent-Length: 1000000000\r\n\r\nonly this comes".encode()
            )
            assert sock.recv(65536).startswith(status)


def test_signing_in_is_limited_by_address(office: Office, limited: Any) -> None:
    limited(auth_token="3/hour")
    username = office.hire()
    for _ in range(3):
        assert office.sign_in(username, address="127.0.0.31").status_code == 200
    refused = office.sign_in(username, address="127.0.0.31")
    assert (refused.status_code, refused.json()["detail"]["limit"]) == (429, "3/hour")
    assert office.sign_in("somebody-else", address="127.0.0.31").status_code == 429
    assert office.sign_in(username, address="127.0.0.32").status_code == 200


def test_what_is_not_allowed_is_not_counted(office: Office, limited: Any) -> None:
    limited(distributions="1/hour")
    body = {"package": "absent", "from_dist": "jammy", "to_dist": "noble"}
    username = office.hire(role="reader")
    with office.session(username) as client:
        assert {client.post("/distributions/promote", json=body).status_code for _ in range(3)} == {403}
        office.admin.patch(f"/auth/users/{username}", json={"role": "maintainer"})
        assert [client.post("/distributions/promote", json=body).status_code for _ in range(2)] == [404, 429]


def test_a_request_counts_in_all_its_groups_or_in_none(tmp_path: Any) -> None:
    with memory_installation(tmp_path, works=False, rate_limits="import=4/minute,import_sync=3/minute") as house:
        limits = house.application.limits
        both = ("import", "import_sync")
        assert [limits.use("user:rita", both).remaining for _ in range(3)] == [2, 1, 0]
        refused = [limits.use("user:rita", both) for _ in range(5)]
        assert {(str(one.rate), one.wait_seconds > 0) for one in refused} == {("3/minute", True)}
        # What was refused used up nothing of the group.
        assert limits.use("user:rita", ("import",)).wait_seconds == 0
        tight = limits.use("user:rita", ("import",))
        assert (str(tight.rate), tight.remaining, 60 <= tight.wait_seconds <= 120) == ("4/minute", 0, True)
        house.clock.advance(seconds=tight.wait_seconds)
        assert limits.use("user:rita", ("import",)).wait_seconds == 0
