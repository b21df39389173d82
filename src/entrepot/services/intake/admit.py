"""From "may be published" to "is in the suite": the rows that change together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from entrepot.adapters.catalog.base import PackageFilter, Placing, Writing
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.errors import CatalogConflict, SameKeyOtherBytes

T = TypeVar("T")
_TRIES = 5


def repeat_lost_races(attempt: Callable[[], T]) -> T:
    """Run a unit again when another one changed the same rows first."""
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except CatalogConflict:
            continue
    return attempt()


def check_key(unit: Writing, suite: Suite, key: PackageKey, digest: Digest) -> None:
    """Refuse other bytes under a key that this archive has seen, even if it was deleted since.

    Raises:
        SameKeyOtherBytes: with both digests.
    """
    before = unit.claimed(suite.archive.id, key)
    if before is not None and before.digest != digest:
        raise SameKeyOtherBytes(
            f"{key} is known with other content; a version never changes once it came in: build a new version",
            incoming_sha256=digest,
            existing_sha256=before.digest,
        )


def place(
    unit: Writing,
    suite: Suite,
    format_: PackageFormat,
    package_id: PackageId,
    component: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Put a stored package into a suite; the revision that contains it.  The caller checked key and gate."""
    package = unit.package(package_id)
    revision = unit.touch_suite(suite.id)
    if unit.claimed(suite.archive.id, package.key) is None:
        unit.claim(suite.archive.id, package.key, package_id)
    tree = format_.tree(package.key.architecture)
    current = unit.suite(suite.id).options
    if tree not in (*current.architectures, format_.independent):
        revision = unit.change_suite(suite.id, replace(current, architectures=(*current.architectures, tree)))
    path = _pool_path(unit, suite, format_, package_id, component)
    unit.place(suite.id, Placing(package_id, package.key, component, tree, path), revision, actor, now)
    return revision


def _pool_path(unit: Writing, suite: Suite, format_: PackageFormat, package_id: PackageId, component: str) -> str:
    package = unit.package(package_id)
    for apart in ("", package.digest[:16]):
        path = format_.pool_path(package.key, package.source, component, apart=apart)
        owner = unit.pool_owner(suite.archive.id, path)
        if owner is None:
            unit.take_pool_path(suite.archive.id, path, package_id)
        if owner in (None, package_id):
            break
    return path


def live_in(unit: Writing, suite: Suite, package_id: PackageId, key: PackageKey) -> bool:
    """Whether the package is in the suite now."""
    wanted = PackageFilter(name=key.name, version=key.version, architecture=key.architecture, suite=suite.codename)
    return any(
        placement.package.id == package_id and placement.suite.id == suite.id for placement in unit.placements(wanted)
    )
