"""Security updates that announce themselves: a new version without the faults that the one before it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cmp_to_key
from typing import cast

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.contents import Shown
from entrepot.adapters.catalog.findings import NEVER
from entrepot.adapters.catalog.records import PackageFilter
from entrepot.adapters.queue.base import Queue
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.erratum import Erratum, ErratumKind, Fixed
from entrepot.domain.model.finding import SEVERITIES, Finding
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.services.errata.notices import CVE, LINK, MOST_LINKS, next_code, note

_BATCH, _NAMED, _LOOKED_AT = 100, 50, 50
_PATIENCE = timedelta(hours=1)
_END = 2**62


@dataclass(frozen=True, slots=True)
class _News:
    """A package that came to a suite, and what it repairs there."""

    suite: Suite
    shown: Shown
    repairs: Sequence[Finding]


class Bulletins:
    """Follows what comes into suites, whichever way, and says of each thing once what it repairs.

    Looked at is what was put into a suite since this began, in the order of the suite's revisions; how far that went is
    written down in the unit that issues.  Only what both versions were compared with counts.
    """

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._formats = formats
        self._configuration = configuration
        self._now = now

    def tell(self) -> None:
        """Some of what is new in each suite; called by the keeper, on any number of nodes."""
        if self._configuration().security_errata != "on":
            return
        with self._catalog.read() as reading:
            suites = reading.suites()
        for suite in suites:
            self._follow(suite)

    def _follow(self, suite: Suite) -> None:
        with self._catalog.read() as reading:
            told = _position(reading, suite.id)
        if told is None:  # what was there before anybody wanted this is no news
            self._pass(suite, (suite.revision, _END), None)
            return
        if told >= (suite.revision, _END):
            return
        with self._catalog.read() as reading:
            page = reading.shown(suite.id, suite.revision, told, _BATCH)
        for one in page:
            with self._catalog.read() as reading:
                repairs = self._repairs(reading, suite, one)
            if repairs is None:
                return
            place = (one.revision, one.number)
            self._pass(suite, place, _News(suite, one, repairs) if repairs else None)
        if len(page) < _BATCH:
            self._pass(suite, (suite.revision, _END), None)

    def _repairs(self, reading: Reading, suite: Suite, one: Shown) -> Sequence[Finding] | None:
        """What the newest version below has and this one has not; none while nobody has looked at this one."""
        key = one.package.key
        compare = self._formats[key.format].compare
        wanted = PackageFilter(name=key.name, architecture=key.architecture, suite=suite.codename, format=key.format)
        live = [each.package for each in reading.placements(wanted) if each.suite.id == suite.id]
        order = cmp_to_key(compare)
        below = [each for each in live if compare(each.key.version, key.version) < 0]
        if not below or one.package.id not in {each.id for each in live}:
            return ()
        before = max(below, key=lambda each: order(each.key.version))
        theirs = reading.findings(suite.id, [before.id]).get(before.id, ())
        mine = reading.scan(suite.id, one.package.id)
        if not theirs:
            return ()
        if mine is None or not mine.scanned:
            waits = mine is not None and mine.round == NEVER and self._now() - one.added_at < _PATIENCE
            return None if waits else ()
        found = reading.findings(suite.id, [one.package.id]).get(one.package.id, ())
        left = {name for finding in found for name in (finding.id, *finding.aliases)}
        return [each for each in theirs if left.isdisjoint((each.id, *each.aliases))]

    def _pass(self, suite: Suite, place: tuple[int, int], news: _News | None) -> None:
        """Issue, and note that this was looked at; whoever comes second does neither."""
        with self._catalog.write() as unit:
            if news is not None:
                unit.touch_suite(suite.id)
            told = _position(unit, suite.id)
            if told is not None and told >= place:
                return
            if news is not None:
                _issue(unit, news, self._now())
            unit.set_fact(_name(suite.id), list(place))
        if news is not None:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite.id))


def _name(suite_id: SuiteId) -> str:
    return f"errata/told/{suite_id}"


def _position(reading: Reading, suite_id: SuiteId) -> tuple[int, int] | None:
    found = cast("list[int] | None", reading.fact(_name(suite_id)))
    return None if found is None else (found[0], found[1])


def _issue(unit: Writing, news: _News, now: datetime) -> None:
    """With the packages of the same source and version in one; nothing where a person has said it already."""
    suite, package = news.suite, news.shown.package
    fixed = Fixed(package.id, package.key, package.source, package.filename, package.digest)
    kin = None
    for one in unit.errata(suite.id)[: -_LOOKED_AT - 1 : -1]:
        if any(each.package_id == package.id for each in one.packages):
            return
        same = any((each.source, each.key.version) == (package.source, package.key.version) for each in one.packages)
        if same and one.issued_by == SYSTEM.name and one.kind is ErratumKind.SECURITY:
            kin = one
    if kin is not None:
        wider = _words(kin, news.repairs)
        unit.change_erratum(replace(wider, packages=(*kin.packages, fixed), updated_at=now))
        note(unit, SYSTEM, "ERRATUM_AMEND", replace(wider, packages=(*kin.packages, fixed)), suite, now)
        return
    empty = Erratum(
        id=0,
        suite_id=suite.id,
        code=next_code(unit, suite, now.year),
        kind=ErratumKind.SECURITY,
        severity=SEVERITIES[-1],
        title=f"{package.source or package.key.name}: security update to {package.key.version}"[:500],
        description="",
        cves=(),
        links=(),
        packages=(fixed,),
        issued_at=now,
        updated_at=now,
        issued_by=SYSTEM.name,
    )
    made = _words(empty, news.repairs)
    unit.add_erratum(made)
    note(unit, SYSTEM, "ERRATUM_ISSUE", made, suite, now)


def _words(erratum: Erratum, repairs: Sequence[Finding]) -> Erratum:
    """With these repairs, too; as severe as the worst of all."""
    names = [name for one in repairs for name in (one.id, *one.aliases) if CVE.fullmatch(name)]
    links = [link for one in repairs for link in one.urls[:2] if LINK.fullmatch(link)]
    lines = [f"{one.id} ({one.severity.value}): {one.summary or 'no summary'}"[:400] for one in repairs[:_NAMED]]
    told = erratum.description.split("\n") if erratum.description else []
    return replace(
        erratum,
        severity=min((erratum.severity, *(one.severity for one in repairs)), key=SEVERITIES.index),
        description="\n".join(dict.fromkeys([*told, *lines]))[:20_000],
        cves=tuple(dict.fromkeys((*erratum.cves, *names)))[:MOST_LINKS],
        links=tuple(dict.fromkeys((*erratum.links, *links)))[:MOST_LINKS],
    )
