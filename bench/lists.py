"""Lists, search and details of the main API."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from bench.corpora import Corpus
from bench.samples import Sample, Samples
from bench.stores import CODENAME
from bench.uploads import Schedule, Storm, spread
from entrepot.testing.server import Server

_RATE = 50
_KINDS = (
    "list of packages",
    "list of names",
    "search",
    "detail",
    "dependencies",
    "audit by package",
    "audit by text",
    "dashboard",
    "token check",
)
_STEADY = _KINDS[:4]


def measure_lists(
    samples: Samples, server: Server, corpus: Corpus, size: int, seconds: int, more: Sequence[Path]
) -> None:
    """One request at a time, then a steady rate, then the same while ``more`` is uploaded."""
    token = server.token()
    step = max(1, size // 500)
    names = [file.name.partition("_")[0] for file in itertools.islice(corpus.files(size), 0, None, step)]
    _measure_alone(samples, server, token, size, names)
    for job in ("quiet", "while publishing"):
        storm = Storm(server.url, token, CODENAME, more) if job != "quiet" else None
        schedule = Schedule(server.url, token, _RATE, _paths(size, names, seconds * _RATE // len(_STEADY), _STEADY))
        _measure_rate(samples, schedule, size, job, storm)


def _paths(size: int, names: Sequence[str], count: int, kinds: Sequence[str] = _KINDS) -> list[tuple[str, str]]:
    """``count`` requests of each kind, in turns."""
    chance = random.Random(size)
    paths: list[tuple[str, str]] = []
    for _ in range(count):
        page, name = chance.randrange(1, max(2, size // 50)), chance.choice(names)
        texts = (
            f"/packages?per_page=50&page={page}&distribution={CODENAME}",
            f"/artifacts?per_page=50&page={page}",
            f"/artifacts?search={quote(name[:8])}",
            f"/artifacts/{quote(name)}",
            f"/artifacts/{quote(name)}/dependencies?distribution={CODENAME}",
            f"/artifacts/audit/logs?package={quote(name)}",
            f"/artifacts/audit/logs?q={quote(name[:8])}&action=upload",
            "/dashboard/summary",
            "/auth/me",
        )
        paths += [(kind, text) for kind, text in zip(_KINDS, texts, strict=True) if kind in kinds]
    return paths


def _measure_alone(samples: Samples, server: Server, token: str, size: int, names: Sequence[str]) -> None:
    """One request at a time."""
    schedule = Schedule(server.url, token, 0, _paths(size, names, 25))
    schedule.run(threads=1)
    _note_answers(samples, schedule, size, "one at a time")


def _measure_rate(samples: Samples, schedule: Schedule, size: int, job: str, storm: Storm | None) -> None:
    began = time.perf_counter()
    if storm is None:
        schedule.run()
    else:
        with storm:
            schedule.run()
        extra = {"rate": len(storm.seconds) / (time.perf_counter() - began), **spread(storm.seconds)}
        samples.note("api", f"upload, {job}", "entrepot", size, Sample(extra["p50"], extra=extra))
    _note_answers(samples, schedule, size, f"{_RATE} a second, {job}")


def _note_answers(samples: Samples, schedule: Schedule, size: int, job: str) -> None:
    for kind in _KINDS:
        taken = [seconds for name, seconds in schedule.answers if name == kind]
        if not taken:
            continue
        found = spread(taken)
        samples.note("api", f"{kind}, {job}", "entrepot", size, Sample(found["p50"], extra=found))
