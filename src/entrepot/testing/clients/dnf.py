"""A scratch root for dnf and rpm."""

from __future__ import annotations

from pathlib import Path

from entrepot.testing.clients.result import Result, run

_CONFIGURATION = """\
[main]
gpgcheck=1
best=1
skip_if_unavailable=0
install_weak_deps=1
plugins=0
retries=1
proxy=
reposdir={folder}/repos
varsdir={folder}/vars
cachedir={folder}/cache
logdir=/var/log
module_platform_id=platform:el{release}
"""


class DnfRoot:
    """An empty machine with dnf 4: ``root`` is its file system.  Installing needs root rights.

    A repository that cannot be had or verified is an error; packages must be signed unless their repository says
    otherwise.  The host's repositories, caches and rpm database are neither read nor written.
    """

    def __init__(self, folder: Path, *, releasever: str = "9", architecture: str = "x86_64") -> None:
        self.folder = folder.resolve()
        self.root = self.folder / "root"
        for path in (self.root, *(self.folder / name for name in ("repos", "vars", "cache", "keys"))):
            path.mkdir(parents=True, exist_ok=True)
        release = releasever.split(".", 1)[0]
        (self.folder / "dnf.conf").write_text(_CONFIGURATION.format(folder=self.folder, release=release))
        # Some distributions keep the rpm database in the home of the caller; inside a root it belongs here.
        (self.folder / ".rpmmacros").write_text("%_dbpath /var/lib/rpm\n")
        self._own = (f"--arch={architecture}", "--arch=noarch")
        self._options = (
            f"--config={self.folder}/dnf.conf",
            f"--installroot={self.root}",
            f"--releasever={releasever}",
            f"--forcearch={architecture}",
            "--assumeyes",
        )

    def key_file(self, content: bytes, name: str = "archive.asc") -> Path:
        """A key where ``gpgkey=file://`` can point to."""
        path = self.folder / "keys" / name
        path.write_bytes(content)
        return path

    def add_repo(self, text: str, name: str = "x") -> None:
        """Write or replace ``<name>.repo``."""
        (self.folder / "repos" / f"{name}.repo").write_text(text)

    def makecache(self) -> Result:
        """``dnf makecache --refresh``."""
        return self.dnf("makecache", "--refresh")

    def available(self) -> list[str]:
        """``name-epoch:version-release.architecture`` of every package for this root, sorted; an epoch of 0 is written.

        For this root means noarch and its own architecture: by itself repoquery shows those of all others too.
        """
        form = "%{name}-%{epoch}:%{version}-%{release}.%{arch}"
        found = self.dnf("repoquery", "--quiet", "--available", f"--queryformat={form}", *self._own).checked().stdout
        return sorted(line for line in found.split("\n") if line)

    def install(self, *specs: str) -> Result:
        """``dnf install`` from the metadata as it is now on the server."""
        return self.dnf("install", "--refresh", *specs)

    def upgrade(self, *specs: str) -> Result:
        """``dnf upgrade`` from the metadata as it is now on the server."""
        return self.dnf("upgrade", "--refresh", *specs)

    def downgrade(self, *specs: str) -> Result:
        """``dnf downgrade``."""
        return self.dnf("downgrade", "--refresh", *specs)

    def remove(self, *specs: str) -> Result:
        """``dnf remove``."""
        return self.dnf("remove", *specs)

    def installed(self) -> dict[str, str]:
        """``[epoch:]version-release`` by name."""
        form = "%{NAME} %{EVR}\n"
        found = self.rpm("--query", "--all", f"--queryformat={form}").checked().stdout
        rows = [line.split() for line in found.split("\n") if line]
        return {name: evr for name, evr in rows if name != "gpg-pubkey"}

    def dnf(self, *arguments: str) -> Result:
        """Any dnf command on this root."""
        return run(("dnf", *self._options, *arguments), folder=self.folder)

    def rpm(self, *arguments: str) -> Result:
        """Any rpm command on this root's database."""
        return run(("rpm", f"--root={self.root}", *arguments), folder=self.folder)
