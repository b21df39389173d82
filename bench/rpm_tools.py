"""createrepo_c."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.samples import Sample, run_command
from bench.signing import GnupgHome
from bench.tools import link_files


class Createrepo:
    """A full run, then ``--update``; repomd.xml is signed by gpg as a script would."""

    heavy = False

    def __init__(self, folder: Path, gnupg: GnupgHome, shards: Sequence[Path], *, database: bool) -> None:
        self.name = "createrepo_c" if database else "createrepo_c, no database"
        self.writes = f"primary, filelists, other as gz{' and as SQLite bz2' if database else ''}; repomd.xml by gpg"
        self._repository, self._gnupg, self._shards = folder / "repository", gnupg, shards
        self._flags = () if database else ("--no-database",)

    def ingest(self) -> Sample | None:
        """It has no store."""
        link_files(self._shards, self._repository)
        return None

    def full(self) -> Sample:
        """Everything is read anew."""
        shutil.rmtree(self._repository / "repodata", ignore_errors=True)
        return self._run()

    def unchanged(self) -> Sample:
        """``--update``."""
        return self._run("--update")

    def plus(self, file: Path) -> Sample:
        """Put the file there, then ``--update``."""
        shutil.copy2(file, self._repository)
        return self.unchanged()

    def _run(self, *flags: str) -> Sample:
        command = ["createrepo_c", "--quiet", *self._flags, *flags, str(self._repository)]
        cost = run_command(command, environment=self._gnupg.environment)
        repomd = self._repository / "repodata" / "repomd.xml"
        return cost + self._gnupg.sign(repomd, "--detach-sign", "--armor", out=repomd.with_name("repomd.xml.asc"))

    def close(self) -> None:
        """Nothing runs."""
