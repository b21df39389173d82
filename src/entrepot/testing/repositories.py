"""Reference repositories, indexed by the distribution's own tools and signed by whoever is asked to.

What clients do with these is what they must do with ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path

from entrepot.testing.clients.result import run

Signature = Callable[[bytes], bytes]


def write_apt_repository(
    folder: Path,
    packages: Mapping[str, bytes],
    date: datetime,
    *,
    valid_until: datetime | None = None,
    architectures: Sequence[str] = ("amd64",),
    suite: str = "stable",
) -> Path:
    """Suite with one component ``main`` and without a signature; its ``Release`` file.

    ``packages`` by file name, which must be ``<name>_<version>_<architecture>.deb``: the indexer goes by it.
    """
    (folder / "pool").mkdir(parents=True, exist_ok=True)
    for name, content in packages.items():
        (folder / "pool" / name).write_bytes(content)
    top = folder / "dists" / suite
    for architecture in architectures:
        index = top / f"main/binary-{architecture}/Packages"
        index.parent.mkdir(parents=True, exist_ok=True)
        scan = ("apt-ftparchive", "--arch", architecture, "packages", "pool")
        index.write_text(run(scan, folder=folder).checked().stdout)
    release = top / "Release"
    release.write_text(release_of(top, date, valid_until, architectures))
    return release


def release_of(top: Path, date: datetime, valid_until: datetime | None, architectures: Sequence[str]) -> str:
    """Text of the ``Release`` file for the indexes that are there."""
    fields = {
        "Origin": "Reference",
        "Suite": top.name,
        "Codename": top.name,
        "Date": format_datetime(date, usegmt=True),
        "Valid-Until": format_datetime(valid_until, usegmt=True) if valid_until else "",
        "Architectures": " ".join(architectures),
        "Components": "main",
    }
    lines = [f"{field}: {value}" for field, value in fields.items() if value] + ["SHA256:"]
    for path in sorted(top.glob("main/*/*")):
        content = path.read_bytes()
        lines.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {path.relative_to(top)}")
    return "\n".join(lines) + "\n"


def sign_apt(release: Path, *, clearsign: Signature | None = None, detach: Signature | None = None) -> None:
    """Put ``InRelease`` and ``Release.gpg`` beside ``Release``, or take away the one that is not asked for."""
    for name, sign in (("InRelease", clearsign), ("Release.gpg", detach)):
        path = release.with_name(name)
        path.unlink(missing_ok=True)
        if sign is not None:
            path.write_bytes(sign(release.read_bytes()))


def write_rpm_repository(folder: Path, packages: Mapping[str, bytes], detach: Signature | None = None) -> Path:
    """One rpm-md repository; ``packages`` by file name.  Its ``repomd.xml``, signed beside when ``detach`` is given."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in packages.items():
        (folder / name).write_bytes(content)
    run(("createrepo_c", "--quiet", "."), folder=folder).checked()
    repomd = folder / "repodata/repomd.xml"
    if detach is not None:
        repomd.with_name("repomd.xml.asc").write_bytes(detach(repomd.read_bytes()))
    return repomd
