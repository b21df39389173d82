"""Work that people watch: how it stands, and what whoever does it may say about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NewType, Protocol

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

JobId = NewType("JobId", str)
"""Opaque, for people and programs; the goal of a job goes by its number."""


class JobStatus(StrEnum):
    """How a job stands.  All but the first are ends, and an end is for ever."""

    RUNNING = "running"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"


class Progress(Protocol):
    """Says how far a job is; ``Jobs.progress`` is one."""

    def __call__(
        self,
        job: JobId,
        *,
        done: int | None = None,
        errors: int | None = None,
        total: int | None = None,
        position: Mapping[str, Json] | None = None,
        event: Mapping[str, Json] | None = None,
        at_once: bool = False,
    ) -> None:
        """Counts are whole, not steps.  Cheap: a few times a second it is written, what comes between is put together.

        ``position`` is where the work goes on after a crash.  ``event`` is what a listener sees, with ``message`` and
        ``level`` (info, warning, error) and what else its kind has to say; ``at_once`` does not let it wait.
        """
        ...


class Work(Protocol):
    """What a kind's function is handed to do a job with.

    Both methods raise ``Interrupted``, which must not be caught, when the program ends or another node has the job.
    """

    @property
    def id(self) -> JobId:
        """Of the job."""
        ...

    @property
    def subject(self) -> str:
        """What it is about."""
        ...

    @property
    def begun_by(self) -> str:
        """For audit entries."""
        ...

    @property
    def address(self) -> str:
        """Where they were, for audit entries."""
        ...

    @property
    def parameters(self) -> Mapping[str, Json]:
        """What was asked for when it was begun."""
        ...

    @property
    def position(self) -> Mapping[str, Json]:
        """Where an earlier try came to; empty at the first."""
        ...

    def progress(
        self,
        *,
        done: int | None = None,
        errors: int | None = None,
        total: int | None = None,
        position: Mapping[str, Json] | None = None,
        event: Mapping[str, Json] | None = None,
        at_once: bool = False,
    ) -> None:
        """``Progress`` of this job."""
        ...

    def cancelled(self) -> bool:
        """Whether somebody wants it to end.  Ask often: the catalog is asked about once a second.

        Then leave everything whole and return.
        """
        ...


class Interrupted(BaseException):
    """The work has to stop here and now, and goes on elsewhere or later: let it pass."""
