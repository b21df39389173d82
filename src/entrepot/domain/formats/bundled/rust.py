"""Rust: the list of crates that cargo-auditable puts into a program, in the ELF section ``.dep-v0``."""

from __future__ import annotations

import json
import zlib

from entrepot.domain.formats.bundled.ecosystems import Unnamed, rust_component
from entrepot.domain.model.component import Component

SECTION = b".dep-v0"

_MOST_BYTES = 8 << 20


def read_crates(section: bytes, path: str) -> list[Component]:
    """Every crate that is in the program when it runs.

    Raises:
        Unnamed, ValueError, zlib.error: it is no such list.
    """
    inflate = zlib.decompressobj()
    text = inflate.decompress(section, _MOST_BYTES)
    if inflate.unconsumed_tail:
        raise Unnamed("its list of crates is too long")
    packages = json.loads(text)["packages"]
    return [
        rust_component(str(each["name"]), str(each["version"]), path)
        for each in packages
        if each.get("kind", "runtime") == "runtime" and each.get("source") == "crates.io"
    ]
