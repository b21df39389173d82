"""Since when is this version known here, and does it repair what the published one has?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cmp_to_key

from entrepot.adapters.catalog.records import PackageFilter, Placement, StoredPackage
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.cooldown import Age
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.domain.policy.security import GateRules
from entrepot.services.intake.checks.base import Check, Subject, Surroundings

Describe = Callable[[StoredPackage, Suite, str], Subject]
"""A stored package as checks see it, before a suite and in a component."""


class AgeCheck:
    """Counts from when these bytes came here first, into whichever suite; a package's own word is not believed.

    Repairs are what the newest published version below this one has and this one has not, both as ``vulnerabilities``
    says now.  A version that cannot be compared to its end repairs nothing.
    """

    name = "age"
    slow = False
    anew = True

    def __init__(
        self,
        rules: Callable[[Suite], GateRules],
        vulnerabilities: Check,
        describe: Describe,
        formats: Mapping[Format, PackageFormat],
        now: Callable[[], datetime],
    ) -> None:
        self._rules = rules
        self._vulnerabilities = vulnerabilities
        self._describe = describe
        self._formats = formats
        self._now = now

    def wanted(self, suite: Suite) -> bool:
        """Where age leads to something."""
        return self._rules(suite).cools

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """Always clean; the message says since when."""
        key, suite, now = subject.key, subject.suite, self._now()
        wanted = PackageFilter(name=key.name, architecture=key.architecture, suite=suite.codename)
        with around.catalog.read() as reading:
            known = reading.package_with_digest(subject.digest)
            live = [one for one in reading.placements(wanted) if one.suite.id == suite.id]
        first_seen_at = now if known is None else known.received_at
        young = now - first_seen_at < timedelta(days=self._rules(suite).cooldown.days)
        fixes = self._fixes(subject, live, around) if young else ()
        message = f"known since {first_seen_at:%Y-%m-%d %H:%M} UTC"
        if fixes:
            message += f"; repairs {', '.join(one.id for one in fixes[:5])}"
        return CheckOutcome(self.name, CheckResult.CLEAN, message, age=Age(first_seen_at, fixes))

    def _fixes(self, subject: Subject, live: Sequence[Placement], around: Surroundings) -> tuple[Finding, ...]:
        compare = self._formats[subject.key.format].compare
        order = cmp_to_key(compare)
        newest = max(live, key=lambda one: order(one.package.key.version), default=None)
        if newest is None or compare(newest.package.key.version, subject.key.version) >= 0:
            return ()
        mine = self._vulnerabilities.inspect(subject, around)
        if mine.result not in (CheckResult.CLEAN, CheckResult.FINDINGS):
            return ()
        theirs = self._vulnerabilities.inspect(self._describe(newest.package, subject.suite, newest.component), around)
        left = {name for finding in mine.findings for name in (finding.id, *finding.aliases)}
        return tuple(one for one in theirs.findings if left.isdisjoint((one.id, *one.aliases)))
