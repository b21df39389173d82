"""Python: ``*.dist-info/METADATA`` and ``PKG-INFO`` (core metadata specifications)."""

from __future__ import annotations

from entrepot.domain.formats.bundled.ecosystems import Unnamed, python_component
from entrepot.domain.model.component import Component

_WANTED = ("name", "version", "license", "license-expression")


def read_metadata(data: bytes, path: str) -> Component:
    """The fields before the first empty line; of one that is there twice the first counts.

    Raises:
        Unnamed: name or version are missing.
    """
    head, _, _ = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    fields: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.lower() in _WANTED:
            fields.setdefault(name.lower(), value.strip())
    if "name" not in fields or "version" not in fields:
        raise Unnamed("there is no name or version in it")
    licence = fields.get("license-expression") or fields.get("license", "")
    return python_component(fields["name"], fields["version"], path, "" if licence.upper() == "UNKNOWN" else licence)
