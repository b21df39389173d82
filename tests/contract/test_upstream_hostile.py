"""Every hostile upstream: the state before stays, the fault has its name, and nobody else was asked."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.sources import UpstreamFilter
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.outbound.fetching import Pace
from entrepot.adapters.outbound.scratch import Scratch
from entrepot.adapters.outbound.streaming import HttpFetcher
from entrepot.adapters.outbound.targets import Inside
from entrepot.adapters.signing import verification
from entrepot.domain.model.package import Format
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.errors import EntrepotError
from entrepot.services.upstream.courier import Courier, Ways
from entrepot.services.upstream.indexes import Indexes
from entrepot.services.upstream.roots import Roots
from entrepot.services.upstream.syncing import Cancelled, Outcome, Syncing, Tell
from entrepot.testing.hostile_upstream import HostileUpstream, running_hostile_upstream
from entrepot.testing.memory import ADMIN
from entrepot.testing.relay import Relay, relayed

SIGNATURE, PARSE, DIGEST, PATH = "upstream.signature", "upstream.parse", "upstream.digest", "upstream.path"
LARGE, MISSING, AMBIGUOUS = "upstream.too_large", "upstream.missing", "upstream.ambiguous"
FETCHED_LATER = ("package-hash", "package-short", "package-long", "package-missing", "package-other-inside")

# Scenario: the code of its refusal, or how many packages are there afterwards.
APT: dict[str, str | int] = {
    "release-huge": 1,  # gpg cuts its long line, so what it signed is short
    "good": 1, "good-by-hash": 1, "ancient-without-valid-until": 1, "index-unicode-linebreaks": 1,
    **dict.fromkeys(FETCHED_LATER, 1),
    "unsigned": SIGNATURE, "stranger": SIGNATURE, "expired-key": SIGNATURE, "sha1-signature": SIGNATURE,
    "tampered": SIGNATURE, "text-before-signature": SIGNATURE, "text-after-signature": SIGNATURE,
    "text-in-armor-header": SIGNATURE, "two-signed-blocks": SIGNATURE, "detached-for-other-text": SIGNATURE,
    "expired": "upstream.expired", "future": "upstream.expired",
    "md5-only": DIGEST, "sha1-only": DIGEST, "no-checksums": DIGEST, "package-md5-only": DIGEST,
    "index-hash": DIGEST, "index-size": DIGEST, "index-missing": MISSING,
    "empty-files": SIGNATURE, "html-everywhere": SIGNATURE, "release-duplicate-fields": PARSE,
    "filename-dotdot": PATH, "filename-absolute": PATH, "filename-encoded": PATH, "filename-url": PATH,
    "filename-file-url": PATH, "filename-shell": PATH, "filename-dash": PATH, "release-lists-dotdot": PATH,
    "index-bomb-gz": PARSE, "index-truncated-gz": PARSE, "index-long-line": PARSE,
    "index-not-utf8": 0, "index-bad-numbers": 0, "index-duplicate": AMBIGUOUS, "index-many": 200_000,
    "index-broken-depends": 1,
}  # fmt: skip
RPM: dict[str, str | int] = {
    "good": 1, "good-xz": 1, "good-zst": 1, "index-many": 50_000, "index-count-lie": 1, "mirrorlist": 1,
    **dict.fromkeys(FETCHED_LATER, 1),
    "unsigned": SIGNATURE, "stranger": SIGNATURE, "expired-key": SIGNATURE, "tampered": SIGNATURE,
    "signature-is-html": SIGNATURE, "html-everywhere": SIGNATURE, "empty-files": SIGNATURE,
    **{f"repomd-{fault}": PARSE for fault in ("xxe-file", "xxe-http", "external-dtd", "laughs")},
    **{f"primary-{fault}": PARSE for fault in (
        "xxe-file", "laughs", "quadratic", "deep", "huge-attribute", "control-chars", "utf16", "utf7", "unclosed",
        "not-xml")},
    "no-primary": PARSE, "index-missing": MISSING, "index-duplicate": AMBIGUOUS,
    **{f"href-{way}": PATH for way in ("absolute", "file", "dotdot", "encoded", "rooted", "shell")},
    "xml-base": PATH, "repomd-href-dotdot": PATH, "repomd-href-absolute": PATH, "repomd-href-file": PATH,
    "index-hash": DIGEST, "index-size": DIGEST, "open-checksum": DIGEST, "checksum-md5": DIGEST,
    "checksum-missing": DIGEST, "checksum-unknown": DIGEST,
    "index-bomb-gz": LARGE, "index-bomb-zst": LARGE, "index-bomb-bz2": LARGE,
}  # fmt: skip
# Good at first; the second act is refused, and what was taken in the first stays.
PHASED = {
    "apt/replay": "upstream.rollback", "apt/downgrade-to-unsigned": SIGNATURE, "apt/key-change": SIGNATURE,
    "apt/suite-change": "upstream.identity", "apt/mass-deletion": "upstream.mass_deletion", "apt/flip": DIGEST,
    "rpm/replay": "upstream.rollback", "rpm/downgrade-to-unsigned": SIGNATURE, "rpm/key-change": SIGNATURE,
    "rpm/mass-deletion": "upstream.mass_deletion", "rpm/flip": DIGEST,
}  # fmt: skip
# On the root file, and on the index; the rest is shown where single files are fetched.
TRANSPORT = {
    "hang": "upstream.timeout", "truncate": "upstream.protocol", "reset-at:100": "upstream.unreachable",
    "redirect-canary": "url.forbidden", "redirect-decimal": "url.forbidden", "redirect-loop": "upstream.redirect",
    "endless-body": LARGE, "length-twice": "upstream.protocol", "always-304": "upstream.protocol",
    "status:503": "upstream.status", "fail-first:2": "", "delay:1": "", "flip-flop": "", "range-ignored": "",
}  # fmt: skip

ROOTS = {"InRelease", "Release", "Release.gpg", "repomd.xml", "repomd.xml.asc"}
QUICK = Pace(connect_seconds=2, idle_seconds=5, total_seconds=60, pause_seconds=0.01, longest_pause_seconds=0.05)


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything for the synchronisation of one source."""

    hostile: HostileUpstream
    catalog: Catalog
    syncing: Syncing
    folder: Path
    url: str = ""
    """Where the sources lie, if not at the hostile upstream itself."""

    def add(self, path: str) -> SourceId:
        """A source that trusts the good key alone."""
        deb = "rpm/" not in path
        source = Source(
            SourceId(0), "evil", "Evil", Format.DEB if deb else Format.RPM, f"{self.url or self.hostile.url}/{path}",
            "stable" if deb else "", ("main",) if deb else (), ("amd64",) if deb else ("x86_64",), self.hostile.key(),
        )  # fmt: skip
        with self.catalog.write() as unit:
            return unit.add_source(source)

    def sync(self, number: SourceId, *, accept_loss: bool = False) -> Outcome:
        return self.syncing.sync(number, ADMIN, lambda *_: None, accept_loss=accept_loss)

    def state(self, number: SourceId) -> tuple[int, list[str]]:
        """What can be found, and how many rows there are of it."""
        with self.catalog.read() as reading:
            found = reading.upstream_packages(UpstreamFilter(), 300_000)
            return reading.source(number).state.package_count, [f"{each.key} {each.digest}" for each in found]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileUpstream]:
    folder = tmp_path_factory.mktemp("hostile")
    with running_hostile_upstream(folder, "--max-seconds", "8", "--max-bytes", "64M", "--bomb-size", "256M") as found:
        yield found


