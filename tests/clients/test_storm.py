"""Clients that never pause while we publish and remove at full speed: none of them may notice."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx2
import pytest

from entrepot.domain.formats.deb.packages_index import parse_entries
from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server, running_server

pytestmark = pytest.mark.clients

ROUNDS = int(os.environ.get("ENTREPOT_STORM_ROUNDS", "6"))
CLIENTS_OF_EACH_KIND = 4
LEAST_PUBLICATIONS = 300
LIVE_AT_ONCE = 4


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: what happens here would slow down other tests' clients."""
    with running_server(tmp_path_factory.mktemp("storm")) as server:
        yield server


@dataclass(slots=True)
class Publishing:
    """Threads that push and remove until they are told to end, and have done enough."""

    server: Server
    ended: threading.Event = field(default_factory=threading.Event)
    done: dict[str, int] = field(default_factory=dict)

    def run(self, suite: str, build: Callable[[str], bytes]) -> None:
        """Push one package after the other, remove those that came before; each is a publication."""
        with self.server.client() as client:
            maintainer = Maintainer(client)
            for number in count(1):
                if self.ended.is_set() and self.done.get(suite, 0) >= LEAST_PUBLICATIONS // 2:
                    return
                maintainer.push(build(f"{suite}-{number}"), suite)
                self.done[suite] = self.done.get(suite, 0) + 1
                if number >= LIVE_AT_ONCE:
                    maintainer.remove(f"{suite}-{number - LIVE_AT_ONCE}", distribution=suite)
                    self.done[suite] += 1


def apt_rounds(server: Server, folder: Path, suite: str) -> list[str]:
    """Update, then fetch the package that will be removed next; what went wrong."""
    apt = AptRoot(folder)
    apt.add_source(httpx2.get(f"{server.url}/apt/main/{suite}.sources").text)
    failures = []
    for _ in range(ROUNDS):
        update = apt.update()
        if not update.ok or "W:" in update.output:
            failures.append(str(update))
            continue
        names = apt.run("apt-cache", "pkgnames", suite).stdout.split()
        fetched = apt.run("apt-get", "download", min(names, key=number_of), folder=folder / "tmp")
        failures += [] if fetched.ok else [str(fetched)]
    return failures


def dnf_rounds(server: Server, folder: Path, suite: str) -> list[str]:
    """The same with dnf."""
    dnf = DnfRoot(folder)
    # Machines have addresses of their own; here all have one, so that their names have to tell them apart.
    served = httpx2.get(f"{server.url}/rpm/main/{suite}.repo").text
    dnf.add_repo(f"{served}user_agent=libdnf on {folder.name}\n")
    failures = []
    for _ in range(ROUNDS):
        makecache = dnf.makecache()
        if not makecache.ok:
            failures.append(str(makecache))
            continue
        listed = dnf.dnf("--cacheonly", "repoquery", "--quiet", "--available", "--queryformat=%{name}")
        names = [name for name in listed.stdout.split() if name.startswith(suite)]
        fetched = dnf.dnf("install", "--downloadonly", min(names, key=number_of)) if names else listed
        failures += [] if names and fetched.ok else [str(fetched)]
    return failures


def number_of(name: str) -> int:
    return int(name.rpartition("-")[2])


def test_no_client_notices_publications(tmp_path: Path, storm: Server) -> None:
    kinds = [(apt_rounds, "storm-deb", ("apt-get",)), (dnf_rounds, "storm-rpm", ("dnf", "rpm"))]
    present = [(rounds, suite) for rounds, suite, programs in kinds if not missing_programs(*programs)]
    if len(present) < 2 or os.geteuid() != 0:
        pytest.skip("APT AND DNF, AND THE RIGHTS OF root, ARE NEEDED TO SEE THAT CLIENTS DO NOT NOTICE PUBLICATIONS")
    with storm.client() as client:
        for suite, build in (("storm-deb", build_deb), ("storm-rpm", build_rpm)):
            Maintainer(client).create(suite, suite.removeprefix("storm-"))
            Maintainer(client).push(build(f"{suite}-0"), suite)
    publishing = Publishing(storm)
    with ThreadPoolExecutor() as pool:
        publishers = [
            pool.submit(publishing.run, "storm-deb", build_deb),
            pool.submit(publishing.run, "storm-rpm", build_rpm),
        ]
        clients = [
            pool.submit(rounds, storm, tmp_path / f"{suite}-{number}", suite)
            for rounds, suite in present
            for number in range(CLIENTS_OF_EACH_KIND)
        ]
        wait(clients)
        publishing.ended.set()
        failures = [failure for client_ in clients for failure in client_.result()]
        for publisher in publishers:
            publisher.result()
    assert not failures, f"{len(failures)} of {len(clients) * ROUNDS} rounds failed:\n" + "\n".join(failures[:5])
    assert sum(publishing.done.values()) >= LEAST_PUBLICATIONS


@pytest.mark.parametrize("parallel", [16, 50])
def test_each_upload_is_in_the_index_when_it_is_answered(storm: Server, parallel: int) -> None:
    suite = f"parallel-{parallel}"
    with storm.client() as client:
        maintainer = Maintainer(client)
        maintainer.create(suite)

        def push(number: int) -> bool:
            name = f"{suite}-{number}"
            maintainer.push(build_deb(name), suite)
            packages = maintainer.file(f"/apt/main/dists/{suite}/main/binary-amd64/Packages")
            paths = {entry.filename.rpartition("/")[2]: entry.filename for entry in parse_entries([packages])}
            path = paths.get(f"{name}_1.0_all.deb")
            return path is not None and client.head(f"/apt/main/{path}").status_code == 200

        with ThreadPoolExecutor(parallel) as pool:
            assert all(pool.map(push, range(parallel)))
        rows = client.get(f"/distributions/{suite}/packages", params={"per_page": 200}).json()["packages"]
        assert len(rows) == parallel
