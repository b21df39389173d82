"""The source package of a stored package, with its version, from the index text that was rendered at intake."""

from __future__ import annotations

import re

from entrepot.domain.model.package import Format, PackageKey

FRAGMENT = {Format.DEB: "control", Format.RPM: "primary"}
"""The kind of index text to ask for."""

_DEB = re.compile(
    rb"^Source:[ \t]*([a-z0-9][a-z0-9+.-]*)(?:[ \t]*\(([^()\s]+)\))?[ \t]*$", re.MULTILINE | re.IGNORECASE
)
_REBUILT = re.compile(r"\+b\d+\Z")  # a binary that was built again: no version of a source ends like this
_RPM = re.compile(rb"<rpm:sourcerpm>\s*([^<\s]+)\s*</rpm:sourcerpm>")
_SOURCE_RPM = re.compile(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm")


def source_of(key: PackageKey, fragment: bytes) -> tuple[str, str]:
    """Name and version of the source package; those of the package itself where none is named.

    The name of a source rpm has no epoch: the package's own is taken, which is the source's with very few exceptions.
    """
    if key.format is Format.DEB:
        match = _DEB.search(fragment)
        name = match[1].decode() if match else key.name
        version = match[2].decode("ascii", "replace") if match and match[2] else key.version
        return name, _REBUILT.sub("", version)
    found = _RPM.search(fragment)
    parts = _SOURCE_RPM.fullmatch(found[1].decode("ascii", "replace")) if found else None
    if parts is None:
        return key.name, key.version
    epoch, colon, _ = key.version.partition(":")
    return parts[1], f"{epoch}:{parts[2]}" if colon else parts[2]
