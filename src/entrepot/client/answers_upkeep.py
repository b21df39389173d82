"""Shapes of the API's answers about what stays, what goes, and keys."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class Pinned(TypedDict):
    """``POST`` and ``DELETE /artifacts/{name}/{version}/pin``."""

    status: str
    package: str
    version: str
    architectures: list[str]
    changed: bool


class Collection(TypedDict):
    """``GET /artifacts/admin/gc-preview`` and ``POST /artifacts/admin/version-gc``."""

    status: NotRequired[str]
    ran_at: str
    max_versions: int
    min_age_days: int
    dry_run: bool
    packages_checked: int
    versions_deleted: int
    versions_skipped: int
    freed_bytes: int
    details: list[dict[str, object]]
    details_complete: bool


class Aged(TypedDict):
    """What goes because of its age."""

    deleted: int
    freed_bytes: int
    packages: list[dict[str, object]]


class RetentionResult(TypedDict):
    """What a run of retention did, or would do."""

    ran_at: str
    dry_run: bool
    packages: Aged
    version_gc: Collection
    total_freed_bytes: int


class RetentionRun(TypedDict):
    """``POST /settings/run-retention``."""

    status: str
    result: RetentionResult


class ScannerStatus(TypedDict):
    """``GET /security/clamav/status``."""

    available: bool
    daemon_running: bool
    version: str | None
    db_version: str | None
    db_date: str | None
    db_files: list[dict[str, object]]
    cooldown_until: str | None
    detail: str


class ScannerUpdate(TypedDict):
    """``POST /security/clamav/update``."""

    status: str
    db_version: str | None
    db_date: str | None
    output: str


class EngineStatus(TypedDict):
    """``GET /security/grype/status``."""

    available: bool
    valid: bool
    db_schema: str | None
    db_date: str | None
    db_age_days: int | None
    detail: str


class EngineUpdate(TypedDict):
    """``POST /security/grype/update``."""

    status: str
    valid: bool
    db_schema: str | None
    db_date: str | None
    db_age_days: int | None
    output: str


class RetentionOverview(TypedDict):
    """``GET /settings/retention``."""

    preview: RetentionResult
    running: bool
    next_run: str | None
    schedule: str


class SigningKey(TypedDict):
    """Public facts of a key; the first of an archive signs first."""

    key_id: str
    fingerprint: str
    algo: str
    created: str
    expires: str | None
    uids: list[str]
    archive: str
    signs_first: bool
    together_since: str | None


class SigningKeys(TypedDict):
    """``GET /settings/gpg``."""

    keys: list[SigningKey]
    public_key_armored: str | None
    key_id: str | None
    fingerprint: str | None


class KeysChanged(TypedDict):
    """``POST /settings/gpg/generate`` and its kin."""

    status: str
    message: str
    fingerprint: str
    fingerprints: list[str]
    distributions_reinit: dict[str, object]


class KeyPlaces(TypedDict):
    """``POST /settings/gpg/export``: where everybody finds the public keys."""

    status: str
    path: str | None
    paths: list[str]
