"""Shapes of the API's answers about mirrors."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from entrepot.client.answers_jobs import Job


class MirrorRow(TypedDict):
    """``GET /mirrors/{mirror}``."""

    name: str
    source: str
    type: str
    distribution: str
    path: str
    components: list[str]
    architectures: list[str]
    every_hours: int
    on_bad: str
    download_policy: str
    sources: bool
    installer: bool
    kind: str
    filter: dict[str, Any]
    keep_removed: bool
    held: int
    refused: int
    bad: int
    status: str
    job_id: str | None
    files: int
    bytes: int
    stored_files: int
    stored_bytes: int
    upstream_time: str | None
    last_run: str | None
    last_good_run: str | None
    last_change: str | None
    error: str | None
    error_code: str | None
    notes: list[str]


class MirrorList(TypedDict):
    """``GET /mirrors``."""

    mirrors: list[MirrorRow]
    total: int


class Preview(TypedDict):
    """``POST /mirrors/preview``."""

    source: str
    packages: int
    bytes: int
    named: int
    needed: int
    examples: list[str]
    needed_examples: list[str]
    unresolved: list[str]
    unresolved_count: int


class ChosenPackage(TypedDict):
    """A package that a mirror has chosen; ``needed`` because another one needs it."""

    name: str
    version: str
    arch: str
    component: str | None
    bytes: int
    digest: str
    needed: bool
    state: str
    reason: str | None


class ChosenPage(TypedDict):
    """``GET /mirrors/{mirror}/packages``."""

    items: list[ChosenPackage]
    total: int
    page: int
    per_page: int
    pages: int


class RemovedMirror(TypedDict):
    """``DELETE /mirrors/{mirror}``."""

    status: str
    name: str


class BegunRun(TypedDict):
    """``POST /mirrors/{mirror}/run``."""

    job_id: str
    name: str
    status: str
    already_running: bool


class MirrorJob(Job):
    """``GET /import/mirror/jobs/{job_id}``."""

    source_id: str
    distribution: str
    added_count: int
    pending_count: int
    blocked_count: int
    skipped_count: int


class BegunRuns(MirrorJob):
    """``POST /import/mirror/start/{source}``; ``jobs`` are those of all its mirrors."""

    already_running: bool
    jobs: list[str]


class MirrorJobs(TypedDict):
    """``GET /import/mirror/jobs``."""

    jobs: list[MirrorJob]
    total: int


class MirroredSource(TypedDict):
    """A source; ``enabled`` says whether its mirrors run by the plan."""

    id: str
    source_id: str
    label: str
    format: str
    enabled: bool
    mirrors: list[str]
    last_job: MirrorJob | None


class MirroredSources(TypedDict):
    """``GET /import/mirror/sources``."""

    sources: list[MirroredSource]


class SwitchedSources(TypedDict):
    """``POST /import/mirror/sources``: all that were ever switched."""

    sources: dict[str, bool]


class MirrorPlan(TypedDict):
    """``GET /import/mirror/schedule``."""

    enabled: bool
    hour: int
    minute: int
    timezone: str
    max_packages_per_run: int
    max_runtime_minutes: int
    min_free_disk_gb: int
    cron: str
    next_run: str | None
