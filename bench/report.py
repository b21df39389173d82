"""Tables in Markdown, and the goals beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.goals import judged
from bench.samples import Samples

_OURS = {"deb": "entrepot gz+xz", "rpm": "entrepot gz"}


def write_report(samples: Samples, facts: Mapping[str, str]) -> str:
    """Everything that was measured; what was not is left out."""
    parts = [
        "\n".join(f"- {name}: {value}" for name, value in facts.items()),
        *_ingest(samples),
        *_publication(samples, "deb"),
        *_publication(samples, "rpm"),
        *_living(samples),
        *_serving(samples),
        *_states(samples, "states", "Snapshots and environments"),
        *_states(samples, "upstream", "The catalogue of an upstream"),
        *_demand(samples),
        *_writes(samples),
        *_goals(samples),
    ]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all but the first column are numbers."""
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def seconds(value: float | None) -> str:
    """Three digits; milliseconds where that reads better."""
    if value is None:
        return "-"
    return f"{value * 1000:.3g} ms" if value < 0.1 else f"{value:.3g} s"


def number(value: float | None) -> str:
    """Three digits, thousands apart."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ingest(samples: Samples) -> list[str]:
    rows = []
    for job in samples.jobs("ingest"):
        for tool in samples.tools("ingest", job):
            for size in samples.sizes("ingest"):
                key = ("ingest", job, tool, size)
                if samples.count(*key):
                    shown = [number(samples.median(*key, what)) for what in ("rate", "cpu", "peak_mib")]
                    shown += [seconds(samples.median(*key, what)) for what in ("p50", "p99")]
                    rows.append([f"{tool}, {job}", f"{size:,}", seconds(samples.median(*key)), *shown])
    found = []
    if rows:
        columns = ("who", "packages", "all", "packages/s", "CPU s", "peak MiB", "one, p50", "one, p99")
        found.append("### Ingest into an empty store\n\n" + table(columns, rows))
    large = []
    for job in samples.jobs("large"):
        for size in samples.sizes("large"):
            key = ("large", job, "entrepot", size)
            values = [number(samples.median(*key, what)) for what in ("mb_per_second", "grown_mib", "peak_mib")]
            large.append([f"{job} of {size:,} MiB", seconds(samples.median(*key)), *values])
    if large:
        head = ("one large file", "time", "MB/s", "memory grown by MiB", "peak MiB")
        found.append("### One large file\n\n" + table(head, large))
    return found


_JOB_NAMES = {
    "full": "Full publication",
    "unchanged": "Publication with nothing to do",
    "anew": "A new generation of the same content",
    "Contents later": "The later generation with Contents",
    "+1": "One more package",
    "+1 after a restart": "One more package, first after a restart",
}


def _publication(samples: Samples, section: str) -> list[str]:
    found = []
    sizes = samples.sizes(section)
    for job, title in _JOB_NAMES.items():
        tools = samples.tools(section, job)
        if not tools:
            continue
        rows = []
        for tool in tools:
            cells = []
            for size in sizes:
                taken = samples.median(section, job, tool, size)
                base = samples.median(section, job, _OURS[section], size)
                ratio = f"{taken / base:.3g}" if taken is not None and base else "-"
                cells += [seconds(taken), ratio, str(samples.count(section, job, tool, size) or "-")]
            rows.append([tool, *cells])
        head = ["tool", *(text for size in sizes for text in (f"{size:,}", "ratio", "n"))]
        found.append(f"### {title}, {section}\n\n{table(head, rows)}")
    if sizes:
        found += [_receiving(samples, section, sizes), _memory(samples, section, sizes[-1])]
    return found


def _receiving(samples: Samples, section: str, sizes: Sequence[int]) -> str:
    """What the ``+1`` of ours leaves out and that of the peers has in it."""
    rows = []
    for tool in samples.tools(section, "+1"):
        taken = [samples.median(section, "+1", tool, size, "receive") for size in sizes]
        if any(value is not None for value in taken):
            rows.append([tool, *map(seconds, taken)])
    head = ("taking the package in, before its clock begins", *(f"{size:,}" for size in sizes))
    return f"### One more package: what comes before, {section}\n\n{table(head, rows)}"


def _memory(samples: Samples, section: str, size: int) -> str:
    rows = []
    for tool in dict.fromkeys(tool for job in ("full", "+1") for tool in samples.tools(section, job)):
        cells = []
        for job in ("full", "+1"):
            key = (section, job, tool, size)
            grown = samples.median(*key, "grown_mib")
            peak = number(samples.median(*key, "peak_mib"))
            growth = "" if grown is None else f" (grown by {grown:.3g})"
            cells += [number(samples.median(*key, "cpu")), peak + growth]
        rows.append([tool, *cells])
    head = ("tool", "full: CPU s", "full: peak MiB", "+1: CPU s", "+1: peak MiB")
    return f"### CPU time and peak memory at {size:,}, {section}\n\n{table(head, rows)}"


def _living(samples: Samples) -> list[str]:
    found = []
    sizes = samples.sizes("living")
    jobs: list[tuple[str, str, str, Callable[[float | None], str]]] = [
        ("start-up until ready", "start", "wall", seconds),
        ("upload of one package, as its client sees it", "+1 through HTTP", "wall", seconds),
        ("the same, first after the start", "+1 through HTTP, first", "wall", seconds),
        ("of that: from its audit entry to the switched pointer", "+1 through HTTP", "switched", seconds),
        ("peak memory of the server, MiB", "+1 through HTTP", "peak_mib", number),
    ]
    rows = [
        [title, *(show(samples.median("living", job, "entrepot", size, what)) for size in sizes)]
        for title, job, what, show in jobs
    ]
    if sizes:
        head = ("the real server, apt suite of", *(f"{size:,}" for size in sizes))
        found.append("### The real server, over HTTP\n\n" + table(head, rows))
    sizes = samples.sizes("api")
    rows = []
    for job in samples.jobs("api"):
        cells = [
            seconds(samples.median("api", job, "entrepot", size, what)) for size in sizes for what in ("p50", "p99")
        ]
        rows.append([job, *cells])
    if rows:
        head = ("request", *(text for size in sizes for text in (f"{size:,}: p50", "p99")))
        found.append("### Lists and details\n\n" + table(head, rows))
    return found


def _serving(samples: Samples) -> list[str]:
    rows = []
    tools = ("nginx", "entrepot", "entrepot behind nginx")
    for job in samples.jobs("serving"):
        for size in samples.sizes("serving"):
            base = samples.median("serving", job, "nginx", size, "rate")
            cells = []
            for tool in tools:
                rate = samples.median("serving", job, tool, size, "rate")
                cells.append(number(rate))
                if tool != "nginx":
                    cells.append(f"{rate / base:.2g}" if rate and base else "-")
                speed = samples.median("serving", job, tool, size, "mb_per_second")
                cells.append(number(speed) if speed else "-")
            rows.append([job, *cells])
    if not rows:
        return []
    head = ("file", "nginx /s", "MB/s", "entrepot /s", "ratio", "MB/s", "behind nginx /s", "ratio", "MB/s")
    return ["### Serving, requests per second of one core\n\n" + table(head, rows)]


def _states(samples: Samples, section: str, title: str) -> list[str]:
    found = []
    for size in samples.sizes(section):
        rows = []
        for job in samples.jobs(section):
            for tool in samples.tools(section, job):
                key = (section, job, tool, size)
                if not samples.count(*key):
                    continue
                taken, cpu = samples.median(*key), samples.median(*key, "cpu")
                peak = number(samples.median(*key, "peak_mib"))
                asked = number(samples.median(*key, "requests"))
                rows.append([f"{job}, {tool}", seconds(cpu), seconds(taken), peak, asked, str(samples.count(*key))])
        head = ("job", "CPU", "time", "peak MiB", "requests", "n")
        found.append(f"### {title}, {size:,} packages\n\n{table(head, rows)}")
    return found


def _demand(samples: Samples) -> list[str]:
    rows = []
    for size in samples.sizes("demand"):
        for job in samples.jobs("demand"):
            for tool in samples.tools("demand", job):
                key = ("demand", job, tool, size)
                if samples.count(*key):
                    first, taken = samples.median(*key, "first_byte"), samples.median(*key)
                    rows.append([f"{job}, {tool}", seconds(first), seconds(taken), str(samples.count(*key))])
    head = ("a package of a mirror", "first byte", "all of it", "n")
    return [f"### Fetched on demand\n\n{table(head, rows)}"] if rows else []


def _writes(samples: Samples) -> list[str]:
    if not samples.writes:
        return []
    lines = [f"- {tool}: {text}" for tool, text in samples.writes.items()]
    return ["### What each tool writes\n\n" + "\n".join(lines)]


def _goals(samples: Samples) -> list[str]:
    rows = [[goal.text, goal.measured, "met" if goal.met else "**missed**"] for goal in judged(samples)]
    return ["### Goals\n\n" + table(("goal", "measured", ""), rows)] if rows else []
