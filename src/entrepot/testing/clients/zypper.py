"""A scratch root for zypper."""

from __future__ import annotations

from pathlib import Path

from entrepot.testing.clients.result import Result, run


class ZypperRoot:
    """An empty machine with zypper: ``root`` is its file system.  Needs root rights.

    Unlike dnf it asks before it trusts a key: ``trust`` imports keys as an administrator would.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.root = self.folder / "root"
        for name in ("etc/zypp/repos.d", "var/lib/rpm", "tmp"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.folder / ".rpmmacros").write_text("%_dbpath /var/lib/rpm\n")
        self.rpm("--initdb").checked()

    def trust(self, armored: bytes) -> Result:
        """``rpm --import`` of public keys."""
        path = self.folder / "trusted.asc"
        path.write_bytes(armored)
        return self.rpm("--import", str(path))

    def add_repo(self, text: str, name: str = "x") -> None:
        """Write or replace ``<name>.repo``."""
        (self.root / "etc/zypp/repos.d" / f"{name}.repo").write_text(text)

    def refresh(self) -> Result:
        """``zypper refresh``, the cache notwithstanding."""
        return self.zypper("refresh", "--force")

    def available(self) -> list[str]:
        """``name version architecture`` of every package on offer, sorted."""
        table = self.zypper("--no-refresh", "search", "--details", "--type", "package").stdout
        rows = [[cell.strip() for cell in line.split("|")] for line in table.split("\n") if line.count("|") == 5]
        return sorted(f"{row[1]} {row[3]} {row[4]}" for row in rows if row[1] != "Name")

    def install(self, *specs: str) -> Result:
        """``zypper install``: ``name`` or ``name=version``; older versions are allowed."""
        return self.zypper("install", "--oldpackage", *specs)

    def remove(self, *specs: str) -> Result:
        """``zypper remove``."""
        return self.zypper("remove", *specs)

    def installed(self) -> dict[str, str]:
        """``[epoch:]version-release`` by name."""
        found = self.rpm("--query", "--all", "--queryformat=%{NAME} %{EVR}\n").checked().stdout
        rows = [line.split() for line in found.split("\n") if line]
        return {name: evr for name, evr in rows if name != "gpg-pubkey"}

    def zypper(self, *arguments: str) -> Result:
        """Any zypper command on this root."""
        return run(("zypper", "--non-interactive", f"--root={self.root}", *arguments), folder=self.folder)

    def rpm(self, *arguments: str) -> Result:
        """Any rpm command on this root's database."""
        return run(("rpm", f"--root={self.root}", *arguments), folder=self.folder)