@dataclass
class Turn:
    """What befalls the files of an index; its root comes as it is."""

    fault: str = ""

    def __call__(self, path: str) -> str:
        return path if path.rpartition("/")[2] in ROOTS else f"/net/{self.fault}{path}"


@pytest.fixture(scope="module")
def turn() -> Turn:
    return Turn()


@pytest.fixture(scope="module")
def relay(hostile: HostileUpstream, turn: Turn) -> Iterator[Relay]:
    with relayed(hostile.url, turn) as found:
        yield found


@pytest.fixture
def bench(hostile: HostileUpstream, relay: Relay, tmp_path: Path) -> Iterator[Bench]:
    hostile.reset()
    inside = Inside.parse(",".join(each.partition("//")[2] for each in (hostile.url, relay.url)))
    catalog, fetcher = SqlCatalog(f"sqlite:///{tmp_path}/catalog.db"), HttpFetcher()
    with closing(catalog), closing(fetcher):
        courier = Courier(fetcher, Ways(inside, pace=QUICK), bytes(32))
        roots = Roots(courier, verification, lambda: datetime.now(UTC))
        indexes = Indexes(courier, Scratch(tmp_path / "scratch"))
        yield Bench(hostile, catalog, Syncing(catalog, roots, indexes, lambda: datetime.now(UTC)), tmp_path)


