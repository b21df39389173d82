"""A 64-bit machine finds 32-bit packages in its own tree."""

from __future__ import annotations

import gzip
from pathlib import Path

from entrepot.domain.formats.rpm.repomd import parse_repomd
from entrepot.domain.model.package import Format
from entrepot.testing.memory import MemoryInstallation, memory_installation
from entrepot.testing.packages import build_rpm


def names(installation: MemoryInstallation, basearch: str) -> set[str]:
    base = f"almalinux9/{basearch}"
    repomd = parse_repomd(installation.read(Format.RPM, f"{base}/repodata/repomd.xml") or b"")
    location = next(record.location for record in repomd.records if record.type == "primary")
    text = gzip.decompress(installation.read(Format.RPM, f"{base}/{location}") or b"").decode()
    return {line.removeprefix("  <name>").removesuffix("</name>") for line in text.splitlines() if "<name>" in line}


def test_i686_packages_are_listed_for_x86_64_too(tmp_path: Path) -> None:
    with memory_installation(tmp_path, works=False) as installation:
        for name, architecture in (("small", "i686"), ("large", "x86_64"), ("any", "noarch"), ("other", "aarch64")):
            installation.upload(build_rpm(name, architecture=architecture), f"{name}.rpm", "almalinux9")
        installation.application.publisher.publish(installation.suite("almalinux9").id)
        assert names(installation, "x86_64") == {"small", "large", "any"}
        assert names(installation, "i386") == {"small", "any"}
        assert names(installation, "aarch64") == {"other", "any"}
