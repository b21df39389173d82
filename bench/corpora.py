"""Package files to measure with, made by the generators beside the project."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[1]
_SHARD = 1000
MORE = 400
"""Further packages of each format, for "one more"."""


class NoCorpus(RuntimeError):
    """The generators are absent."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Folders of a thousand files each, and further files that none of them has."""

    kind: str
    shards: Sequence[Path]
    more: Sequence[Path]

    def files(self, size: int) -> list[Path]:
        """The first ``size`` files, in order."""
        return [file for shard in self.folders(size) for file in sorted(shard.iterdir())][:size]

    def folders(self, size: int) -> Sequence[Path]:
        """The folders that hold the first ``size`` files."""
        return self.shards[: -(-size // _SHARD)]


def make_corpus(kind: str, count: int, work: Path) -> Corpus:
    """``count`` deb or rpm files below ``work``; what is there from an earlier run is kept.

    Raises:
        NoCorpus: the folder with the generators is absent.
    """
    count = -(-count // _SHARD) * _SHARD
    main, more = work / f"{kind}s", work / f"more-{kind}s"
    # The same numbers at every size, so that "one more" is never a package that is there already.
    for folder, start, number in ((main, 0, count), (more, 900_000, MORE)):
        if all(int(made.name.partition("-")[2]) < number for made in folder.glob("complete-*")):
            _generate(kind, folder / "files", start, number)
            (folder / f"complete-{number}").touch()
    shards = sorted(path for path in (main / "files").iterdir() if path.is_dir())[: count // _SHARD]
    return Corpus(kind, shards, sorted((more / "files").rglob(f"*.{kind}")))


def _generate(kind: str, out: Path, start: int, count: int) -> None:
    shared = Path(os.environ.get("ENTREPOT_SHARED") or _PROJECT.parent / "shared")
    generator = shared / "bench" / f"make_{kind}s.py"
    if not generator.exists():
        raise NoCorpus(
            f"no generator make_{kind}s.py: set ENTREPOT_SHARED or put the folder beside the project as 'shared'"
        )
    command = [sys.executable, str(generator), "--count", str(count), "--start", str(start), "--out", str(out)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
