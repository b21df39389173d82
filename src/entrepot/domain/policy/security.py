"""The rules of the gate for one suite at one moment, made from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.domain.model.finding import Finding, Severity
from entrepot.domain.model.security_policy import ANY, SecurityPolicy
from entrepot.domain.policy.action import Action, hardest
from entrepot.domain.policy.cooldown import CooldownRules
from entrepot.domain.policy.licences import LicenceRules

SIGNATURE = "signature"
"""The check that ``gpg_required`` asks for."""

_SCANNERS = frozenset({"antivirus", "cve"})


@dataclass(frozen=True, slots=True)
class ByCheck:
    """An action for each check, and one for all others."""

    named: Mapping[str, Action]
    others: Action

    def of(self, check: str) -> Action:
        """For one check."""
        return self.named.get(check, self.others)


@dataclass(frozen=True, slots=True)
class GateRules:
    """What leads to what.

    ``stale_before`` says how old the knowledge of a check may be.  Thresholds of ``None`` are not asked.
    """

    severities: Mapping[Severity, Action]
    kev: Action
    epss_block: float | None
    epss_review: float | None
    inconclusive: ByCheck
    error: ByCheck
    skipped: ByCheck
    concerns: ByCheck
    licences: LicenceRules
    cooldown: CooldownRules
    stale_before: Mapping[str, datetime]

    @property
    def cools(self) -> bool:
        """Whether the age of a version matters."""
        return self.cooldown.days > 0 or self.cooldown.cutoff_at is not None

    def expected(self) -> frozenset[str]:
        """Checks whose silence means something."""
        named = {name for name, action in self.skipped.named.items() if action is not Action.ALLOW}
        others = _SCANNERS - set(self.skipped.named) if self.skipped.others is not Action.ALLOW else frozenset()
        return frozenset(named | others)

    def of_finding(self, finding: Finding) -> tuple[Action, str]:
        """What it leads to, and the code of the rule that says so."""
        found = [(self.severities[finding.severity], f"cve.{finding.severity.value}")]
        if finding.in_kev:
            found.append((self.kev, "cve.kev"))
        if finding.epss is not None:
            if self.epss_block is not None and finding.epss >= self.epss_block:
                found.append((Action.BLOCK, "cve.epss"))
            elif self.epss_review is not None and finding.epss >= self.epss_review:
                found.append((Action.REVIEW, "cve.epss"))
        return max(found, key=lambda one: one[0].hardness)


def rules_of(policy: SecurityPolicy, now: datetime) -> GateRules:
    """The policy as it applies at a moment."""
    skipped = _by_check(policy.skipped)
    if policy.gpg_required:
        named = {**skipped.named, SIGNATURE: hardest((Action.REVIEW, skipped.of(SIGNATURE)))}
        skipped = ByCheck(named, skipped.others)
    return GateRules(
        severities={severity: Action(getattr(policy, severity.value)) for severity in Severity},
        kev=Action(policy.kev_action),
        epss_block=policy.epss.block_threshold if policy.epss.enabled else None,
        epss_review=policy.epss.review_threshold if policy.epss.enabled else None,
        inconclusive=_by_check(policy.inconclusive),
        error=_by_check(policy.error),
        skipped=skipped,
        concerns=_by_check(policy.concerns),
        licences=_licences(policy),
        cooldown=_cooldown(policy, now),
        stale_before={check: now - timedelta(days=days) for check, days in policy.stale_days.items() if days},
    )


def _by_check(table: Mapping[str, str]) -> ByCheck:
    return ByCheck({name: Action(word) for name, word in table.items() if name != ANY}, Action(table[ANY]))


def _licences(policy: SecurityPolicy) -> LicenceRules:
    given = policy.licences
    return LicenceRules(
        allowed=tuple(name.casefold() for name in given.allow),
        denied=tuple(name.casefold() for name in given.deny),
        on_denied=Action(given.denied),
        on_unlisted=Action(given.unlisted),
        on_unknown=Action(given.unknown),
    )


def _cooldown(policy: SecurityPolicy, now: datetime) -> CooldownRules:
    given = policy.cooldown
    urgent = None if given.exempt_severity == "none" else Severity(given.exempt_severity)
    return CooldownRules(now, given.days, urgent, given.exempt_kev, given.cutoff_at)
