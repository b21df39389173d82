"""Work that people watch."""

from __future__ import annotations

from typing import TypedDict

from entrepot.main.parts import Parts
from entrepot.services.jobs import JobBoard, Jobs
from entrepot.settings import Settings


class Following(TypedDict):
    """By their names in the application.  ``jobs.begin`` and ``jobs.progress`` go to services that have long work."""

    jobs: Jobs
    job_board: JobBoard


def following(settings: Settings, parts: Parts) -> Following:
    """Made before the services that do the work; kinds are defined when these are there."""
    jobs = Jobs(parts.catalog, parts.queue, settings.node_name, parts.now, parts.monotonic)
    return Following(jobs=jobs, job_board=JobBoard(parts.catalog, parts.queue, jobs.kinds, parts.now))
