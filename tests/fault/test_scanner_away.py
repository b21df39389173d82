"""The scanner is away while many packages come: nothing goes out unscanned, and all of it goes out afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fault.test_scanner_faults import names, until, upload, verdicts

from entrepot.testing.clamd import EICAR, ClamdServer, find_clamd
from entrepot.testing.server import Server, running_server

pytestmark = pytest.mark.xdist_group("clamd")

UPLOADS, SENDERS, ILL = 50, 8, {7, 23, 41}
MOST_MORE_FILES, MOST_MORE_MIB = 40, 150


@pytest.fixture
def clamd(tmp_path: Path) -> Iterator[ClamdServer]:
    program = find_clamd()
    if program is None:
        pytest.skip("CLAMD IS NOT INSTALLED (Debian: clamav-daemon); every test with it is skipped")
    server = ClamdServer(program, tmp_path / "av")
    server.start()
    try:
        yield server
    finally:
        server.kill()


def test_many_uploads_wait_for_the_scanner_and_then_go_out_by_themselves(clamd: ClamdServer, tmp_path: Path) -> None:
    settings = {"ENTREPOT_CLAMD": clamd.address, "ENTREPOT_RATE_LIMITS": "all=10000/minute"}
    with running_server(tmp_path, **settings) as server, server.client() as client:
        assert upload(client, "before")[1]["status"] == "published"
        files, mebibytes = _used(server)
        clamd.kill()

        def send(number: int) -> tuple[int, bool]:
            status, body = upload(client, f"many-{number}", EICAR if number in ILL else b"fine\n")
            return status, body["indexed"]

        with ThreadPoolExecutor(SENDERS) as pool:
            answers = list(pool.map(send, range(UPLOADS)))
        assert set(answers) == {(202, False)}
        assert names(client) == {"before"}
        now_files, now_mebibytes = _used(server)
        assert now_files - files < MOST_MORE_FILES, (files, now_files)
        assert now_mebibytes - mebibytes < MOST_MORE_MIB, (mebibytes, now_mebibytes)
        waiting = client.get("/artifacts/many-0/1.0/why").json()
        assert (waiting["state"], waiting["visible"]) == ("inspecting", False)

        clamd.start()
        fine = {f"many-{number}" for number in range(UPLOADS) if number not in ILL}
        until(lambda: names(client) == {"before", *fine}, "what waited is not published")
        until(lambda: all(verdicts(client, f"many-{number}") for number in ILL), "what is ill has no verdict")
        for number in range(UPLOADS):
            [(result, scan)] = verdicts(client, f"many-{number}")
            ill = number in ILL
            assert (result, scan.split(":")[0]) == (("BLOCKED", "findings") if ill else ("SUCCESS", "clean"))
        assert names(client) == {"before", *fine}
        assert _used(server)[0] - files < MOST_MORE_FILES


def _used(server: Server) -> tuple[int, float]:
    """Open files and resident memory of the server's process."""
    assert server.process is not None
    process = Path(f"/proc/{server.process.pid}")
    pages = int((process / "statm").read_text(encoding="ascii").split()[1])
    return len(list((process / "fd").iterdir())), pages * 4096 / 2**20
