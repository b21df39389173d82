"""What was measured, and commands measured as the shell's ``time`` does."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

_TIMED = Path(__file__).with_name("timed.py")


class CommandFailed(RuntimeError):
    """A measured command ended with a failure."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Cost of one job.  ``peak_mib`` is the largest process; ``extra`` has what only some jobs have."""

    wall: float
    cpu: float = 0.0
    peak_mib: float = 0.0
    extra: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Sample) -> Sample:
        peak = max(self.peak_mib, other.peak_mib)
        return Sample(self.wall + other.wall, self.cpu + other.cpu, peak, {**self.extra, **other.extra})


Key = tuple[str, str, str, int]


class Samples:
    """Samples by (section, job, tool, size), printed as they come."""

    def __init__(self) -> None:
        self._all: dict[Key, list[Sample]] = {}
        self.writes: dict[str, str] = {}
        """What each tool writes, by its name."""

    def note(self, section: str, job: str, tool: str, size: int, sample: Sample) -> None:
        """Keep one."""
        self._all.setdefault((section, job, tool, size), []).append(sample)
        extra = "".join(f"  {name} {value:.4g}" for name, value in sample.extra.items())
        print(
            f"  {section:<8} {job:<22} {tool:<26} {size:>6}  {sample.wall:9.4f} s  cpu {sample.cpu:8.3f} s"
            f"  peak {sample.peak_mib:6.0f} MiB{extra}",
            flush=True,
        )

    def median(self, section: str, job: str, tool: str, size: int, what: str = "wall") -> float | None:
        """Of ``wall``, ``cpu``, ``peak_mib`` or one of the extras; none when never measured."""
        found = self._all.get((section, job, tool, size))
        if not found:
            return None
        values = [getattr(one, what, None) if hasattr(one, what) else one.extra.get(what) for one in found]
        known = [value for value in values if value is not None]
        return statistics.median(known) if known else None

    def count(self, section: str, job: str, tool: str, size: int) -> int:
        """How often it was measured."""
        return len(self._all.get((section, job, tool, size), ()))

    def sizes(self, section: str) -> list[int]:
        """Every size measured in a section."""
        return sorted({key[3] for key in self._all if key[0] == section})

    def tools(self, section: str, job: str) -> list[str]:
        """In order of first appearance."""
        return list(dict.fromkeys(key[2] for key in self._all if key[:2] == (section, job)))

    def jobs(self, section: str) -> list[str]:
        """In order of first appearance."""
        return list(dict.fromkeys(key[1] for key in self._all if key[0] == section))

    def save(self, path: Path, facts: Mapping[str, str]) -> None:
        """Everything, for later."""
        rows = [{"key": key, "samples": [asdict(one) for one in found]} for key, found in self._all.items()]
        path.write_text(json.dumps({"facts": facts, "writes": self.writes, "rows": rows}, indent=1), encoding="utf-8")

    def load(self, path: Path) -> dict[str, str]:
        """Add what was saved; the facts that came with it."""
        saved = json.loads(path.read_text(encoding="utf-8"))
        for row in saved["rows"]:
            section, job, tool, size = row["key"]
            self._all.setdefault((section, job, tool, size), []).extend(Sample(**one) for one in row["samples"])
        self.writes |= saved["writes"]
        facts: dict[str, str] = saved["facts"]
        return facts


def run_command(
    command: Sequence[str], *, cwd: Path | None = None, stdout: Path | None = None, environment: Mapping[str, str]
) -> Sample:
    """Run a program to its end.

    Raises:
        CommandFailed: with the end of what it said.
    """
    with tempfile.TemporaryDirectory() as folder, (stdout or Path(os.devnull)).open("wb") as out:
        report = Path(folder, "cost.json")
        timed = [sys.executable, "-I", "-S", str(_TIMED), str(report), *command]
        done = subprocess.run(
            timed,
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            end = done.stderr[-1500:].decode("utf-8", "replace")
            raise CommandFailed(f"{' '.join(command[:4])} ended with {done.returncode}: {end}")
        return Sample(**json.loads(report.read_text(encoding="ascii")))
