"""What a package goes through is told while it happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.domain.jobs.work import JobStatus
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.errors import MalformedPackage, ScannerUnavailable
from entrepot.main import CHECKS
from entrepot.services.intake.checks.base import Subject, Surroundings
from entrepot.services.intake.receipts import Receipt, ReceiptStatus, UploadRequest
from entrepot.services.intake.steps import Report, Step, StepStatus, nothing
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb

RUNNING, DONE, WARN = StepStatus.RUNNING, StepStatus.DONE, StepStatus.WARN


class Scanner:
    """A slow check that says how far it is."""

    name = "scanner"
    slow = True
    anew = False
    away = False

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        if self.away:
            raise ScannerUnavailable("the scanner is away")
        for number in (1, 2, 3):
            around.report(Step(self.name, RUNNING, f"{number} of 3"))
        return CheckOutcome(self.name, CheckResult.CLEAN, "nothing found")


@pytest.fixture
def scanner() -> Scanner:
    return Scanner()


@pytest.fixture
def house(tmp_path: Path, scanner: Scanner) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path, works=False, checks=[*CHECKS, scanner]) as found:
        yield found


def send(house: MemoryInstallation, data: bytes, report: Report = nothing, *, watched: bool = True) -> Receipt:
    with house.application.intake.stage() as writer:
        writer.write(data)
        return house.application.intake.receive(ADMIN, writer, UploadRequest("a.deb", watched=watched), report)


def told(house: MemoryInstallation, receipt: Receipt) -> list[tuple[str, str, str]]:
    assert receipt.job is not None
    _, events = house.application.job_board.events(ADMIN, receipt.job, 0)
    steps = [Step.from_json(event.data) for event in events]
    return [(step.name, step.status.value, step.message) for step in steps if step and step.name == "scanner"]


def test_checks_that_do_not_wait_are_told_to_the_sender(house: MemoryInstallation) -> None:
    steps: list[Step] = []
    send(house, build_deb("hello", "1.0", fields={"Depends": "absent"}), steps.append)
    assert [(step.name, step.status) for step in steps[:5]] == [
        ("structure", RUNNING),
        ("structure", RUNNING),
        ("structure", DONE),
        ("dependencies", RUNNING),
        ("dependencies", DONE),
    ]
    assert (steps[4].message, steps[4].detail) == ("missing", "absent")
    assert "cve" in {step.name for step in steps[5:]}


def test_a_file_that_cannot_be_read_ends_its_step(house: MemoryInstallation) -> None:
    steps: list[Step] = []
    with pytest.raises(MalformedPackage):
        send(house, b"!<arch>\nnonsense", steps.append)
    assert [(step.name, step.status) for step in steps] == [("structure", RUNNING), ("structure", StepStatus.ERROR)]


def test_an_inspection_is_told_to_whoever_watches(house: MemoryInstallation) -> None:
    receipt = send(house, build_deb("hello", "1.0"))
    assert receipt.status is ReceiptStatus.INSPECTING
    assert receipt.job is not None
    assert receipt.admission_id is not None
    house.application.inspector.inspect(receipt.admission_id)
    assert [step for step in told(house, receipt) if step[0] == "scanner"] == [
        ("scanner", "running", ""),
        *(("scanner", "running", f"{number} of 3") for number in (1, 2, 3)),
        ("scanner", "done", "nothing found"),
    ]
    job = house.application.job_board.one(ADMIN, receipt.job)
    assert (job.status, job.result["state"]) == (JobStatus.DONE, "accepted")
    assert job.label.startswith("hello")


def test_an_upload_that_nobody_watches_has_no_job(house: MemoryInstallation) -> None:
    receipt = send(house, build_deb("hello", "1.0"), watched=False)
    assert receipt.job is None
    assert house.application.job_board.page(ADMIN, 0, 10) == ([], 0)
    again = send(house, build_deb("hello", "1.0"))
    assert again.status is ReceiptStatus.INSPECTING
    assert again.job is not None, "somebody watches it from now on"
    assert send(house, build_deb("hello", "1.0")).job == again.job


def test_whoever_watches_is_told_that_a_scanner_is_waited_for(house: MemoryInstallation, scanner: Scanner) -> None:
    scanner.away = True
    receipt = send(house, build_deb("hello", "1.0"))
    assert receipt.admission_id is not None
    house.application.inspector.inspect(receipt.admission_id)
    house.application.jobs.keep()
    assert told(house, receipt)[-1] == ("scanner", "running", "waits: the scanner is away")
    assert house.application.inspector.paused()


def test_a_job_ends_although_the_worker_was_killed_behind_the_verdict(
    house: MemoryInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = send(house, build_deb("hello", "1.0"))
    assert receipt.admission_id is not None
    assert receipt.job is not None
    with monkeypatch.context() as patch:
        patch.setattr(house.application.inspector._queue, "submit", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            house.application.inspector.inspect(receipt.admission_id)
    assert house.application.job_board.one(ADMIN, receipt.job).status is JobStatus.RUNNING
    house.clock.advance(seconds=16)
    for goal in house.application.jobs.unmet():
        house.application.jobs.pursue(goal.subject)
    assert house.application.job_board.one(ADMIN, receipt.job).status is JobStatus.DONE
