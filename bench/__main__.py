"""The command line, and the order in which everything is measured."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPException
from pathlib import Path
from subprocess import SubprocessError

from bench.corpora import Corpus, NoCorpus, make_corpus
from bench.demand import measure_demand
from bench.ingest import measure_ingest, measure_large
from bench.lists import measure_lists
from bench.living import loaded_server, measure_plus, measure_start
from bench.machine import machine_facts
from bench.mainline import make_mainline, make_tree, stanza_count
from bench.publication import LARGE, Plan, Scene, deb_tools, measure_publication, rpm_tools
from bench.report import write_report
from bench.samples import Samples
from bench.serving import measure_serving
from bench.signing import GnupgHome
from bench.snapshots import measure_snapshots
from bench.stores import LoadedStores
from bench.upstream import measure_upstream

HERE = Path(__file__).resolve().parent
_MAINLINE, _CHANGES = 60_000, 100
PARTS = ("ingest", "large", "deb", "rpm", "living", "lists", "serving", "snapshots", "upstream", "demand")


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Measure Entrepot beside other repository tools.")
    parser.add_argument("--sizes", default="1000,10000,50000", help="packages in the apt suites, in thousands")
    parser.add_argument("--rpm-sizes", default="5000,20000", help="packages in the rpm repositories")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: two minutes, figures of no worth")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"which of {','.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=3, help="rounds at sizes below 30,000; one less above")
    parser.add_argument("--large-mib", type=int, default=2048, help="size of the large file")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="scratch folder; needs 4 GB")
    parser.add_argument("--keep", action="store_true", help="leave corpora and loaded databases for the next run")
    parser.add_argument("--load-only", action="store_true", help="make corpora and loaded databases, and keep them")
    parser.add_argument("--from", dest="saved", type=Path, help="write the tables of an earlier results.json again")
    parser.add_argument("--record", action="store_true", help="put the tables into bench/RESULTS.md")
    given = parser.parse_args(arguments)
    if given.quick:
        given.sizes, given.rpm_sizes, given.rounds, given.large_mib = "1000", "1000", 1, 256
    given.sizes = sorted(int(size) for size in given.sizes.split(","))
    given.rpm_sizes = sorted(int(size) for size in given.rpm_sizes.split(","))
    given.parts = given.parts.split(",")
    unknown = set(given.parts) - set(PARTS)
    if unknown or any(size % 1000 for size in (*given.sizes, *given.rpm_sizes)):
        parser.error(f"unknown part {min(unknown)}" if unknown else "sizes must be multiples of 1000")
    return given


class Bench:
    """One run."""

    def __init__(self, given: argparse.Namespace, facts: dict[str, str]) -> None:
        self._given = given
        self.facts = facts
        self._work: Path = given.work.resolve()
        self.samples = Samples()

    def run(self) -> None:
        """Everything that was asked for; what it needed is removed again."""
        given, work = self._given, self._work
        work.mkdir(parents=True, exist_ok=True)
        debs = make_corpus("deb", given.sizes[-1], work / "corpus")
        rpms = make_corpus("rpm", given.rpm_sizes[-1], work / "corpus")
        stores = {kind: LoadedStores(kind, work / "loaded") for kind in ("deb", "rpm")}
        if {"deb", "living", "lists", "serving"} & set(given.parts):
            stores["deb"].load(debs, given.sizes)
        if "rpm" in given.parts:
            stores["rpm"].load(rpms, given.rpm_sizes)
        if given.load_only:
            return
        try:
            with GnupgHome(work / "gnupg") as gnupg:
                self._measure(gnupg, debs, rpms, stores)
        finally:
            for folder in ("stores", "live", *(() if given.keep else ("corpus", "loaded", "mainline", "gnupg"))):
                shutil.rmtree(work / folder, ignore_errors=True)

    def _measure(self, gnupg: GnupgHome, debs: Corpus, rpms: Corpus, stores: Mapping[str, LoadedStores]) -> None:
        given, live, samples = self._given, self._work / "live", self.samples
        seconds = 1 if given.quick else 3
        middle = given.sizes[len(given.sizes) // 2]
        few = min(2, given.rounds)
        # What takes longest comes first, so that a run that is cut short has it.
        for size in reversed(given.sizes):
            self._part("deb", f"{size} deb", partial(self._publication, gnupg, debs, stores["deb"], size))
        for size in given.sizes:
            self._part("living", f"{size} living", partial(self._living, stores["deb"], debs, size))
        for size in sorted({given.sizes[0], given.sizes[-1]}):
            self._part("lists", f"{size} lists", partial(self._lists, stores["deb"], debs, size))
        self._part("serving", "serving", lambda: measure_serving(samples, stores["deb"], middle, live, few, seconds))
        for size in reversed(given.rpm_sizes):
            self._part("rpm", f"{size} rpm", partial(self._publication, gnupg, rpms, stores["rpm"], size))
        self._part("ingest", "ingest", lambda: measure_ingest(samples, debs, gnupg, live, 1000, few))
        self._part("snapshots", "snapshots", lambda: self._snapshots(gnupg, few))
        self._part("upstream", "upstream", lambda: self._upstream(gnupg))
        self._part("demand", "on demand", lambda: measure_demand(samples, self._work))
        self._part("large", "large file", lambda: measure_large(samples, live, given.large_mib << 20))

    def _part(self, part: str, title: str, work: Callable[[], None]) -> None:
        """One part; when it fails the others are still measured, and what there is is saved after each."""
        if part not in self._given.parts:
            return
        print(f"{title}, load {os.getloadavg()[0]:.2f}", flush=True)
        try:
            work()
        except (RuntimeError, OSError, HTTPException, SubprocessError) as error:
            print(f"  LEFT OUT: {title}: {error}", flush=True)
        self.samples.save(self._work / "results.json", self.facts)

    def _living(self, stores: LoadedStores, corpus: Corpus, size: int) -> None:
        given = self._given
        count = 4 * given.rounds
        with loaded_server(stores, size, self._work / "live") as server:
            measure_start(self.samples, server, size, given.rounds)
            server.start()
            measure_plus(self.samples, server, size, corpus.more[:count])

    def _lists(self, stores: LoadedStores, corpus: Corpus, size: int) -> None:
        with loaded_server(stores, size, self._work / "live") as server:
            server.start()
            measure_lists(self.samples, server, corpus, size, 8, corpus.more[4 * self._given.rounds :])

    def _snapshots(self, gnupg: GnupgHome, rounds: int) -> None:
        size = 1000 if self._given.quick else _MAINLINE
        mainline = make_mainline(self._work, size, _CHANGES)
        measure_snapshots(self.samples, mainline, gnupg, self._work, size, rounds)

    def _upstream(self, gnupg: GnupgHome) -> None:
        tree = make_tree(self._work)
        measure_upstream(self.samples, tree, gnupg, self._work, stanza_count(tree))

    def _publication(self, gnupg: GnupgHome, corpus: Corpus, stores: LoadedStores, size: int) -> None:
        rounds = self._given.rounds if size < LARGE else max(1, self._given.rounds - 1)
        scene = Scene(corpus, stores, gnupg, self._work / "stores", size)
        make = deb_tools if corpus.kind == "deb" else rpm_tools
        measure_publication(self.samples, make, scene, Plan(rounds, 3 if size < LARGE else 2))


def main() -> int:
    """Measure, save, report."""
    given = options(sys.argv[1:])
    if given.saved:
        samples = Samples()
        facts = samples.load(given.saved)
    else:
        facts = machine_facts(_command(sys.argv[1:]))
        bench = Bench(given, facts)
        try:
            bench.run()
        except NoCorpus as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
        if given.load_only:
            return 0
        samples = bench.samples
        facts["finished"] = f"{datetime.now(UTC):%H:%M} UTC, load {os.getloadavg()[0]:.2f}"
        samples.save(given.work / "results.json", facts)
    text = write_report(samples, facts)
    print(text)
    if given.record:
        _record(HERE / "RESULTS.md", text)
    return 0


def _command(arguments: Sequence[str]) -> str:
    """As it was given, without the scratch folder, which is of no interest elsewhere."""
    shown = list(arguments)
    if "--work" in shown:
        at = shown.index("--work")
        del shown[at : at + 2]
    return shlex.join(["python", "bench/run.py", *shown])


_BEGIN, _END = "<!-- measured -->\n", "<!-- end of measured -->\n"


def _record(path: Path, text: str) -> None:
    """Replace what stands between the two marks; the prose around it is written by people."""
    old = path.read_text(encoding="utf-8") if path.exists() else f"# Results\n\n{_BEGIN}{_END}"
    before, _, rest = old.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    path.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
