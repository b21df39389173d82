"""Work that people watch."""

from __future__ import annotations

from typing import TypedDict

from entrepot.domain.policy.permissions import Permission
from entrepot.main.gate import Gate
from entrepot.main.parts import Parts
from entrepot.services.intake.steps import UPLOAD_JOB, UploadJobs
from entrepot.services.jobs import JobBoard, JobKind, Jobs
from entrepot.settings import Settings


class Following(TypedDict):
    """By their names in the application.  ``jobs.begin`` and ``jobs.progress`` go to services that have long work."""

    jobs: Jobs
    job_board: JobBoard


def following(settings: Settings, parts: Parts) -> Following:
    """Made before the services that do the work; kinds are defined when these are there."""
    jobs = Jobs(parts.catalog, parts.queue, settings.node_name, parts.now, parts.monotonic)
    return Following(jobs=jobs, job_board=JobBoard(parts.catalog, parts.queue, jobs.kinds, parts.now))


def watch_uploads(jobs: Jobs, let_in: Gate) -> None:
    """Inspections belong to goals of their own; a job tells of those that somebody watches."""
    followed = UploadJobs(jobs.begin, jobs.running, jobs.progress, jobs.finish)
    let_in["intake"].follow(followed)
    let_in["inspector"].follow(followed)
    jobs.define(JobKind(UPLOAD_JOB, Permission.REVIEW_READ, None, let_in["inspector"].watch, elsewhere=True))
