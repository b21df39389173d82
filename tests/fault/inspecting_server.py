"""The server with one more check: slow, and finished only when a file named ``open`` is beside its data."""

from __future__ import annotations

import functools
import time
from pathlib import Path

from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.main import CHECKS, assemble
from entrepot.program import main, serving
from entrepot.services.intake.checks.base import Subject, Surroundings
from entrepot.settings import load_settings


class GateCheck:
    """Notes every beginning in ``begun`` and waits for ``open``."""

    name = "gate"
    slow = True
    anew = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        with (self._folder / "begun").open("a", encoding="ascii") as begun:
            begun.write(f"{subject.digest}\n")
        while not (self._folder / "open").exists():
            time.sleep(0.05)
        return CheckOutcome(self.name, CheckResult.CLEAN, "the gate is open")


if __name__ == "__main__":
    check = GateCheck(load_settings().data.parent)
    serving.assemble = functools.partial(assemble, checks=(*CHECKS, check))  # type: ignore[attr-defined]
    main()
