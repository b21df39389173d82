"""Shapes of the API's answers about sources."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class SourceState(TypedDict):
    """How a source stands: one of ``GET /import/sync-status``."""

    id: int
    source_id: str
    label: str
    format: str
    security: bool
    last_sync: str | None
    last_change: str | None
    last_attempt: str | None
    pkg_count: int
    status: str
    error: str | None
    error_code: str | None
    notes: list[str]


class SourceRow(SourceState):
    """``GET /import/sources/{source}``."""

    name: str
    type: str
    url: str
    mirrorlist: str | None
    distribution: str
    components: list[str]
    architectures: list[str]
    enabled: bool
    builtin: bool
    has_key: bool
    fingerprints: list[str]
    allow_unsigned: bool
    check_valid_until: bool
    has_credentials: bool


class SourceList(TypedDict):
    """``GET /import/sources``."""

    sources: list[SourceRow]
    total: int


class SourceStates(TypedDict):
    """``GET /import/sync-status``."""

    sources: list[SourceState]


class RemovedSource(TypedDict):
    """``DELETE /import/sources/{source}``."""

    status: str
    id: int
    source_id: str


class SecuritySource(TypedDict):
    """One of ``SyncSchedule``."""

    id: str
    label: str


class SyncSchedule(TypedDict):
    """``GET /import/sync-schedule``."""

    schedule: str
    cron: str
    enabled: bool
    timezone: str
    next_run: str | None
    security_sources: list[SecuritySource]


class BegunSync(TypedDict):
    """``POST /import/sync`` and its kin."""

    job_id: str
    label: str
    status: str
    total: int
    sources: list[str]
    already_running: bool
    source_id: NotRequired[str]


class SyncJob(TypedDict):
    """``GET /import/sync/jobs/{job_id}``."""

    job_id: str
    label: str
    status: str
    total: int | None
    done_count: int
    error_count: int
    started_at: str
    finished_at: str | None
    log_count: int
    cancelling: bool


class SyncJobs(TypedDict):
    """``GET /import/sync/jobs``."""

    jobs: list[SyncJob]
    total: int
