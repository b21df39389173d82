"""A list of one package for engines that compare: CycloneDX, with the distribution that it is made for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrepot.domain.model.component import Component
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.sbom.cyclonedx import SPEC_VERSION
from entrepot.domain.sbom.purls import purl


def scanned_document(
    key: PackageKey,
    system: tuple[str, str],
    source: str,
    source_version: str,
    components: Sequence[Component],
    tool_version: str,
) -> dict[str, Any]:
    """The distribution is a component of its own, as engines look for it, and in the package's name besides."""
    name, version = system
    own: dict[str, Any] = {
        "type": "library",
        "bom-ref": "package",
        "name": key.name,
        "version": key.version,
        "purl": _purl(key, system, source, source_version),
    }
    running = {
        "type": "operating-system",
        "bom-ref": "system",
        "name": name,
        "version": version,
        "properties": [
            {"name": "syft:distro:id", "value": name},
            {"name": "syft:distro:versionID", "value": version},
        ],
    }
    bundled = [
        {
            "type": "library",
            "bom-ref": f"bundled-{number}",
            "name": one.name,
            "version": one.version,
            "purl": one.purl,
        }
        for number, one in enumerate({each.purl: each for each in components}.values(), 1)
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "entrepot", "version": tool_version}]},
            "component": {"type": "file", "bom-ref": "document", "name": key.name, "version": key.version},
        },
        "components": [running, own, *bundled],
    }


def _purl(key: PackageKey, system: tuple[str, str], source: str, source_version: str) -> str:
    name, version = system
    qualifiers = {"arch": key.architecture, "distro": f"{name}-{version}" if version else name}
    if source and (source, source_version) != (key.name, key.version):
        qualifiers["upstream"] = f"{source}@{source_version}" if source_version else source
    if key.format is Format.DEB:
        return purl("deb", name, key.name.lower(), key.version, qualifiers)
    epoch, colon, rest = key.version.partition(":")
    if colon:
        qualifiers["epoch"] = epoch
    if source:
        # Engines want the file name of a source rpm here.
        bare = source_version.partition(":")[2] or source_version
        qualifiers["upstream"] = f"{source}-{bare}.src.rpm"
    return purl("rpm", name, key.name, rest if colon else key.version, qualifiers)
