"""Packages of the real archive: our control fields and file lists are those of dpkg-deb."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.deb import DebFormat
from entrepot.domain.formats.deb.control import parse_control

# Small, and unlike each other: a script, a library, a metapackage, data with long names, scripts and conffiles,
# virtual packages, an epoch, set-uid files, and old and new compressors as the archive has them.
NAMES = ["hostname", "libsbc1", "build-essential", "cron", "opencl-headers", "netbase", "adduser", "mime-support",
         "login", "fonts-lato", "libjs-jquery", "dash"]  # fmt: skip


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("apt-get or dpkg-deb IS NOT INSTALLED; no real package is compared")
    folder = tmp_path_factory.mktemp("archive")
    for name in NAMES:  # one by one: a suite without one of them still has the others
        subprocess.run(
            ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=0",
             "-o", "Acquire::http::Timeout=10", name],
            cwd=folder, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        if not any(folder.iterdir()):
            pytest.skip("apt-get download REACHES NO ARCHIVE from here; no real package is compared")
    return sorted(folder.glob("*.deb"))


def test_reads_real_packages_as_dpkg_deb_does(packages: list[Path]) -> None:
    for path in packages:
        with path.open("rb") as file:
            facts = DebFormat().read(file, path.stat().st_size, Limits())
        control = subprocess.run(["dpkg-deb", "-f", str(path)], capture_output=True, check=True).stdout
        theirs = parse_control(control, Limits()).fields
        ours = parse_control(facts.fragments["control"], Limits()).fields
        assert ours == theirs, path.name
        assert facts.paths == tuple(dpkg_paths(path)), path.name
        assert facts.scripts == tuple(dpkg_scripts(path)), path.name


def test_the_pool_name_is_the_name_in_the_real_pool(packages: list[Path]) -> None:
    deb = DebFormat()
    for path in packages:
        with path.open("rb") as file:
            key = deb.read_control(file, path.stat().st_size, Limits()).key
        name, version, rest = path.name.split("_")  # apt writes the epoch, the pool does not
        assert deb.filename(key) == f"{name}_{version.partition('%3a')[2] or version}_{rest}"


def dpkg_paths(path: Path) -> list[bytes]:
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(path)], capture_output=True, check=True).stdout
    listing = subprocess.run(
        ["tar", "-t", "--quoting-style=literal"], input=tar, capture_output=True, check=True
    ).stdout.split(b"\n")
    return [line.removeprefix(b"./") for line in listing if line and not line.endswith(b"/")]


def dpkg_scripts(path: Path) -> list[str]:
    tar = subprocess.run(["dpkg-deb", "--ctrl-tarfile", str(path)], capture_output=True, check=True).stdout
    listing = subprocess.run(["tar", "-t"], input=tar, capture_output=True, check=True).stdout.decode().split("\n")
    members = {line.removeprefix("./") for line in listing}
    return [script for script in ("preinst", "postinst", "prerm", "postrm", "config") if script in members]
