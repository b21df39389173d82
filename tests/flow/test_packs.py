"""However often a suite is published, its files are read from few blobs and stay what was signed."""

from __future__ import annotations

from pathlib import Path

from entrepot.domain.formats.manifest import parse_manifest
from entrepot.domain.model.actor import SYSTEM
from entrepot.testing.memory import MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb

PUBLICATIONS = 70
LONG = "\n ".join("words " * 15 for _ in range(1500))  # each package is a segment of its own


def published_packs(installation: MemoryInstallation) -> int:
    suite = installation.suite("jammy")
    with installation.catalog.read() as reading:
        assert suite.generation_id is not None
        manifest = reading.generation(suite.generation_id).manifest
    with installation.blobs.open(manifest) as blob:
        return len(parse_manifest(blob.read(), manifest).packs())


def test_packs_are_merged_before_they_become_many(tmp_path: Path) -> None:
    most = 0
    with memory_installation(tmp_path, works=False) as installation:
        suite_id = installation.suite("jammy").id
        for number in range(PUBLICATIONS):
            data = build_deb(f"p{number:03}", architecture="amd64", fields={"Description": f"short\n {LONG}"})
            installation.upload(data, "any_1.0_amd64.deb", "jammy")
            installation.application.publisher.publish(suite_id)
            most = max(most, published_packs(installation))
        report = installation.application.verifier.verify(SYSTEM)
    assert report.differences == ()
    assert 40 < most <= 49, "the limit is 48, and one more is being written"
