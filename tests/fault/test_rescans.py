"""A scanner that knows more than yesterday: what it finds in a published package leaves everything, at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from entrepot.testing.clamd import ClamdServer, find_clamd
from entrepot.testing.clients import AptRoot, missing_programs
from entrepot.testing.ledger import published_packages
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb
from entrepot.testing.server import running_server

_MISSING = missing_programs("apt-get", "apt-cache", "dpkg")
_PATIENCE_SECONDS = 60
CONTENT = b"harmless, as far as anybody knew\n"

pytestmark = [
    pytest.mark.xdist_group("clamd"),
    pytest.mark.clients,
    pytest.mark.skipif(bool(_MISSING), reason=f"APT IS NOT INSTALLED HERE ({', '.join(_MISSING)})"),
]


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_malware_that_becomes_known_later_leaves_index_and_pool(tmp_path: Path) -> None:
    program = find_clamd()
    if program is None:
        pytest.skip("CLAMD IS NOT INSTALLED (Debian: clamav-daemon); every test with it is skipped")
    clamd = ClamdServer(program, tmp_path / "av")
    clamd.start()
    try:
        with running_server(tmp_path, ENTREPOT_CLAMD=clamd.address) as server, server.client() as client:
            maintainer = Maintainer(client)
            for name, content in (("sleeper", CONTENT), ("other", b"fine\n")):
                maintainer.push(build_deb(name, files={f"usr/share/{name}": content}), "jammy")
            apt = AptRoot(tmp_path / "machine", architectures=("amd64",))
            apt.add_source(maintainer.sources("jammy"), "jammy")
            apt.update().checked()
            assert apt.candidate("sleeper") == "1.0"
            path = "/apt/main/pool/main/s/sleeper/sleeper_1.0_all.deb"
            assert client.get(path).status_code == 200

            clamd.learn("Test.Sleeper", CONTENT)
            for name in ("other", "sleeper"):
                answer = client.post(f"/security/packages/{name}/1.0/rescan")
                assert answer.status_code == 202, answer.text
                assert answer.json()["status"] == "running"
            until(lambda: set(published_packages(client, "jammy")) == {"other"}, "it is still in the index")
            until(lambda: client.get(path).status_code == 404, "it is still in the pool")

            def logged(action: str, name: str) -> list[dict[str, object]]:
                wanted = {"package": name, "action": action}
                return list(client.get("/artifacts/audit/logs", params=wanted).json()["items"])

            until(lambda: len(logged("RESCAN", "other")) == 2, "the other is not scanned")
            assert sorted(str(one["result"]) for one in logged("RESCAN", "other")) == ["START", "SUCCESS"]
            assert sorted(str(one["result"]) for one in logged("RESCAN", "sleeper")) == ["START", "WARNING"]
            [entry] = logged("QUARANTINE", "sleeper")
            assert "Test.Sleeper" in str(entry["detail"])
            assert apt.run("apt-get", "download", "sleeper").status != 0, "the old index names it"
            apt.update().checked()
            assert apt.candidate("sleeper") is None
            assert apt.candidate("other") == "1.0"
            refused = client.post(
                "/upload/", files={"file": ("s.deb", build_deb("sleeper", files={"usr/share/sleeper": CONTENT}))}
            )
            assert refused.status_code in (409, 422), "it cannot come back"
    finally:
        clamd.resume()
        clamd.kill()
