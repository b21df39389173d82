"""A scratch root for apt and dpkg."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from entrepot.testing.clients.result import Result, run

_CONFIGURATION = """\
Dir "{root}/";
Dir::State::status "{root}/var/lib/dpkg/status";
APT::Architecture "{native}";
APT::Architectures {{ {all} }};
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Get::Assume-Yes "true";
Acquire::Check-Valid-Until "true";
Acquire::Check-Date "true";
Acquire::Retries "0";
Acquire::http::Proxy "DIRECT";
Acquire::https::Proxy "DIRECT";
DPkg::Use-Pty "0";
DPkg::Options {{ {dpkg} }};
"""
_FOLDERS = (
    "etc/apt/apt.conf.d",
    "etc/apt/keyrings",
    "etc/apt/preferences.d",
    "etc/apt/sources.list.d",
    "etc/apt/trusted.gpg.d",
    "var/cache/apt/archives/partial",
    "var/lib/apt/lists/partial",
    "var/lib/dpkg/info",
    "var/lib/dpkg/triggers",
    "var/lib/dpkg/updates",
    "var/log/apt",
    "tmp",
)


class AptRoot:
    """An empty machine with apt: ``folder`` is its file system.  Works for root and for a plain user.

    ``architectures`` begins with the native one.  Nothing of the host's configuration is read: signatures,
    ``Date`` and ``Valid-Until`` are checked, an error of any source fails the update, nothing is tried again.
    """

    def __init__(self, folder: Path, *, architectures: Sequence[str] = ("amd64",)) -> None:
        self.folder = folder.resolve()
        for name in _FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "var/lib/dpkg/status").touch()
        (self.folder / "var/lib/dpkg/available").touch()
        self._configuration = self.folder / "etc/apt/scratch.conf"
        text = _CONFIGURATION.format(
            root=self.folder,
            native=architectures[0],
            all=" ".join(f'"{each}";' for each in architectures),
            dpkg=" ".join(f'"{option}";' for option in self._dpkg_options(architectures)),
        )
        self._configuration.write_text(text)

    def key_file(self, content: bytes, name: str = "archive.asc") -> Path:
        """A key where ``Signed-By`` can point to; its suffix says armored (``.asc``) or binary (``.gpg``)."""
        path = self.folder / "etc/apt/keyrings" / name
        path.write_bytes(content)
        return path

    def add_source(self, deb822: str, name: str = "x") -> None:
        """Write or replace ``sources.list.d/<name>.sources``."""
        (self.folder / f"etc/apt/sources.list.d/{name}.sources").write_text(deb822)

    def add_line(self, line: str, name: str = "x") -> None:
        """Write or replace ``sources.list.d/<name>.list``."""
        (self.folder / f"etc/apt/sources.list.d/{name}.list").write_text(line + "\n")

    def update(self) -> Result:
        """``apt-get update``."""
        return self.run("apt-get", "update")

    def candidate(self, name: str) -> str | None:
        """The version that ``apt-get install name`` would take."""
        lines = self.run("apt-cache", "policy", name).checked().stdout.split("\n")
        found = [line.split(": ", 1)[1] for line in lines if line.startswith("  Candidate: ")]
        return found[0] if found and found[0] != "(none)" else None

    def versions(self, name: str) -> list[str]:
        """Every version that the sources offer, newest first."""
        lines = self.run("apt-cache", "madison", name).checked().stdout.split("\n")
        return list(dict.fromkeys(line.split("|")[1].strip() for line in lines if line.count("|") == 2))

    def download(self, *specs: str) -> list[Path]:
        """Fetch and verify packages without installing; ``AssertionError`` when apt fails."""
        target = self.folder / "tmp"
        before = set(target.iterdir())
        self.run("apt-get", "download", *specs, folder=target).checked()
        return sorted(set(target.iterdir()) - before)

    def install(self, *specs: str) -> Result:
        """``apt-get install``: ``name``, ``name=version`` or ``name/suite``; older versions are allowed."""
        return self.run("apt-get", "install", "--allow-downgrades", *specs)

    def upgrade(self) -> Result:
        """``apt-get dist-upgrade``."""
        return self.run("apt-get", "dist-upgrade")

    def remove(self, *names: str) -> Result:
        """``apt-get remove``."""
        return self.run("apt-get", "remove", *names)

    def installed(self) -> dict[str, str]:
        """Version by name of every package that is configured."""
        form = "${db:Status-Abbrev} ${Package} ${Version}\n"
        query = ("dpkg-query", f"--admindir={self.folder}/var/lib/dpkg", "--show", f"--showformat={form}")
        rows = [line.split() for line in self.run(*query).stdout.split("\n")]
        return {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "ii"}

    def run(self, *command: str, folder: Path | None = None) -> Result:
        """Any apt or dpkg program with this root's configuration."""
        return run(command, folder=folder or self.folder, environment={"APT_CONFIG": str(self._configuration)})

    def _dpkg_options(self, architectures: Sequence[str]) -> list[str]:
        options = [
            f"--root={self.folder}",
            f"--log={self.folder}/var/log/dpkg.log",
            "--force-script-chrootless",
            # Trimmed machines tell dpkg to leave out documentation; a package under test is unpacked whole.
            "--path-include=/*",
        ]
        options += [] if os.geteuid() == 0 else ["--force-not-root"]
        host = run(("dpkg", "--print-architecture"), folder=self.folder).stdout.strip()
        return options + ([] if host == architectures[0] else ["--force-architecture"])
