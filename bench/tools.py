"""What every measured tool can do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from bench.samples import Sample


class Tool(Protocol):
    """One tool in one configuration, with one store of one size.

    ``heavy`` tools take part less often at large sizes.  Jobs that a tool does not know give none.
    """

    name: str
    writes: str
    heavy: bool

    def ingest(self) -> Sample | None:
        """Take the whole corpus into an empty store; called once."""
        ...

    def full(self) -> Sample:
        """Publish everything as if for the first time."""
        ...

    def unchanged(self) -> Sample:
        """Publish again with nothing to do."""
        ...

    def plus(self, file: Path) -> Sample:
        """Add one package and publish."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


def link_files(folders: Iterable[Path], target: Path) -> None:
    """Hard links (copies across file systems) of package folders below ``target``."""
    for folder in folders:
        into = target / folder.name
        into.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            try:
                os.link(file, into / file.name)
            except OSError:
                shutil.copy2(file, into)