def expect(bench: Bench, path: str, wanted: str | int) -> None:
    """One synchronisation of a source that was never synchronised."""
    with suppress(urllib.error.URLError):  # has the scenario made, which takes its time
        bench.hostile.get("/".join(path.split("/")[-2:]) + "/nothing")
    number = bench.add(path)
    if isinstance(wanted, int):
        assert bench.sync(number).package_count == wanted
        assert len(bench.state(number)[1]) == wanted
    else:
        with pytest.raises(EntrepotError) as refused:
            bench.sync(number)
        assert refused.value.code == wanted, refused.value.detail
        assert refused.value.detail.startswith("evil: ")
        assert bench.state(number) == (0, [])
        with bench.catalog.read() as reading:
            assert reading.source(number).state.error_code == wanted
    assert bench.hostile.canary() == []
    assert not Path("/tmp/hostile-escape").exists()


@pytest.mark.parametrize("fault", APT)
def test_apt(bench: Bench, fault: str) -> None:
    expect(bench, f"apt/{fault}", APT[fault])


@pytest.mark.parametrize("fault", RPM)
def test_rpm(bench: Bench, fault: str) -> None:
    expect(bench, f"rpm/{fault}", RPM[fault])


@pytest.mark.parametrize("path", PHASED)
def test_what_was_good_once_is_kept_when_the_upstream_turns(bench: Bench, path: str) -> None:
    number = bench.add(path)
    bench.sync(number)
    before = bench.state(number)
    assert before[0] == len(before[1]) == 1
    bench.hostile.phase(1)
    # As after an expired cache.  Acts that were made within one second can have the same repomd.xml, which is believed
    # without another look at its signature.
    if path.endswith(("flip", "unsigned", "key-change")):
        with bench.catalog.write() as unit:
            unit.note_source(number, replace(unit.source(number).state, root=None))
    with pytest.raises(EntrepotError) as refused:
        bench.sync(number)
    assert refused.value.code == PHASED[path], refused.value.detail
    assert bench.state(number) == before
    if "mass-deletion" in path:
        assert bench.sync(number, accept_loss=True).package_count == 0
        assert bench.state(number) == (0, [])


@pytest.mark.parametrize("path", ["apt/good", "rpm/good"])
@pytest.mark.parametrize("fault", TRANSPORT)
def test_transport_of_the_root(bench: Bench, fault: str, path: str) -> None:
    expect(bench, f"net/{fault}/{path}", TRANSPORT[fault] or 1)


@pytest.mark.parametrize("path", ["apt/good", "rpm/good"])
@pytest.mark.parametrize("fault", TRANSPORT)
def test_transport_of_the_index(bench: Bench, relay: Relay, turn: Turn, fault: str, path: str) -> None:
    turn.fault = fault
    expect(replace(bench, url=relay.url), path, TRANSPORT[fault] or 1)


def test_what_is_old_and_does_not_end_is_told(bench: Bench) -> None:
    outcome = bench.sync(bench.add("apt/ancient-without-valid-until"))
    assert [note.partition(":")[0] for note in outcome.notes] == ["upstream.stale"]


def test_entries_that_are_no_good_are_told(bench: Bench) -> None:
    outcome = bench.sync(bench.add("apt/index-bad-numbers"))
    assert outcome.notes[0].startswith("2 entries are no good")


def test_what_did_not_change_costs_one_request(bench: Bench) -> None:
    for path in ("apt/good", "rpm/good"):
        number = bench.add(path)
        assert bench.sync(number).changed
        bench.hostile.reset()
        assert not bench.sync(number).changed
        assert len(bench.hostile.asked()) == 1
        with bench.catalog.write() as unit:
            while unit.forget_upstream(number, (), 1000):
                pass
            unit.remove_source(number)


def test_what_breaks_off_anywhere_is_not_seen_and_begun_again(bench: Bench) -> None:
    number = bench.add("apt/index-many")

    def until(wanted: str, least: int) -> Tell:
        def tell(status: str, count: int, message: str = "") -> None:
            if status == wanted and count >= least:
                raise Cancelled(message)

        return tell

    for status, count in (("downloading", 0), ("verifying", 0), ("parsing", 0), ("indexing", 4000)):
        with pytest.raises(Cancelled):
            bench.syncing.sync(number, ADMIN, until(status, count))
        assert bench.state(number) == (0, [])
    bench.hostile.reset()
    assert bench.sync(number).package_count == len(bench.state(number)[1]) == 200_000
    # The index had come whole before: only the root is asked for.
    assert [path.rpartition("/")[2] for path in bench.hostile.asked()] == ["InRelease"]


def test_all_scenarios_are_here(hostile: HostileUpstream) -> None:
    for kind, table in (("apt", APT), ("rpm", RPM)):
        named = {
            path.rpartition("/")[2] for path, _ in json.loads(hostile.get("_ctl/scenarios")) if f"/{kind}/" in path
        }
        assert named == set(table) | {path[4:] for path in PHASED if path.startswith(kind)}
