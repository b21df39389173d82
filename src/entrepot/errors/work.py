"""What can be wrong with long work."""

from __future__ import annotations

from entrepot.errors.base import EntrepotError, Kind


class AlreadyRunning(EntrepotError):
    """A job of which there is one at a time was asked for again."""

    code, kind, title = "job.running", Kind.CONFLICT, "Already running"


class JobFailed(EntrepotError):
    """A job ended before it was done; the log says why."""

    code, kind, title = "job.failed", Kind.CORRUPT, "Job failed"


class JobEnded(EntrepotError):
    """A job was to be cancelled that has ended, or that ends by itself only."""

    code, kind, title = "job.ended", Kind.CONFLICT, "Job cannot be cancelled"
