"""Whether a version lies in a range, in the order of its packaging system."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from entrepot.domain.advisories.advisory import Events
from entrepot.domain.model.package import Format
from entrepot.domain.versions import deb, rpm

_KEPT = 1 << 17
_MODULAR = re.compile(r"\.module[_+]")
_FIRST = "0"


def is_modular(version: str) -> bool:
    """Built for one stream of a module; its releases cannot be compared with those outside."""
    return _MODULAR.search(version) is not None


def contains(format_: Format, events: Events, version: str) -> bool:
    """Whether a version is affected: behind the last event that lies at or before it."""
    affected = False
    for kind, at in _ordered(format_, events):
        if kind == "last_affected":
            if compare(format_, version, at) > 0:
                affected = False
        elif at == _FIRST or compare(format_, version, at) >= 0:
            affected = kind == "introduced"
    return affected


def compare(format_: Format, version: str, other: str) -> int:
    """Negative, zero, positive; ``other`` may leave out the release of an rpm, and then stands for all of them."""
    left, right = key_of(format_, version), key_of(format_, other)
    if format_ is Format.RPM and right[2] is None:
        left = (*left[:2], None)
    if left[:2] == right[:2] and left[2] is None:
        return 0 if right[2] is None else -1
    return int(left > right) - int(left < right)


@lru_cache(_KEPT)
def key_of(format_: Format, version: str) -> Any:
    """Total: what publishers write has a place, even outside the grammar."""
    return deb.loose_key(version) if format_ is Format.DEB else rpm.loose_key(version)


def place_of(format_: Format, version: str) -> Any:
    """A key to sort by; without a release comes first."""
    key = key_of(format_, version)
    return key if key[2] is not None else (*key[:2], ())


@lru_cache(_KEPT)
def _ordered(format_: Format, events: Events) -> Events:
    """Oldest first; of events at one version the end of a range comes last."""

    def place(event: tuple[str, str]) -> Any:
        kind, at = event
        return at != _FIRST, place_of(format_, at), kind != "introduced"

    return tuple(sorted(events, key=place))
