"""Shapes of answers about versions of a package and what they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired

from typing_extensions import TypedDict

from entrepot.client.answers_packages import Manifest


class VersionRow(TypedDict):
    """One file of a version."""

    version: str
    arch: str
    distribution: str | None
    distributions: list[str]
    filename: str
    status: str
    sha256: str
    size_bytes: int
    imported_at: str | None
    imported_by: str
    is_latest: bool
    pool_available: bool


class Versions(TypedDict):
    """``GET /artifacts/{name}/versions``: newest first."""

    package: str
    count: int
    versions: list[VersionRow]


class Difference(TypedDict):
    """What changed from one version to another."""

    size_change_bytes: int
    description_changed: bool
    new_deps: list[str]
    removed_deps: list[str]
    sha256_changed: bool
    status_change: Mapping[str, str] | None


class Comparison(TypedDict):
    """``GET /artifacts/{name}/versions/compare``."""

    package: str
    arch: str
    v1: str
    v2: str
    v1_manifest: Manifest
    v2_manifest: Manifest
    diff: Difference


class Dependency(TypedDict):
    """Something that a package needs, and what offers it here; ``unfit`` is what is here but does not meet it."""

    name: str
    relation: str
    available_internally: bool
    depth: int
    required_by: list[str]
    version: NotRequired[str]
    version_constraint: NotRequired[str]
    alternatives: NotRequired[list[str]]
    provided_by: NotRequired[list[str]]
    unfit: NotRequired[list[str]]


class Dependencies(TypedDict):
    """``GET /artifacts/{name}/dependencies``; ``reasons`` say why it cannot be installed."""

    package: str
    version: str
    arch: str
    distribution: str
    format: str
    dependencies: list[Dependency]
    all_satisfied: bool
    missing: list[str]
    install_blocked: bool
    conflicts: list[str]
    reasons: list[str]
    gave_up: bool


class Installation(TypedDict):
    """``GET /artifacts/{name}/install``: ``setup`` once for each machine, then ``command``."""

    package: str
    version: str
    arch: str
    distribution: str
    format: str
    command: str
    setup: list[str]
    install_blocked: bool
    missing: list[str]


class Obstacle(TypedDict):
    """One thing that keeps a package out; ``until`` is when that ends by itself."""

    code: str
    message: str
    until: str | None


class ExplainedFact(TypedDict):
    """One thing that was written down about a package."""

    kind: str
    at: str | None
    by: str | None
    result: str | None
    message: str
    data: Mapping[str, object]


class Explained(TypedDict):
    """``GET /artifacts/{name}/{version}/why``; ``facts`` are in order of time."""

    package: str
    version: str
    arch: str
    distribution: str
    format: str
    sha256: str
    state: str
    visible: bool
    explanation: str
    obstacles: list[Obstacle]
    notes: list[str]
    own_rules: list[str]
    facts: list[ExplainedFact]
