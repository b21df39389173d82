"""What does another engine know of the package, and of what is bundled in it?  Asked after the upload was stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import unquote

from entrepot import __version__
from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.findings import exploited
from entrepot.adapters.grype.base import Answer, Engine, EngineFailed, EngineMissing, Knowledge
from entrepot.domain.advisories.contexts import context_of
from entrepot.domain.advisories.engines import GRYPE
from entrepot.domain.advisories.grype import SYSTEMS, NoDocument, OtherDocument, Report, read_report
from entrepot.domain.advisories.systems import system_of
from entrepot.domain.model.component import Component
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.finding import SEVERITIES, Coverage, Finding
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.domain.sbom.scanning import scanned_document
from entrepot.services.intake.checks.base import Check, Subject, Surroundings
from entrepot.services.intake.checks.comparison import counted
from entrepot.services.intake.checks.cve import sought_of

_STALE_DAYS = 7
_NAMED = 20

Answered = tuple[CheckResult, str]


class GrypeCheck:
    """Clean is said only of a readable and whole answer, made with recent data, about the distribution of the suite.

    It is given a list of the one package with its distribution and what is bundled in it: of a package without a
    distribution it would say that nothing is known, whatever is.  An absent program was not asked: skipped.
    """

    name = GRYPE
    anew = False

    def __init__(self, engine: Engine, configuration: Callable[[], Configuration], now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._configuration = configuration
        self._now = now

    @property
    def slow(self) -> bool:
        """While it is switched on."""
        return self._configuration().validation.grype_scan

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """Ask; a fault of the program is an answer, too."""
        configuration = self._configuration()
        validation = configuration.validation
        if not validation.grype_scan:
            return CheckOutcome(self.name, CheckResult.SKIPPED, "switched off by validation.grype_scan")
        outcome = self._asked(subject, around, oldest_of(configuration, subject.suite))
        bad = outcome.result in (CheckResult.ERROR, CheckResult.INCONCLUSIVE)
        return replace(outcome, waived=validation.fail_open) if bad else outcome

    def _asked(self, subject: Subject, around: Surroundings, oldest: timedelta) -> CheckOutcome:
        context = context_of(subject.suite)
        system = system_of(context)
        if system is None or system[0] not in SYSTEMS:
            named = f"{context or 'the distribution of ' + subject.suite.codename} is not one that grype has data of"
            return CheckOutcome(self.name, CheckResult.INCONCLUSIVE, named, coverage=Coverage(context=context))
        with around.catalog.read() as reading:
            source, version = sought_of(reading, subject)
            components, notes = _bundled(reading, subject)
        document = scanned_document(subject.key, system, source, version, components, __version__)
        try:
            knowledge = self._engine.knowledge()
            if knowledge.fault:
                message = f"the data of grype cannot be used: {knowledge.fault}; have them updated"
                return CheckOutcome(self.name, CheckResult.INCONCLUSIVE, message, coverage=Coverage(context=context))
            answer = self._engine.compare(json.dumps(document).encode())
        except EngineMissing as error:
            return CheckOutcome(self.name, CheckResult.SKIPPED, str(error), coverage=Coverage(context=context))
        except EngineFailed as error:
            return CheckOutcome(self.name, CheckResult.ERROR, str(error), coverage=Coverage(context=context))
        coverage = _coverage(knowledge, context, components, notes)
        outcome = self._read(answer, coverage, system, oldest, around)
        return replace(outcome, findings=tuple(_placed(outcome.findings, components)))

    def _read(
        self, answer: Answer, coverage: Coverage, system: tuple[str, str], oldest: timedelta, around: Surroundings
    ) -> CheckOutcome:
        try:
            report = read_report(answer.content)
        except (NoDocument, OtherDocument) as error:
            result = CheckResult.INCONCLUSIVE if isinstance(error, OtherDocument) else CheckResult.ERROR
            if answer.fault:
                return CheckOutcome(self.name, CheckResult.ERROR, answer.fault, coverage=coverage)
            return CheckOutcome(self.name, result, f"what grype printed cannot be read: {error}", coverage=coverage)
        coverage = replace(coverage, engine=f"{GRYPE} {report.version}".strip())
        with around.catalog.read() as reading:
            found = _used(reading, report.findings)
        result, message = self._concluded(answer, report, coverage, system, oldest)
        if found:
            message = f"{message}; found{'' if result is CheckResult.CLEAN else ' so far'}: {counted(found)}"
            result = CheckResult.FINDINGS if result is CheckResult.CLEAN else result
        elif result is CheckResult.CLEAN:
            message = f"nothing known; {message}"
        detail = ", ".join(finding.id for finding in found[:_NAMED])
        if len(found) > _NAMED:
            detail += f" and {len(found) - _NAMED} more"
        return CheckOutcome(self.name, result, message, detail, findings=tuple(found), coverage=coverage)

    def _concluded(
        self, answer: Answer, report: Report, coverage: Coverage, system: tuple[str, str], oldest: timedelta
    ) -> Answered:
        """Whether this answer can be relied upon, apart from what it found."""
        date = coverage.database_date
        if answer.fault:
            return CheckResult.ERROR, answer.fault
        if report.system != system and _major(report.system) != _major(system):
            said = " ".join(report.system).strip() or "no distribution"
            return CheckResult.INCONCLUSIVE, f"grype compared with {said}, not with {' '.join(system)}"
        if report.doubts:
            return CheckResult.INCONCLUSIVE, f"grype has doubts: {report.doubts[0]}"
        if date is None or date < self._now() - oldest:
            age = "of unknown age" if date is None else f"of {date:%Y-%m-%d}"
            return CheckResult.INCONCLUSIVE, f"the data of grype are {age}; have them updated"
        return CheckResult.CLEAN, f"compared by {coverage.engine} with data of {date:%Y-%m-%d} for {coverage.context}"


def grype_checks(
    engine: Engine | None, configuration: Callable[[], Configuration], now: Callable[[], datetime]
) -> list[Check]:
    """None where no second engine is set up."""
    return [] if engine is None else [GrypeCheck(engine, configuration, now)]


def oldest_of(configuration: Configuration, suite: Suite) -> timedelta:
    """How old its data may be: a week, or what is set."""
    return timedelta(days=configuration.policy(suite).stale_days.get(GRYPE) or _STALE_DAYS)


def _bundled(reading: Reading, subject: Subject) -> tuple[Sequence[Component], Sequence[str]]:
    package = reading.package_with_digest(subject.digest)
    found = None if package is None else reading.compositions([package.id]).get(package.id)
    if found is None:
        return subject.components, () if subject.components else ("nobody has looked for bundled components yet",)
    return found.components, found.notes


def _coverage(knowledge: Knowledge, context: str, components: Sequence[Component], notes: Sequence[str]) -> Coverage:
    return Coverage(
        members_scanned=1 + len(components),
        members_total=1 + len(components),
        skipped=tuple(notes[:_NAMED]),
        skipped_count=len(notes),
        engine=GRYPE,
        database=f"{GRYPE} data {knowledge.schema}".strip(),
        database_date=knowledge.built_at,
        context=context,
    )


def _placed(found: Sequence[Finding], components: Sequence[Component]) -> list[Finding]:
    """With the purls of components as they are written here, whatever signs the engine escapes."""
    known = {_bare(one.purl): one.purl for one in components}
    return [replace(one, component=known.get(_bare(one.component), one.component)) for one in found]


def _bare(url: str) -> str:
    return unquote(url.partition("?")[0]).casefold()


def _used(reading: Reading, found: Sequence[Finding]) -> list[Finding]:
    """With what is known of their use: here, and where nothing is known here, by the engine."""
    known = reading.exploitation({finding.id for finding in found})
    told = [
        replace(said := exploited(finding, known.get(finding.id)), in_kev=said.in_kev or finding.in_kev)
        for finding in found
    ]
    return sorted(told, key=lambda one: (SEVERITIES.index(one.severity), -(one.cvss or 0.0), one.id))


def _major(system: tuple[str, str]) -> tuple[str, str]:
    """As far as engines take part of a version: Red Hat's 9.4 for 9, but not Ubuntu's 22.04 for 22.10."""
    name, version = system
    name = {"redhat": "rhel", "rockylinux": "rocky"}.get(name, name)
    return name, version if name == "ubuntu" else version.partition(".")[0]
