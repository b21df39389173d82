"""aptly, reprepro and apt-ftparchive, each as its documentation shows it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from bench.samples import Sample, run_command
from bench.signing import USER, GnupgHome
from bench.tools import link_files


class AptlyStore:
    """One local repository, published under several prefixes."""

    def __init__(self, folder: Path, gnupg: GnupgHome) -> None:
        self._config, self._gnupg = folder / "aptly.conf", gnupg
        folder.mkdir(parents=True)
        settings = {"rootDir": str(folder / "root"), "gpgProvider": "gpg", "architectures": ["amd64"]}
        self._config.write_text(json.dumps(settings), encoding="ascii")
        self._added: dict[Path, Sample] = {}
        self.run("repo", "create", "-distribution=stable", "-component=main", "bench")

    def run(self, *arguments: str) -> Sample:
        """One command."""
        return run_command(["aptly", f"-config={self._config}", *arguments], environment=self._gnupg.environment)

    def add(self, file: Path) -> Sample:
        """Add a package; asked for again by another publication, it costs the same again."""
        if file not in self._added:
            self._added[file] = self.run("repo", "add", "bench", str(file))
        return self._added[file]


class Aptly:
    """``publish repo`` and ``publish update``; each command is a process of its own, as aptly is used."""

    heavy = False

    def __init__(self, store: AptlyStore, shards: Sequence[Path], *, contents: bool) -> None:
        self.name = "aptly" if contents else "aptly, no Contents"
        self.writes = "Packages plain, gz, bz2; Release signed" + ("; Contents" if contents else "")
        self._store, self._shards, self._contents = store, shards, contents
        self._prefix = "with" if contents else "without"
        self._flags = ("-batch", f"-gpg-key={USER}", *(() if contents else ("-skip-contents",)))
        self._published = False

    def ingest(self) -> Sample | None:
        """``repo add`` of all folders, once for both."""
        return None if self._contents else self._store.run("repo", "add", "bench", *map(str, self._shards))

    def full(self) -> Sample:
        """A publication that does not exist yet."""
        if self._published:
            self._store.run("publish", "drop", "stable", self._prefix)
        self._published = True
        return self._store.run("publish", "repo", *self._flags, "bench", self._prefix)

    def unchanged(self) -> Sample:
        """``publish update``."""
        return self._store.run("publish", "update", *self._flags, "stable", self._prefix)

    def plus(self, file: Path) -> Sample:
        """``repo add`` and ``publish update``."""
        return self._store.add(file) + self.unchanged()

    def close(self) -> None:
        """Nothing runs."""


class RepreproStore:
    """One base folder; which indices are written is decided at every command."""

    def __init__(self, folder: Path, gnupg: GnupgHome) -> None:
        self._folder, self._gnupg = folder, gnupg
        (folder / "conf").mkdir(parents=True)

    def run(self, indices: str, *arguments: str) -> Sample:
        """One command with ``DebIndices`` as given."""
        text = (
            "Codename: stable\nSuite: stable\nComponents: main\nArchitectures: amd64\n"
            f"DebIndices: Packages Release {indices}\nSignWith: {self._gnupg.fingerprint}\n"
        )
        (self._folder / "conf" / "distributions").write_text(text, encoding="ascii")
        command = ["reprepro", "--silent", "-b", str(self._folder), *arguments]
        return run_command(command, environment=self._gnupg.environment)


class Reprepro:
    """``includedeb`` and ``export``."""

    def __init__(self, store: RepreproStore, shards: Sequence[Path], *, xz: bool) -> None:
        self.name = "reprepro gz+xz" if xz else "reprepro gz"
        self.writes = f"Packages plain, gz{', xz' if xz else ''}; Release signed"
        self.heavy = xz
        self._store, self._shards = store, shards
        self._indices = ". .gz .xz" if xz else ". .gz"

    def ingest(self) -> Sample | None:
        """``includedeb`` of all files, a thousand a command, once for both."""
        if self.heavy:
            return None
        cost = Sample(0.0)
        for shard in self._shards:
            files = [str(file) for file in sorted(shard.iterdir())]
            cost += self._store.run(self._indices, "--export=never", "includedeb", "stable", *files)
        return cost

    def full(self) -> Sample:
        """``export`` writes everything anew."""
        return self._store.run(self._indices, "export", "stable")

    def unchanged(self) -> Sample:
        """The same."""
        return self.full()

    def plus(self, file: Path) -> Sample:
        """``includedeb``, which exports; with xz only the export, as the package is in the store already."""
        return self.full() if self.heavy else self._store.run(self._indices, "includedeb", "stable", str(file))

    def close(self) -> None:
        """Nothing runs."""


class AptFtparchive:
    """``generate`` with its cache, ``release``, and gpg."""

    name = "apt-ftparchive gz+xz"
    writes = "Packages plain, gz, xz; Release and two signatures by gpg"
    heavy = True

    def __init__(self, folder: Path, gnupg: GnupgHome, shards: Sequence[Path]) -> None:
        self._folder, self._gnupg, self._shards = folder, gnupg, shards
        self._suite = folder / "dists" / "stable"
        self._config = folder / "ftp.conf"
        (self._suite / "main" / "binary-amd64").mkdir(parents=True)
        (folder / "cache").mkdir()
        self._config.write_text(
            f'Dir {{ ArchiveDir "{folder}"; CacheDir "{folder}/cache"; }};\n'
            'Default { Packages::Compress ". gzip xz"; };\n'
            'BinDirectory "pool/main" { Packages "dists/stable/main/binary-amd64/Packages";'
            ' BinCacheDB "packages.db"; };\n',
            encoding="utf-8",
        )

    def ingest(self) -> Sample | None:
        """It has no store: linking files is not its work."""
        link_files(self._shards, self._folder / "pool" / "main")
        return None

    def full(self) -> Sample:
        """Without the cache."""
        shutil.rmtree(self._folder / "cache")
        (self._folder / "cache").mkdir()
        return self.unchanged()

    def unchanged(self) -> Sample:
        """With it."""
        environment = self._gnupg.environment
        cost = run_command(["apt-ftparchive", "generate", str(self._config)], cwd=self._folder, environment=environment)
        fresh, release = self._folder / "Release.new", self._suite / "Release"
        command = ["apt-ftparchive", "-o", "APT::FTPArchive::Release::Codename=stable", "release", str(self._suite)]
        cost += run_command(command, cwd=self._folder, stdout=fresh, environment=environment)
        fresh.replace(release)
        cost += self._gnupg.sign(release, "-abs", out=self._suite / "Release.gpg")
        return cost + self._gnupg.sign(release, "--clearsign", out=self._suite / "InRelease")

    def plus(self, file: Path) -> Sample:
        """Put the file there, then as ever."""
        began = time.perf_counter()
        shutil.copy2(file, self._folder / "pool" / "main")
        return Sample(time.perf_counter() - began) + self.unchanged()

    def close(self) -> None:
        """Nothing runs."""
