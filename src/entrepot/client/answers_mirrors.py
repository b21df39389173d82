"""Shapes of the API's answers about mirrors."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict


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
