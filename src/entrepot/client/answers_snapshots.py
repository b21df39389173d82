"""Shapes of the API's answers about snapshots and environments."""

from __future__ import annotations

from typing_extensions import TypedDict


class SnapshotAnswer(TypedDict):
    """One snapshot."""

    name: str
    distribution: str
    archive: str
    format: str
    content_id: str
    packages: int
    size_bytes: int
    description: str
    published_at: str
    created_at: str
    created_by: str
    path: str
    merged_from: list[str]
    rule: str | None
    shown_in: list[str]


class SnapshotPage(TypedDict):
    """``GET /snapshots``."""

    items: list[SnapshotAnswer]
    total: int
    page: int
    per_page: int
    pages: int


class RemovedSnapshot(TypedDict):
    """``DELETE /snapshots/{codename}/{name}``."""

    status: str
    snapshot: SnapshotAnswer


class StateAnswer(TypedDict):
    """Which state a reference means."""

    reference: str
    distribution: str
    generation: int | None
    published_at: str
    time: str
    packages: int


class MergedState(StateAnswer):
    """A state, and how many packages were taken from it."""

    taken: int


class StateVersion(TypedDict):
    """What a state has."""

    state: str
    version: str
    sha256: str


class MergeConflict(TypedDict):
    """Where states disagree: ``versions``, ``bytes`` or ``claimed``."""

    kind: str
    name: str
    arch: str
    taken: list[StateVersion]
    dropped: list[StateVersion]


class LeftOut(TypedDict):
    """A package that must not come in."""

    name: str
    version: str
    arch: str
    reason: str


class MergeAnswer(TypedDict):
    """``POST /snapshots/merge``."""

    status: str
    snapshot: SnapshotAnswer | None
    distribution: str
    packages: int
    size_bytes: int
    possible: bool
    states: list[MergedState]
    counts: dict[str, int]
    conflicts: list[MergeConflict]
    left_out: list[LeftOut]


class BegunMerge(TypedDict):
    """``POST /snapshots/merge/jobs``."""

    status: str
    job_id: str


class ChangedPackage(TypedDict):
    """A line of a difference."""

    change: str
    name: str
    arch: str
    component: str
    from_versions: list[str]
    to_versions: list[str]


class Risk(TypedDict):
    """A vulnerability that one side has."""

    id: str
    severity: str
    name: str
    version: str


class VulnerabilityDelta(TypedDict):
    """What a difference does to known vulnerabilities."""

    known: bool
    fixed: list[Risk]
    introduced: list[Risk]


class StateDifference(TypedDict):
    """``GET /snapshots/diff``."""

    identical: bool
    counts: dict[str, int]
    changes: list[ChangedPackage]
    vulnerabilities: VulnerabilityDelta
    total: int
    truncated: bool


class ContentRow(TypedDict):
    """A package of a state."""

    name: str
    version: str
    arch: str
    component: str
    sha256: str
    size: int


class ContentPage(TypedDict):
    """``GET /snapshots/contents``."""

    state: StateAnswer
    items: list[ContentRow]
    total: int
    page: int
    per_page: int
    pages: int


class ShownSnapshot(TypedDict):
    """Where an environment was pointed to."""

    number: int
    distribution: str
    snapshot: dict[str, object] | None
    moved_at: str
    moved_by: str
    reason: str


class EnvironmentAnswer(TypedDict):
    """One environment."""

    name: str
    description: str
    protected: bool
    created_at: str
    created_by: str
    distributions: list[ShownSnapshot]


class EnvironmentList(TypedDict):
    """``GET /environments``."""

    environments: list[EnvironmentAnswer]
    total: int


class MovePage(TypedDict):
    """``GET /environments/{name}/history``."""

    items: list[ShownSnapshot]
    total: int
    page: int
    per_page: int
    pages: int


class PlannedChange(TypedDict):
    """What a move does to one distribution."""

    distribution: str
    to: str
    difference: dict[str, object] | None
    would_break: list[dict[str, object]]
    refused: list[dict[str, object]]


class MovePlan(TypedDict):
    """``POST /environments/{name}/plan``."""

    environment: str
    protected: bool
    harmless: bool
    changes: list[PlannedChange]
    unchanged: list[str]


class MoveDone(MovePlan):
    """``POST /environments/{name}/point``."""

    status: str


class MoveBack(TypedDict):
    """``POST /environments/{name}/rollback``."""

    status: str
    environment: str
    distributions: list[ShownSnapshot]


class RemovedEnvironment(TypedDict):
    """``DELETE /environments/{name}``."""

    status: str
    name: str
