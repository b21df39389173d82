"""Node: ``package.json`` of installed modules."""

from __future__ import annotations

import json
import re

from entrepot.domain.formats.bundled.ecosystems import Unnamed, node_component
from entrepot.domain.model.component import Component

# The file of a module itself, not of a folder inside of it.
_MODULE = re.compile(
    rb"(?:.*/)?(?:node_modules|usr/share/nodejs|usr/lib/nodejs)/(?:@[^/]+/)?[^/@][^/]*/package\.json\Z", re.DOTALL
)


def is_module(path: bytes) -> bool:
    """Whether a file stands for an installed module."""
    return _MODULE.match(path) is not None


def read_package_json(data: bytes, path: str) -> Component:
    """Name, version and licence.

    Raises:
        Unnamed: they are not in it.
        ValueError, RecursionError: it is no JSON.
    """
    found = json.loads(data)
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        raise Unnamed("there is no name in it")
    if not isinstance(found.get("version"), str):
        raise Unnamed("there is no version in it")
    licence = found.get("license")
    if isinstance(licence, dict):
        licence = licence.get("type")
    return node_component(found["name"], found["version"], path, licence if isinstance(licence, str) else "")
