"""Our publisher in a living process, as one of the tools."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.samples import Sample
from bench.stores import ARCHITECTURES, LoadedStores, ServiceProcess


class Entrepot:
    """Every full publication begins in a new process; what follows happens in the same one."""

    heavy = False

    def __init__(self, stores: LoadedStores, size: int, folder: Path, codecs: Sequence[str], algorithm: str) -> None:
        self.name = f"entrepot {'+'.join(codecs)}{'' if algorithm == 'rsa4096' else ', Ed25519'}"
        deb = stores.kind == "deb"
        what = "Packages" if deb else "primary, filelists, other"
        later = "; Contents in a generation of its own" if deb else ""
        self.writes = f"{what} plain, {', '.join(codecs)}; all by-hash; signed; read back; fsync{later}"
        self._stores, self._size, self.data = stores, size, folder / "data"
        self._codecs, self._algorithm = list(codecs), algorithm
        self._service: ServiceProcess | None = None

    def _living(self) -> ServiceProcess:
        assert self._service is not None
        return self._service

    def _start(self) -> None:
        self.close()
        self._service = ServiceProcess(self.data, self._stores.blobs, self._algorithm)
        architectures = ARCHITECTURES[self._stores.kind]
        self._service.order("create", kind=self._stores.kind, architectures=architectures, codecs=self._codecs)

    def ingest(self) -> Sample | None:
        """Measured apart, through HTTP and through the service."""
        return None

    def full(self) -> Sample:
        """Nothing was published before."""
        self.close()
        self._stores.copy(self._size, self.data)
        self._start()
        return self._living().sample("publish")

    def unchanged(self) -> Sample:
        """The goal is met."""
        return self._living().sample("publish")

    def anew(self) -> Sample:
        """Somebody asks for a new generation of the same content."""
        return self._living().sample("touch")

    def contents(self) -> Sample:
        """The later generation that shows Contents too; no upload waits for it."""
        return self._living().sample("contents")

    def plus(self, file: Path) -> Sample:
        """From "accepted" until switched."""
        return self._living().sample("plus", file=str(file))

    def plus_after_restart(self, file: Path) -> Sample:
        """The first of a new process, which has to read its indexes once."""
        self._start()
        return self._living().sample("plus", file=str(file))

    def profile(self, file: Path, lines: int) -> str:
        """Where the time of one more package goes."""
        return str(self._living().order("profile", file=str(file), lines=lines)["profile"])

    def close(self) -> None:
        """End the process."""
        if self._service is not None:
            self._service.close()
            self._service = None

    def remove(self) -> None:
        """Its data folder too."""
        self.close()
        shutil.rmtree(self.data, ignore_errors=True)
