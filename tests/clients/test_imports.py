"""What was imported is installed by the stock apt and dnf, from a server that is not the one that built it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import running_server

_APT, _DNF = missing_programs("apt-get", "apt-cache", "dpkg"), missing_programs("dnf", "rpm")
pytestmark = pytest.mark.clients


@dataclass(frozen=True, slots=True)
class Importer:
    """A server that imports from another one."""

    upstream: Maintainer
    here: Maintainer

    def synchronise(self, kind: str, codename: str, place: str) -> None:
        client = self.here.client
        key = self.upstream.file(f"/{kind}/main/key.asc").decode()
        source = {"name": codename, "type": kind, "url": f"{self.upstream.client.base_url}{place}", "gpg_key": key}
        answer = client.post("/import/sources", json={**source, "distribution": codename})
        assert answer.status_code == 201, answer.text
        with client.stream("POST", f"/import/sources/{codename}/sync") as events:
            assert '"status": "done"' in events.read().decode()

    def fetch(self, name: str, distribution: str) -> list[str]:
        answer = self.here.client.post("/import/fetch", json={"name": name, "distribution": distribution})
        assert answer.status_code == 201, answer.text
        assert answer.json()["status"] == "published", answer.text
        return [row["name"] for row in answer.json()["imported"]]


@pytest.fixture(scope="module")
def importer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Importer]:
    with running_server(tmp_path_factory.mktemp("upstream")) as upstream:
        inside = {"ENTREPOT_UPSTREAM_INSIDE": upstream.url.partition("//")[2]}
        with (
            running_server(tmp_path_factory.mktemp("here"), **inside) as server,
            upstream.client() as theirs,
            server.client() as ours,
        ):
            yield Importer(Maintainer(theirs), Maintainer(ours))


@pytest.mark.skipif(bool(_APT), reason=f"APT IS NOT INSTALLED HERE ({', '.join(_APT)})")
def test_apt_installs_what_was_imported(tmp_path: Path, importer: Importer) -> None:
    codename = importer.upstream.create("bullseye-test", "deb")
    for package in (
        build_deb("greeter", "2.1-3", "amd64", depends="lib-greeting (>= 1.0), voice | silence"),
        build_deb("lib-greeting", "1.2", "amd64"),
        build_deb("lib-greeting", "0.9", "amd64"),
        build_deb("alto", "1", fields={"Provides": "voice"}),
    ):
        importer.upstream.push(package, codename)
    importer.synchronise("apt", codename, "/apt/main")
    target = importer.here.create("target", "deb")
    assert importer.fetch("greeter", target)[-1] == "greeter"
    apt = AptRoot(tmp_path)
    apt.add_source(importer.here.sources(target), target)
    apt.update().checked()
    apt.install("greeter").checked()
    assert apt.installed() == {"greeter": "2.1-3", "lib-greeting": "1.2", "alto": "1"}


@pytest.mark.skipif(bool(_DNF), reason=f"DNF IS NOT INSTALLED HERE ({', '.join(_DNF)})")
@pytest.mark.skipif(os.geteuid() != 0, reason="DNF INSTALLS INTO A ROOT AS root ONLY")
def test_dnf_installs_what_was_imported(tmp_path: Path, importer: Importer) -> None:
    codename = importer.upstream.create("el-test", "rpm")
    for package in (
        build_rpm("r-greeter", "2.1", "3", requires=["(r-base >= 1.0 or r-other)", "libvoice.so()(64bit)"]),
        build_rpm("r-base", "1.1", "1"),
        build_rpm("r-voice", "1", "1", provides=["libvoice.so()(64bit)"]),
    ):
        importer.upstream.push(package, codename)
    importer.synchronise("rpm", codename, f"/rpm/main/{codename}/x86_64")
    target = importer.here.create("el-target", "rpm")
    assert set(importer.fetch("r-greeter", target)) == {"r-greeter", "r-base", "r-voice"}
    dnf = DnfRoot(tmp_path)
    dnf.add_repo(importer.here.repo(target), target)
    dnf.makecache().checked()
    dnf.install("r-greeter").checked()
    assert dnf.installed() == {"r-greeter": "2.1-3", "r-base": "1.1-1", "r-voice": "1-1"}
