"""What a package goes through, told while it happens: to whoever sends it, and to whoever watches its inspection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from entrepot.adapters.catalog.jobs import Begin, JobWriting
from entrepot.adapters.catalog.records import Admission, AdmissionState, JsonValue
from entrepot.domain.jobs.work import JobId, JobStatus, Progress
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.gate import CheckOutcome, CheckResult

UPLOAD_JOB = "upload"
STRUCTURE = "structure"


class StepStatus(StrEnum):
    """How a step stands."""

    RUNNING = "running"
    DONE = "done"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done with a package.

    ``name`` is that of a check, or ``structure`` while the file is read.  A step that runs may be told many times, with
    how far it is as its message.
    """

    name: str
    status: StepStatus
    message: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, JsonValue]:
        """As an event of a job."""
        return {"step": self.name, "state": self.status.value, "message": self.message, "detail": self.detail[:1000]}

    @staticmethod
    def from_json(data: Mapping[str, JsonValue]) -> Step | None:
        """The reverse; none when it is something else."""
        if "step" not in data or data.get("state") not in list(StepStatus):
            return None
        state = StepStatus(str(data["state"]))
        return Step(str(data["step"]), state, str(data.get("message") or ""), str(data.get("detail") or ""))


Report = Callable[[Step], None]
"""Is told of steps.  Cheap enough to be told often, and does not keep anybody waiting."""


def nothing(_step: Step) -> None:
    """Nobody watches."""


_STATUSES = {
    CheckResult.CLEAN: StepStatus.DONE,
    CheckResult.FINDINGS: StepStatus.WARN,
    CheckResult.INCONCLUSIVE: StepStatus.WARN,
    CheckResult.ERROR: StepStatus.ERROR,
    CheckResult.SKIPPED: StepStatus.WARN,
}


def ended(outcome: CheckOutcome) -> Step:
    """The end of a check.  What the gate makes of it is not known yet."""
    detail = outcome.detail or "; ".join(concern.detail for concern in outcome.concerns)
    return Step(outcome.name, _STATUSES[outcome.result], outcome.message, detail)


class Finish(Protocol):
    """Ends a job."""

    def __call__(
        self, job: JobId, status: JobStatus = JobStatus.DONE, result: Mapping[str, JsonValue] | None = None
    ) -> None:
        """One that has ended stays as it is."""
        ...


@dataclass(frozen=True, slots=True)
class UploadJobs:
    """Jobs of uploads that somebody watches; an upload that nobody does has none, and costs nothing."""

    begin: Begin
    running: Callable[[str, str], JobId | None]
    progress: Progress
    finish: Finish

    def open(self, unit: JobWriting, admission_id: int, label: str, actor: Actor) -> JobId:
        """In the unit of the admission that is to be inspected; the one that there is, if there is one."""
        return self.begin(unit, UPLOAD_JOB, label, actor, str(admission_id))

    def of(self, admission_id: int) -> JobId | None:
        """The job of somebody who watches this inspection."""
        return self.running(UPLOAD_JOB, str(admission_id))

    def report(self, job: JobId) -> Report:
        """Beginnings and ends of steps are told at once, what comes between a few times a second."""

        def tell(step: Step) -> None:
            between = step.status is StepStatus.RUNNING and bool(step.message)
            self.progress(job, event=step.to_json(), at_once=not between)

        return tell


def verdict_of(admission: Admission) -> dict[str, JsonValue] | None:
    """The result of a job of an upload; none while there is none."""
    if admission.state is AdmissionState.RECEIVED:
        return None
    return {"admission": admission.id, "state": admission.state.value, "reasons": list(admission.reasons)[:20]}
