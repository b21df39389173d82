"""Every way in which an upstream can lie about a package: in a run of a mirror, and when a machine asks for it."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.outbound.fetching import Pace
from entrepot.adapters.outbound.streaming import HttpFetcher
from entrepot.adapters.signing import verification
from entrepot.adapters.storage.memory import MemoryBlobStore
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import SuiteId, SuiteOptions
from entrepot.domain.upstream.mirror import DownloadPolicy, Mirror, MirrorId, listed_file
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.errors import EntrepotError
from entrepot.services.upstream.courier import Courier, Ways
from entrepot.services.upstream.mirrors import OnDemand
from entrepot.services.upstream.mirrors.filling import Errand, Filling, Tally
from entrepot.services.upstream.mirrors.mirroring import Mirroring
from entrepot.services.upstream.mirrors.originals import Originals
from entrepot.testing.hostile_upstream import HostileUpstream, running_hostile_upstream
from entrepot.testing.memory import ADMIN

DIGEST, LARGE, PROTOCOL = "upstream.digest", "upstream.too_large", "upstream.protocol"
# The code of the refusal, or nothing where the package comes: what is inside is not looked at.
PACKAGES = {
    "good": "",
    "package-hash": DIGEST,
    "package-short": DIGEST,
    "package-long": DIGEST,
    "package-missing": "upstream.missing",
    "package-other-inside": "",
}
TRANSPORT = {
    "hang": "upstream.timeout", "slow-headers": "upstream.timeout", "truncate": PROTOCOL, "close": PROTOCOL,
    "reset-at:0": "upstream.unreachable", "reset-at:100": "upstream.unreachable", "length-twice": PROTOCOL,
    "length-negative": PROTOCOL, "length-and-chunked": PROTOCOL, "bad-chunk": PROTOCOL, "huge-length": PROTOCOL,
    "endless-body": LARGE, "status:503": "upstream.status", "redirect-canary": "url.forbidden",
    "redirect-decimal": "url.forbidden", "redirect-file": "url.forbidden", "redirect-loop": "upstream.redirect",
    "always-304": PROTOCOL, "html": DIGEST, "delay:1": "", "fail-first:2": "", "flip-flop": "", "range-ignored": "",
}  # fmt: skip
# Written so, the filter does not find itself in the path.
QUICK = Pace(connect_seconds=2, idle_seconds=1.5, total_seconds=30, pause_seconds=0.01, longest_pause_seconds=0.05)


@dataclass(frozen=True, slots=True)
class Bench:
    """Mirrors of the hostile upstream, without a server around them."""

    hostile: HostileUpstream
    catalog: Catalog
    blobs: MemoryBlobStore
    filling: Filling
    mirroring: Mirroring
    on_demand: OnDemand

    def add(self, path: str, policy: DownloadPolicy) -> MirrorId:
        with suppress(urllib.error.URLError):  # has the scenario made, which takes its time
            self.hostile.get("/".join(path.split("/")[-2:]) + "/nothing")
        format_ = Format.RPM if "rpm/" in path else Format.DEB
        codename = "stable" if format_ is Format.DEB else "el9"
        source = Source(
            SourceId(0), "evil", "Evil", format_, f"{self.hostile.url}/{path}", codename,
            ("main",) if format_ is Format.DEB else (), keyring=self.hostile.key(),
        )  # fmt: skip
        with self.catalog.write() as unit:
            number = unit.add_source(source)
            archive = unit.archive(format_, "evil") or unit.add_archive(format_, "evil")
            suite = unit.add_suite(archive, codename, SuiteOptions(), datetime.now(UTC), verbatim=True)
            return unit.add_mirror(Mirror(MirrorId(0), "evil", number, suite.id, download_policy=policy))

    def run(self, mirror: MirrorId) -> str:
        """The code of the failure, if it is one."""
        try:
            self.mirroring.run(mirror, ADMIN, lambda *_: None)
        except EntrepotError as error:
            return error.code if error.detail.startswith("evil: ") else error.detail
        return ""

    def ask(self, mirror: MirrorId) -> str:
        """For every package that is not there, as machines do; the code of the first failure."""
        for number in self.absent(mirror):
            arrival = self.on_demand.open(number)
            assert arrival.ended.wait(60)
            if arrival.error is not None:
                assert arrival.digest is None
                assert arrival.error.detail.startswith("evil: ")
                return arrival.error.code
        return ""

    def absent(self, mirror: MirrorId) -> list[int]:
        with self.catalog.read() as reading:
            one = reading.mirror(mirror)
            suite = reading.suite(one.suite_id)
            paths = self._paths(suite.id)
            found = [reading.mirrored(suite.archive.id, path) for path in paths]
            return [each.absent for each in found if each is not None and each.absent]

    def _paths(self, suite: SuiteId) -> list[str]:
        with self.catalog.read() as reading:
            return [one.path for run in range(10) for one in reading.brought_in(suite, run) if not one.digest]

    def state(self, mirror: MirrorId) -> tuple[object, ...]:
        """What is in force, and what is stored for it."""
        with self.catalog.read() as reading:
            suite = reading.suite(reading.mirror(mirror).suite_id)
            return suite.generation_id, suite.revision, reading.absent(suite.id), sorted(reading.needed_digests())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileUpstream]:
    folder = tmp_path_factory.mktemp("hostile")
    with running_hostile_upstream(folder, "--max-seconds", "4", "--max-bytes", "16M", "--bomb-size", "16M") as found:
        yield found


@pytest.fixture
def bench(hostile: HostileUpstream, tmp_path: Path) -> Iterator[Bench]:
    hostile.reset()
    catalog, fetcher, blobs = SqlCatalog(f"sqlite:///{tmp_path}/catalog.db"), HttpFetcher(), MemoryBlobStore()

    def now() -> datetime:
        return datetime.now(UTC)

    with closing(catalog), closing(fetcher):
        courier = Courier(fetcher, Ways(hostile.inside, pace=QUICK), bytes(32))
        filling = Filling(catalog, blobs, courier, now)
        mirroring = Mirroring(catalog, blobs, Originals(courier, verification, now), filling, now)
        on_demand = OnDemand(catalog, blobs, courier, now)
        yield Bench(hostile, catalog, blobs, filling, mirroring, on_demand)
        on_demand.stop()


def expect(bench: Bench, path: str, code: str) -> None:
    """A run that wants all, and then a run that wants the index and a machine that wants a package."""
    mirror = bench.add(path, DownloadPolicy.IMMEDIATE)
    before = bench.state(mirror)
    assert bench.run(mirror) == code
    if code:
        assert bench.state(mirror)[:2] == before[:2], "nothing is shown"
    with bench.catalog.write() as unit:
        unit.remove_mirror(unit.mirror(mirror))
        unit.remove_source(unit.sources()[0].id)
    mirror = bench.add(path, DownloadPolicy.ON_DEMAND)
    for digest in list(bench.blobs.digests()):
        bench.blobs.remove(digest)
    assert bench.run(mirror) == ""
    before = bench.state(mirror)
    assert bench.absent(mirror)
    assert bench.ask(mirror) == code
    if code:
        assert bench.state(mirror) == before, "nothing of it is stored, and the index is shown as before"
    else:
        assert bench.absent(mirror) == []
    assert bench.hostile.canary() == []
    assert not Path("/tmp/hostile-escape").exists()


@pytest.mark.parametrize("fault", PACKAGES)
@pytest.mark.parametrize("kind", ["apt", "rpm"])
def test_a_package_that_is_another(bench: Bench, kind: str, fault: str) -> None:
    expect(bench, f"{kind}/{fault}", PACKAGES[fault])


@pytest.mark.parametrize("fault", TRANSPORT)
def test_a_way_that_breaks_down(bench: Bench, fault: str) -> None:
    break_down(bench, "apt", fault)


@pytest.mark.parametrize("fault", ["truncate", "redirect-canary", "fail-first:2"])
def test_a_way_that_breaks_down_for_rpm(bench: Bench, fault: str) -> None:
    break_down(bench, "rpm", fault)


def break_down(bench: Bench, kind: str, fault: str) -> None:
    """The index came as it should; then a run, and then a machine, wants the package of it."""
    mirror = bench.add(f"{kind}/good", DownloadPolicy.ON_DEMAND)
    assert bench.run(mirror) == ""
    before, code = bench.state(mirror), TRANSPORT[fault]
    with bench.catalog.write() as unit:
        source = unit.sources()[0]
        source = replace(source, url=f"{bench.hostile.url}/net/{fault}/{kind}/good")
        unit.change_source(source)
        suite = unit.suite(unit.mirror(mirror).suite_id)
        rows = [unit.listed_file(number) for number in bench.absent(mirror)]
        errand = Errand(unit.mirror(mirror), source, [f"{source.url}/"], 1, Tally())
    files = [listed_file(suite, row.path, row.listed, row.size_bytes) for row in rows]
    if code:
        with pytest.raises(EntrepotError) as refused:
            bench.filling.fill(errand, files, lambda *_: None)
        assert refused.value.code == code, refused.value.detail
        assert bench.state(mirror) == before
    bench.hostile.reset()
    assert bench.ask(mirror) == code
    if code:
        assert bench.state(mirror) == before, "nothing of it is stored, and the index is shown as before"
    else:
        assert bench.absent(mirror) == []
    assert bench.hostile.canary() == []


@pytest.mark.parametrize("path", ["apt/flip", "rpm/flip"])
def test_an_upstream_that_turns_while_it_is_read_changes_nothing(bench: Bench, path: str) -> None:
    mirror = bench.add(path, DownloadPolicy.IMMEDIATE)
    assert bench.run(mirror) == ""
    before = bench.state(mirror)
    bench.hostile.phase(1)
    with bench.catalog.write() as unit:  # has all looked at anew
        unit.note_mirror(mirror, replace(unit.mirror(mirror).state, selection=""))
    for digest in list(bench.blobs.digests()):
        bench.blobs.remove(digest)  # nothing of the index is at hand
    assert bench.run(mirror) == DIGEST
    assert bench.state(mirror)[:2] == before[:2]
