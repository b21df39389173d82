"""The goals, each asked of the samples of one run.  Nothing fails when one is missed: it is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.samples import Samples

_DEB = "entrepot gz+xz"
_RPM = "entrepot gz"


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal with what was found."""

    text: str
    measured: str
    met: bool


def judged(samples: Samples) -> Iterator[Goal]:
    """Every goal that this run says something about."""
    yield from _plus(samples)
    yield from _unchanged(samples)
    yield from _full(samples)
    yield from _ingest(samples)
    yield from _rpm(samples)
    yield from _memory(samples)
    yield from _serving(samples)
    yield from _server(samples)


def _at_most(text: str, value: float | None, most: float, unit: str) -> Iterator[Goal]:
    if value is not None:
        yield Goal(text, f"{value:.3g} {unit}", value <= most)


def _at_least(text: str, value: float | None, least: float, unit: str) -> Iterator[Goal]:
    if value is not None:
        yield Goal(text, f"{value:.3g} {unit}", value >= least)


def _ratio(over: float | None, under: float | None) -> float | None:
    return over / under if over is not None and under else None


def _times(samples: Samples, section: str, job: str, peer: str, ours: str, size: int) -> float | None:
    """How many times longer the peer takes."""
    return _ratio(samples.median(section, job, peer, size), samples.median(section, job, ours, size))


def _plus(samples: Samples) -> Iterator[Goal]:
    sizes = samples.sizes("deb")
    if not sizes:
        return
    size = sizes[-1]
    taken = samples.median("deb", "+1", _DEB, size)
    yield from _at_most(f"+1 into {size:,}, gz+xz, accepted to switched: <= 100 ms", taken and taken * 1000, 100, "ms")
    peers = (("aptly", 80), ("aptly, no Contents", 80), ("reprepro gz", 14), ("reprepro gz+xz", 400))
    for peer, least in peers:
        found = _times(samples, "deb", "+1", peer, _DEB, size)
        yield from _at_least(f"+1 into {size:,}: {least} times faster than {peer}", found, least, "times")
    if len(sizes) > 1:
        found = _ratio(taken, samples.median("deb", "+1", _DEB, sizes[0]))
        yield from _at_most(f"+1 into {size:,}: at most twice the cost at {sizes[0]:,}", found, 2, "times")


def _unchanged(samples: Samples) -> Iterator[Goal]:
    for size in samples.sizes("deb")[-1:]:
        taken = samples.median("deb", "unchanged", _DEB, size)
        yield from _at_most(f"no-op publication at {size:,}: <= 10 ms", taken and taken * 1000, 10, "ms")


def _full(samples: Samples) -> Iterator[Goal]:
    for size in samples.sizes("deb")[-1:]:
        found = _times(samples, "deb", "full", "reprepro gz", "entrepot gz", size)
        yield from _at_least(f"full publication of {size:,}, gz: level with reprepro gz", found, 1, "times faster")
        found = _times(samples, "deb", "full", "reprepro gz+xz", _DEB, size)
        yield from _at_least(
            f"full publication of {size:,}, gz+xz: 8 times faster than reprepro gz+xz", found, 8, "times faster"
        )


def _ingest(samples: Samples) -> Iterator[Goal]:
    for size in samples.sizes("ingest"):
        for tool in samples.tools("ingest", "through HTTP"):
            rate = samples.median("ingest", "through HTTP", tool, size, "rate")
            yield from _at_least(
                f"{size:,} small packages through HTTP, {tool}: >= 100 a second", rate, 100, "a second"
            )
        found = _times(samples, "ingest", "on the server", "aptly", "entrepot service", size)
        yield from _at_least("ingest on the server: at least twice aptly's rate", found, 2, "times aptly's rate")


def _rpm(samples: Samples) -> Iterator[Goal]:
    peer = "createrepo_c, no database"
    for size in samples.sizes("rpm"):
        found = _times(samples, "rpm", "+1", peer, _RPM, size)
        yield from _at_least(f"rpm +1 into {size:,}: 10 times faster than {peer} --update", found, 10, "times faster")
        found = _ratio(samples.median("rpm", "full", _RPM, size), samples.median("rpm", "full", peer, size))
        yield from _at_most(f"rpm full at {size:,}: at most 2 times {peer}", found, 2, "times")


def _memory(samples: Samples) -> Iterator[Goal]:
    for size in samples.sizes("deb")[-1:]:
        grown = samples.median("deb", "full", _DEB, size, "grown_mib")
        yield from _at_most(f"memory of a full publication of {size:,}: <= 150 MiB above idle", grown, 150, "MiB")
    for size in samples.sizes("large"):
        for job in samples.jobs("large"):
            grown = samples.median("large", job, "entrepot", size, "grown_mib")
            yield from _at_most(f"{job} of {size:,} MiB: memory grows by < 20 MiB", grown, 20, "MiB")


def _serving(samples: Samples) -> Iterator[Goal]:
    for size in samples.sizes("serving"):
        for job in samples.jobs("serving"):
            base = samples.median("serving", job, "nginx", size, "rate")
            large = job in ("20 MB .deb", "100 KB .deb", "Packages.gz")
            least = 0.5 if large else 0.15
            found = _ratio(samples.median("serving", job, "entrepot", size, "rate"), base)
            what = "bytes/s" if large else "requests/s"
            yield from _at_least(f"{job}: >= {least:.0%} of nginx's {what}", found and found * 100, least * 100, "%")
            if job.endswith("MB .deb"):
                found = _ratio(samples.median("serving", job, "entrepot behind nginx", size, "rate"), base)
                yield from _at_least(f"{job} through nginx: 100 % (95)", found and found * 100, 95, "%")


def _server(samples: Samples) -> Iterator[Goal]:
    for size in samples.sizes("living")[-1:]:
        taken = samples.median("living", "start", "entrepot", size)
        yield from _at_most(f"start-up to ready with {size:,}: <= 2 s", taken, 2, "s")
    for size in samples.sizes("api")[-1:]:
        for job in samples.jobs("api"):
            if not job.endswith("a second, while publishing"):
                continue
            for what, most in (("p50", 10), ("p99", 50)):
                taken = samples.median("api", job, "entrepot", size, what)
                text = f"API at {size:,}, {job}: {what} <= {most} ms"
                yield from _at_most(text, taken and taken * 1000, most, "ms")
