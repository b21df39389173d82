"""Whether a version lies in a range, in the order of its packaging system."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from entrepot.domain.advisories.advisory import Events
from entrepot.domain.advisories.contexts import Language, Order
from entrepot.domain.model.package import Format
from entrepot.domain.versions import deb, maven, pep440, rpm, semver

_KEPT = 1 << 17
_MODULAR = re.compile(r"\.module[_+]")
_FIRST = "0"
_LANGUAGES: Mapping[Language, Callable[[str], Any]] = {
    Language.PYPI: pep440.loose_key,
    Language.NPM: semver.loose_key,
    Language.MAVEN: maven.loose_key,
    Language.GO: semver.loose_key,
    Language.CRATES: semver.loose_key,
}


def is_modular(version: str) -> bool:
    """Built for one stream of a module; its releases cannot be compared with those outside."""
    return _MODULAR.search(version) is not None


def contains(order: Order, events: Events, version: str) -> bool:
    """Whether a version is affected: behind the last event that lies at or before it."""
    affected = False
    for kind, at in _ordered(order, events):
        if kind == "last_affected":
            if compare(order, version, at) > 0:
                affected = False
        elif at == _FIRST or compare(order, version, at) >= 0:
            affected = kind == "introduced"
    return affected


def compare(order: Order, version: str, other: str) -> int:
    """Negative, zero, positive; ``other`` may leave out the release of an rpm, and then stands for all of them."""
    left, right = key_of(order, version), key_of(order, other)
    if order is Format.RPM and right[2] is None:
        left = (*left[:2], None)
    if left[:2] == right[:2] and left[2] is None:
        return 0 if right[2] is None else -1
    return int(left > right) - int(left < right)


@lru_cache(_KEPT)
def key_of(order: Order, version: str) -> Any:
    """Total: what publishers write has a place, even outside the grammar."""
    if order is Format.DEB:
        return deb.loose_key(version)
    return rpm.loose_key(version) if order is Format.RPM else (0, _LANGUAGES[Language(order)](version), ())


def place_of(order: Order, version: str) -> Any:
    """A key to sort by; without a release comes first."""
    key = key_of(order, version)
    return key if key[2] is not None else (*key[:2], ())


@lru_cache(_KEPT)
def _ordered(order: Order, events: Events) -> Events:
    """Oldest first; of events at one version the end of a range comes last."""

    def place(event: tuple[str, str]) -> Any:
        kind, at = event
        return at != _FIRST, place_of(order, at), kind != "introduced"

    return tuple(sorted(events, key=place))
