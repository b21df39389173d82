"""Shapes of the API's answers about long work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from typing_extensions import TypedDict


class Job(TypedDict):
    """``GET /jobs/{job_id}``."""

    job_id: str
    kind: str
    label: str
    subject: str
    status: Literal["running", "done", "error", "cancelled"]
    total: int | None
    done_count: int
    error_count: int
    started_at: str
    finished_at: str | None
    begun_by: str
    log_count: int
    cancelling: bool
    result: Mapping[str, object]
    error: str | None


class JobPage(TypedDict):
    """``GET /jobs``."""

    items: list[Job]
    total: int
    page: int
    per_page: int
    pages: int


class UploadStep(TypedDict):
    """One ``event: step`` of ``POST /upload/stream``."""

    name: str
    label: str
    status: Literal["running", "done", "warn", "error"]
    message: str
    detail: str
