"""What people decide about packages: the words, how long a decision holds, and by when one is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from entrepot.domain.model.configuration import DecisionRules
from entrepot.domain.model.finding import Severity
from entrepot.domain.model.security_policy import CvePolicy
from entrepot.domain.model.suite import Suite


class DecisionAction(StrEnum):
    """What a person wants done with a package."""

    ACCEPT_RISK = "accept_risk"
    EXCEPTION = "exception"
    """As ``ACCEPT_RISK``, with an end."""
    REJECT = "reject"
    UPGRADE_REQUIRED = "upgrade_required"
    """Stays out until a version that is new enough is published."""
    QUARANTINE = "quarantine"

    @property
    def publishes(self) -> bool:
        """Whether clients may have the package while the decision is in force."""
        return self in (DecisionAction.ACCEPT_RISK, DecisionAction.EXCEPTION)

    @property
    def status(self) -> str:
        """The state of a package that it leads to, in the words of the main API."""
        return _STATUS[self]

    @property
    def word(self) -> str:
        """The short answer: approve or reject, where it is one of these."""
        return _WORDS.get(self, self.value)


_STATUS: Mapping[DecisionAction, str] = {
    DecisionAction.ACCEPT_RISK: "accepted_risk",
    DecisionAction.EXCEPTION: "exception",
    DecisionAction.REJECT: "quarantined",
    DecisionAction.UPGRADE_REQUIRED: "upgrade_required",
    DecisionAction.QUARANTINE: "quarantined",
}
_WORDS: Mapping[DecisionAction, str] = {DecisionAction.ACCEPT_RISK: "approve", DecisionAction.REJECT: "reject"}

SPELLINGS: Mapping[str, DecisionAction] = {
    **dict.fromkeys(("approve", "approved", "accept", "accepted", "accept_risk"), DecisionAction.ACCEPT_RISK),
    **dict.fromkeys(("reject", "rejected", "deny"), DecisionAction.REJECT),
    "exception": DecisionAction.EXCEPTION,
    "upgrade_required": DecisionAction.UPGRADE_REQUIRED,
}
"""Every word that a request may use (contract 4.6.1)."""


class Ending(StrEnum):
    """Why a decision is in force no longer."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    """By another decision about the same bytes."""
    RESOLVED = "resolved"
    """What it asked for has happened."""
    REOPENED = "reopened"
    """Something was found that was not there when it was made."""


def review_days(worst: Severity | None, policy: CvePolicy) -> int | None:
    """Within how many days a package with such a finding wants a decision; none where nothing presses."""
    match worst:
        case Severity.CRITICAL:
            return policy.sla_critical_days
        case Severity.HIGH:
            return policy.sla_high_days
        case Severity.MEDIUM:
            return policy.sla_medium_days
        case _:
            return None


def review_due(held_at: datetime, worst: Severity | None, policy: CvePolicy) -> datetime | None:
    """The end of these days."""
    days = review_days(worst, policy)
    return None if days is None else held_at + timedelta(days=days)


def wants_four_eyes(rules: DecisionRules, suite: Suite) -> bool:
    """Whether whoever lets a package into this suite must be another one than those who brought it."""
    for name in (suite.full_name, suite.codename):
        if name in rules.four_eyes_distributions:
            return rules.four_eyes_distributions[name]
    return rules.four_eyes
