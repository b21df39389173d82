"""How long a version has to be known before a suite takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entrepot.domain.model.finding import SEVERITIES, Finding, Severity

COOLDOWN = "cooldown."
"""What the codes of this file begin with."""

YOUNG = "cooldown.young"
CUT_OFF = "cooldown.cutoff"
UNDATED = "cooldown.undated"


@dataclass(frozen=True, slots=True)
class CooldownRules:
    """``days`` since a version was first seen; 0 asks for none.  Nothing first seen after ``cutoff_at`` goes in.

    A version that repairs a fault of ``urgent`` severity or more, or with ``kev`` one that is exploited already, goes
    in at once, unless it came after the cut-off.
    """

    now: datetime
    days: int = 0
    urgent: Severity | None = None
    kev: bool = True
    cutoff_at: datetime | None = None

    @property
    def latest(self) -> datetime:
        """What was first seen then, or before, need not wait any more."""
        due = self.now - timedelta(days=self.days)
        return due if self.cutoff_at is None else min(due, self.cutoff_at)


@dataclass(frozen=True, slots=True)
class Age:
    """Since when a version is known; ``fixes`` are faults of the newest published version that it does not have."""

    first_seen_at: datetime | None
    fixes: Sequence[Finding] = field(default=())


def cooling(age: Age | None, rules: CooldownRules) -> tuple[str, str] | None:
    """Code and sentence of why it has to wait, if it has to; without a time it waits."""
    if age is None or age.first_seen_at is None:
        return UNDATED, "nobody knows since when this version exists; a person has to let it in"
    if rules.cutoff_at is not None and age.first_seen_at > rules.cutoff_at:
        return CUT_OFF, f"it came after the cut-off of {_when(rules.cutoff_at)}"
    until = age.first_seen_at + timedelta(days=rules.days)
    if rules.days == 0 or rules.now >= until or any(_urgent(one, rules) for one in age.fixes):
        return None
    return YOUNG, f"it cools down until {_when(until)}: new versions wait for {rules.days} days"


def _urgent(finding: Finding, rules: CooldownRules) -> bool:
    if rules.kev and finding.in_kev:
        return True
    return rules.urgent is not None and SEVERITIES.index(finding.severity) <= SEVERITIES.index(rules.urgent)


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
