"""Package versions against advisories, catalog reads included: `python bench/advisories.py`.

Seconds are those of the processor, so that other work on the machine does not count; what waits for the disk does not
either, which matters for the import alone.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase, FeedState
from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.feeds.archives import ArchiveHolding
from entrepot.domain.advisories.contexts import contexts_of
from entrepot.domain.advisories.matching import Sought, findings_of, names_of
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.package import Format, PackageKey
from entrepot.services.vulnerabilities.advisories import AdvisoryImport
from entrepot.testing.advisories import affected, osv, osv_zip

CONTEXT = "Debian:12"
_NAMES_AT_ONCE = 300


def sources(count: int, chance: random.Random) -> list[tuple[str, str]]:
    """Name and version of source packages, some with an epoch, ``~`` or ``+deb12u``."""
    made = []
    for number in range(count):
        version = f"{chance.randint(0, 9)}.{chance.randint(0, 40)}.{chance.randint(0, 9)}"
        version += chance.choice(["", "", "", "~rc1", "+dfsg", "+git20240102"]) + f"-{chance.randint(1, 5)}"
        version += chance.choice(["", "", "+deb12u1", "+deb12u2", "~deb12u1", ".1"])
        made.append((f"source-{number:05}", f"{chance.choice(['', '', '', '', '1:', '2:'])}{version}"))
    return made


def packages(count: int, of: Sequence[tuple[str, str]], chance: random.Random) -> list[Sought]:
    """Binaries of these sources: a few have hundreds, most two or three; some were built again."""
    made = []
    weights = [1 / (number + 1) ** 0.6 for number in range(len(of))]
    for number, (source, version) in enumerate(chance.choices(of, weights, k=count)):
        own = f"{version}+b{chance.randint(1, 3)}" if number % 9 == 0 else version
        made.append(Sought(PackageKey(Format.DEB, f"binary-{number:05}", own, "amd64"), source, version, CONTEXT))
    return made


def records(count: int, of: Sequence[tuple[str, str]], chance: random.Random) -> Iterator[bytes]:
    """A few sources have thousands, as kernels and browsers do; a third has no fix, many were fixed long ago."""
    weights = [1 / (number + 1) ** 0.9 for number in range(len(of))]
    for number, (source, version) in enumerate(chance.choices(of, weights, k=count)):
        epoch, colon, rest = version.rpartition(":")
        fixed = chance.choice([version, f"{epoch}{colon}{chance.randint(0, 9)}.{rest}", f"{version}+deb12u9", ""])
        events = (("fixed", fixed),) if fixed else ()
        entries = [
            affected(context, source, *events, versions=[version], urgency=chance.choice(["not yet assigned", "low"]))
            for context in ("Debian:11", CONTEXT, "Debian:13")
        ]
        id_ = f"CVE-{2010 + number % 16}-{10_000 + number}"
        vector = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]
        yield osv(f"DEBIAN-{id_}", *entries, upstream=[id_], severity=vector)


def _go_on(_done: int, _total: int) -> bool:
    return True


def imported(catalog: SqlCatalog, content: bytes) -> float:
    """Seconds of one core."""
    with catalog.write() as unit:
        state = unit.hold_feed("debian", FeedKind.OSV)
    run, began = AdvisoryImport(catalog, state, ()), time.process_time()

    def finish(unit: Writing, final: FeedState) -> None:
        assert final.phase is FeedPhase.COMPLETE
        unit.note_feed(final)

    holding = ArchiveHolding(io.BytesIO(content), "bench")
    plan = run.look(holding, _go_on)
    assert plan is not None
    run.write(holding, plan, _go_on, finish)
    return time.process_time() - began


def matched(catalog: SqlCatalog, sought: Sequence[Sought]) -> tuple[float, float, int, int]:
    """Seconds of one core, of them in the catalog; findings, packages that have any."""
    began, read, found, faulty = time.process_time(), 0.0, 0, 0
    by_name: dict[str, list[Sought]] = {}
    for each in sought:
        by_name.setdefault(names_of(each)[0], []).append(each)
    names = sorted(by_name)
    for start in range(0, len(names), _NAMES_AT_ONCE):
        some = names[start : start + _NAMES_AT_ONCE]
        asked = time.process_time()
        with catalog.read() as reading:
            advisories = reading.advisories(contexts_of(CONTEXT), some)
        read += time.process_time() - asked
        about: dict[str, list] = {}
        for advisory in advisories:
            for name in {entry.name for entry in advisory.affected}:
                about.setdefault(name, []).append(advisory)
        for name in some:
            shared: dict[object, list[Finding]] = {}
            for each in by_name[name]:
                findings = shared.get(each.identity)
                if findings is None:
                    findings = shared[each.identity] = findings_of(each, about.get(name, ()))
                found += len(findings)
                faulty += bool(findings)
    return time.process_time() - began, read, found, faulty


def main() -> None:
    """Print one table."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--packages", type=int, default=50_000)
    given.add_argument("--advisories", type=int, default=40_000)
    given.add_argument("--sources", type=int, default=20_000)
    given.add_argument("--url", default="", help="of a database; a throw-away SQLite file without it")
    asked = given.parse_args()
    chance = random.Random(12)
    of = sources(asked.sources, chance)
    sought = packages(asked.packages, of, chance)
    content = osv_zip(records(asked.advisories, of, chance))
    with tempfile.TemporaryDirectory() as folder:
        catalog = SqlCatalog(asked.url or f"sqlite:///{folder}/catalog.db")
        took = imported(catalog, content)
        again = imported(catalog, content)
        cold = matched(catalog, sought)
        warm = matched(catalog, sought)
        catalog.close()
    print("| what | seconds of one core |")
    print("|---|---|")
    print(f"| first import of {asked.advisories:,} advisories, {len(content) >> 20} MiB | {took:.1f} |")
    print(f"| the same archive again, looked through | {again:.1f} |")
    print(f"| {asked.packages:,} packages matched | {cold[0]:.1f}, of them {cold[1]:.1f} reading |")
    print(f"| again, version keys known | {warm[0]:.1f}, of them {warm[1]:.1f} reading |")
    print(f"\n{cold[2]:,} findings in {cold[3]:,} packages")


if __name__ == "__main__":
    main()
