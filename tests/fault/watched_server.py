"""The server with a slow check that says how far it is, and a kind of job, ``rehearsal``, that counts to its total.

Both look at files beside the data: ``stop-N`` is where a rehearsal waits at N until it is gone, ``shut`` keeps the
check waiting.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from entrepot.application import Application
from entrepot.domain.jobs.work import Json, Work
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.domain.policy.permissions import Permission
from entrepot.main import CHECKS, Parts, assemble
from entrepot.program import main, serving
from entrepot.services.intake.checks.base import Check, Subject, Surroundings
from entrepot.services.intake.steps import Step, StepStatus
from entrepot.services.jobs import JobKind
from entrepot.settings import Settings, load_settings

FOLDER = load_settings().data.parent


class SlowCheck:
    """Tells three times how far it is."""

    name = "slow"
    slow = True
    anew = False

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        for number in (1, 2, 3):
            around.report(Step(self.name, StepStatus.RUNNING, f"{number} of 3"))
            time.sleep(0.5)
        while (FOLDER / "shut").exists():
            time.sleep(0.05)
        return CheckOutcome(self.name, CheckResult.CLEAN, "nothing found")


def rehearse(work: Work) -> Mapping[str, Json]:
    """From the position on; each number is noted in ``counted``."""
    total = int(str(work.parameters["total"]))
    for number in range(int(str(work.position.get("next", 1))), total + 1):
        with (FOLDER / "counted").open("a", encoding="ascii") as counted:
            counted.write(f"{number}\n")
        work.progress(done=number, position={"next": number + 1}, event={"message": f"number {number}"}, at_once=True)
        while (FOLDER / f"stop-{number}").exists():
            if work.cancelled():
                return {"message": f"stopped at {number}"}
            time.sleep(0.05)
    return {"message": f"counted to {total}"}


def assembled(settings: Settings, parts: Parts, _checks: Sequence[Check] = ()) -> Application:
    """As in the real one, and more."""
    application = assemble(settings, parts, checks=(*CHECKS, SlowCheck()))
    application.jobs.define(JobKind("rehearsal", Permission.INDEX_REBUILD, Permission.INDEX_REBUILD, rehearse))
    return application


if __name__ == "__main__":
    serving.assemble = assembled  # type: ignore[attr-defined, assignment]
    main()
