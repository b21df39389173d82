"""Full publication, no change, one more package: all tools in turns."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.corpora import Corpus
from bench.deb_tools import AptFtparchive, Aptly, AptlyStore, Reprepro, RepreproStore
from bench.entrepot_tool import Entrepot
from bench.rpm_tools import Createrepo
from bench.samples import CommandFailed, Sample, Samples
from bench.signing import GnupgHome
from bench.stores import LoadedStores
from bench.tools import Tool

LARGE = 30_000
"""From here on there is one round less, with fewer steps."""
SLOW = 10_000
"""From here on heavy tools are asked once for each job."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How often."""

    rounds: int
    plus: int


@dataclass(frozen=True, slots=True)
class Scene:
    """What tools are set up with: a corpus of one size, and a folder of their own."""

    corpus: Corpus
    stores: LoadedStores
    gnupg: GnupgHome
    folder: Path
    size: int


def deb_tools(scene: Scene) -> list[Tool]:
    """Everything that makes apt repositories, as far as it is installed."""
    folder, gnupg, stores, size = scene.folder, scene.gnupg, scene.stores, scene.size
    shards = scene.corpus.folders(size)
    tools: list[Tool] = [
        Entrepot(stores, size, folder / "gz+xz", ("gz", "xz"), "rsa4096"),
        Entrepot(stores, size, folder / "gz", ("gz",), "rsa4096"),
        Entrepot(stores, size, folder / "ed25519", ("gz", "xz"), "ed25519"),
    ]
    if shutil.which("reprepro"):
        store = RepreproStore(folder / "reprepro", gnupg)
        tools += [Reprepro(store, shards, xz=False), Reprepro(store, shards, xz=True)]
    if shutil.which("aptly"):
        aptly = AptlyStore(folder / "aptly", gnupg)
        tools += [Aptly(aptly, shards, contents=False), Aptly(aptly, shards, contents=True)]
    if shutil.which("apt-ftparchive"):
        tools.append(AptFtparchive(folder / "apt-ftparchive", gnupg, shards))
    return tools


def rpm_tools(scene: Scene) -> list[Tool]:
    """Everything that makes rpm repositories, as far as it is installed."""
    tools: list[Tool] = [Entrepot(scene.stores, scene.size, scene.folder / "gz", ("gz",), "rsa4096")]
    if shutil.which("createrepo_c"):
        for database in (False, True):
            inner = scene.folder / ("database" if database else "plain")
            tools.append(Createrepo(inner, scene.gnupg, scene.corpus.folders(scene.size), database=database))
    return tools


MakeTools = Callable[[Scene], list[Tool]]


def measure_publication(samples: Samples, make: MakeTools, scene: Scene, plan: Plan) -> None:
    """All jobs at one size."""
    shutil.rmtree(scene.folder, ignore_errors=True)
    tools = make(scene)
    try:
        samples.writes |= {f"{tool.name} ({scene.stores.kind})": tool.writes for tool in tools}
        turns = _Turns(samples, scene.stores.kind, scene.size, tools)
        turns.take("ingest", tools, lambda tool: tool.ingest())
        more = iter(scene.corpus.more)
        for number in range(plan.rounds):
            turns.round(number, plan.plus, more)
    finally:
        for tool in tools:
            tool.close()
        shutil.rmtree(scene.folder, ignore_errors=True)


class _Turns:
    def __init__(self, samples: Samples, section: str, size: int, tools: Sequence[Tool]) -> None:
        self._samples, self._section, self._size = samples, section, size
        self._tools = list(tools)

    def take(self, job: str, tools: Sequence[Tool], work: Callable[[Tool], Sample | None]) -> None:
        """One job by each tool; one that fails is left out from then on."""
        for tool in tools:
            try:
                sample = work(tool)
            except CommandFailed as error:
                print(f"  LEFT OUT: {tool.name}: {error}", flush=True)
                self._tools.remove(tool)
                continue
            if sample is not None:
                self._note(job, tool, sample)

    def round(self, number: int, plus: int, more: Iterator[Path]) -> None:
        """Everyone begins with a full publication; who comes first changes from round to round."""
        turn = number % len(self._tools)
        tools = self._tools[turn:] + self._tools[:turn]
        if number and self._size >= SLOW:
            tools = [tool for tool in tools if not tool.heavy]
        light = [tool for tool in tools if not (tool.heavy and self._size >= SLOW)]
        ours = [tool for tool in tools if isinstance(tool, Entrepot)]
        self.take("full", tools, lambda tool: tool.full())
        self.take("unchanged", light, lambda tool: tool.unchanged())
        self._ours_before(ours)
        for step in range(plus):
            self._add(tools if step == 0 else light, next(more))
        for _ in range(plus):  # ours are quick: more samples cost nothing
            self._add(ours, next(more))
        file = next(more)
        for tool in ours:
            self._note("+1 after a restart", tool, tool.plus_after_restart(file))

    def _add(self, tools: Sequence[Tool], file: Path) -> None:
        self.take("+1", tools, lambda tool: tool.plus(file))

    def _ours_before(self, ours: Sequence[Entrepot]) -> None:
        for tool in ours:
            self._note("anew", tool, tool.anew())
            if self._section == "deb":
                self._note("Contents later", tool, tool.contents())

    def _note(self, job: str, tool: Tool, sample: Sample) -> None:
        self._samples.note(self._section, job, tool.name, self._size, sample)
