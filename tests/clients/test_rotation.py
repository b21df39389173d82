"""Real clients through a rotation of keys: with the old key, with the new one, with both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from entrepot.testing.clients import AptRoot, DnfRoot, ZypperRoot, missing_programs, run
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server, running_server

pytestmark = [pytest.mark.clients, pytest.mark.xdist_group("rotation")]

if missing := missing_programs("apt-get", "dnf", "zypper", "gpgv", "sqv"):
    pytestmark.append(pytest.mark.skip(reason=f"NOT INSTALLED: {', '.join(missing)}"))


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("rotation")) as server:
        yield server


class Machines:
    """Clients of one archive of each format, by what they know."""

    def __init__(self, server: Server, maintainer: Maintainer, tmp_path_factory: pytest.TempPathFactory) -> None:
        self.server = server
        self.maintainer = maintainer
        self._factory = tmp_path_factory
        self.apt: dict[str, AptRoot] = {}
        self.dnf: dict[str, DnfRoot] = {}
        self.zypper: dict[str, ZypperRoot] = {}

    def join(self, name: str, apt_key: bytes, rpm_key: bytes) -> None:
        folder = self._factory.mktemp(name)
        apt = self.apt[name] = AptRoot(folder / "apt")
        path = apt.key_file(apt_key)
        apt.add_line(f"deb [signed-by={path}] {self.server.url}/apt/main bookworm main")
        base = f"{self.server.url}/rpm/main/almalinux9/x86_64/"
        dnf = self.dnf[name] = DnfRoot(folder / "dnf")
        key = dnf.key_file(rpm_key)
        dnf.add_repo(f"[x]\nname=x\nbaseurl={base}\nrepo_gpgcheck=1\ngpgcheck=0\ngpgkey=file://{key}\n")
        zypper = self.zypper[name] = ZypperRoot(folder / "zypper")
        zypper.trust(rpm_key).checked()
        zypper.add_repo(f"[x]\nname=x\nbaseurl={base}\nenabled=1\nrepo_gpgcheck=1\ngpgcheck=0\n")

    def accepts(self, name: str) -> dict[str, bool]:
        apt = self.apt[name].update()
        return {
            "apt": apt.ok and "W:" not in apt.stderr,
            "dnf": self.dnf[name].makecache().ok,
            "zypper": self.zypper[name].refresh().ok,
        }


ALL = {"apt": True, "dnf": True, "zypper": True}
NONE = dict.fromkeys(ALL, False)


def test_clients_go_on_through_every_step(own_server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    with own_server.client() as client:
        maintainer = Maintainer(client)
        maintainer.push(build_deb("hello", "1.0"), "bookworm")
        maintainer.push(build_rpm("hello"), "almalinux9")
        machines = Machines(own_server, maintainer, tmp_path_factory)

        def served() -> tuple[bytes, bytes]:
            return maintainer.file("/apt/main/key.asc"), maintainer.file("/rpm/main/key.asc")

        old = served()
        machines.join("old", *old)
        assert machines.accepts("old") == ALL
        # A new key beside the old one.
        made = client.post("/settings/gpg/generate", json={"expire": "2y", "name": "Next"})
        assert made.status_code == 200, made.text
        fingerprints = set(made.json()["fingerprints"])
        both = served()
        assert both != old
        machines.join("both", *both)
        assert machines.accepts("old") == ALL
        assert machines.accepts("both") == ALL
        maintainer.push(build_deb("hello", "2.0"), "bookworm")
        assert machines.accepts("old") == ALL
        assert machines.apt["old"].candidate("hello") == "2.0"
        refused = client.post("/settings/gpg/retire", json={})
        assert (refused.status_code, refused.json()["error"]) == (409, "signing.overlap")
        again = client.post("/settings/gpg/generate", json={})
        assert (again.status_code, again.json()["error"]) == (409, "signing.overlap")
        # The old one goes.
        gone = client.post("/settings/gpg/retire", json={"force": True})
        assert gone.status_code == 200, gone.text
        new = served()
        machines.join("new", *new)
        assert machines.accepts("old") == NONE
        assert machines.accepts("both") == ALL
        assert machines.accepts("new") == ALL
        shown = client.get("/settings/gpg").json()
        assert {row["fingerprint"] for row in shown["keys"]} == fingerprints
        assert all(row["expires"] for row in shown["keys"])
        # Another end: the keys are the same, and clients that have them need nothing new.
        moved = client.post("/settings/gpg/extend", json={"expire": "3y"})
        assert set(moved.json()["fingerprints"]) == fingerprints
        assert machines.accepts("new") == ALL


def test_gpgv_and_sqv_verify_what_is_served(own_server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("plain")
    with own_server.client() as client:
        maintainer = Maintainer(client)
        for name in ("InRelease", "Release", "Release.gpg"):
            (folder / name).write_bytes(maintainer.file(f"/apt/main/dists/bookworm/{name}"))
        (folder / "key.gpg").write_bytes(maintainer.file("/apt/main/key.gpg"))
        (folder / "key.asc").write_bytes(maintainer.file("/apt/main/key.asc"))
    run(("gpgv", "--keyring", "./key.gpg", "InRelease"), folder=folder).checked()
    run(("gpgv", "--keyring", "./key.gpg", "Release.gpg", "Release"), folder=folder).checked()
    run(("sqv", "--keyring", "key.asc", "Release.gpg", "Release"), folder=folder).checked()
