"""Data folders that hold a corpus already, so that what is measured begins at the same state in every round."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import entrepot
from bench.corpora import Corpus
from bench.samples import CommandFailed, Sample

PROJECT = Path(__file__).resolve().parents[1]
CODENAME = "bench"
"""The suite that every corpus is in."""
ARCHITECTURES = {"deb": ["amd64"], "rpm": ["x86_64"]}
_AT_ONCE = 1000


class ServiceProcess:
    """The parent's end of ``bench.service``."""

    def __init__(self, data: Path, blobs: Path, algorithm: str, *flags: str, module: str = "bench.service") -> None:
        data.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", module, str(data), str(blobs), algorithm, *flags]
        with (data.parent / f"{data.name}.log").open("ab") as log:
            self._child = subprocess.Popen(
                command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def order(self, name: str, **values: object) -> dict[str, Any]:
        """Have something done; what it answers.

        Raises:
            CommandFailed: the process died of it.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps({"do": name, **values}) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise CommandFailed(f"bench.service died of {name!r}; its log lies beside its data folder")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def sample(self, name: str, **values: object) -> Sample:
        """The same, as a sample."""
        return sample_of(self.order(name, **values))

    def close(self) -> None:
        """End it."""
        if self._child.poll() is None:
            assert self._child.stdin is not None
            self._child.stdin.close()
            self._child.wait(timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sample_of(answer: dict[str, Any]) -> Sample:
    """An answer as a sample; the growth of memory is kept beside the peak."""
    extra = {"grown_mib": answer["peak_mib"] - answer["before_mib"]}
    if "receive_seconds" in answer:
        extra["receive"] = answer["receive_seconds"]
    return Sample(answer["seconds"], answer["cpu"], answer["peak_mib"], extra)


class LoadedStores:
    """Databases of one format at several sizes, over one folder of blobs."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self._folder = folder / f"{kind}-{fingerprint()}"
        self.blobs = self._folder / "blobs"

    def load(self, corpus: Corpus, sizes: Sequence[int]) -> None:
        """Take the corpus in once, and keep the database at every size; what earlier runs left is gone on from."""
        for other in self._folder.parent.glob(f"{self.kind}-*"):
            if other != self._folder:
                shutil.rmtree(other)  # of another shape of the database
        for size in sorted(sizes):
            if not self._database(size).exists():
                self._extend(corpus, size)

    def _extend(self, corpus: Corpus, size: int) -> None:
        known = [int(path.stem) for path in self._folder.glob("*.db")]
        done = max((each for each in known if each < size), default=0)
        data = self._folder / "data"
        if done:
            self.copy(done, data)
        files = [str(path) for path in corpus.files(size)]
        with ServiceProcess(data, self.blobs, "ed25519", "--prepare") as service:
            service.order("create", kind=self.kind, architectures=ARCHITECTURES[self.kind], codecs=["gz", "xz"])
            for start in range(done, size, _AT_ONCE):
                service.order("load", files=files[start : min(start + _AT_ONCE, size)])
            service.order("copy", to=str(self._database(size)))
        shutil.rmtree(data)
        print(f"  loaded {size} {self.kind}", flush=True)

    def copy(self, size: int, data: Path) -> None:
        """A fresh data folder with the corpus taken in and nothing published."""
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        shutil.copyfile(self._database(size), data / "entrepot.db")

    def _database(self, size: int) -> Path:
        return self._folder / f"{size}.db"


def fingerprint() -> str:
    """Changes with the shape of the database."""
    hashed = hashlib.sha256()
    folder = Path(entrepot.__file__).parent / "adapters" / "catalog" / "sql"
    for path in (*sorted((folder / "tables").glob("*.py")), *sorted((folder / "migrations").rglob("*.py"))):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:12]
