"""Are the names that the package depends on in its suite?  Informs, never holds: most come from elsewhere."""

from __future__ import annotations

import re

from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.services.intake.checks.base import Subject, Surroundings

_NAME = re.compile(r"[^\s(:<\[]+")
_MOST = 200


def missing_names(subject: Subject, around: Surroundings) -> list[str]:
    """First alternative of every dependency of which no alternative is a package of the suite."""
    entries = [
        [found[0] for part in entry.split("|") if (found := _NAME.search(part))] for entry in subject.depends[:_MOST]
    ]
    asked = sorted({name for names in entries for name in names})
    if not asked:
        return []
    with around.catalog.read() as reading:
        present = reading.names_present(subject.suite.id, asked)
    return [names[0] for names in entries if names and not present.intersection(names)]


class DependencyCheck:
    """Lists dependencies that the suite itself does not satisfy."""

    name = "dependencies"
    slow = False

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """Always clean; the detail names what is missing."""
        missing = missing_names(subject, around)
        if not missing:
            return CheckOutcome(self.name, CheckResult.CLEAN, "satisfied")
        return CheckOutcome(self.name, CheckResult.CLEAN, "missing", detail=" ".join(missing))
