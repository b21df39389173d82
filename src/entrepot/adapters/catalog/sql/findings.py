"""Reading what was found: pages, sums, and what has to be compared again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from entrepot.adapters.catalog.findings import (
    Affected,
    Posture,
    PostureCounts,
    PostureFilter,
    Scan,
    Stale,
    Vulnerability,
    VulnerabilityFilter,
    exploited,
)
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.exploitation import ExploitationQueries
from entrepot.adapters.catalog.sql.rows import Row, package_of
from entrepot.adapters.catalog.sql.scanning import EVERYWHERE, Scanning, coverage_of, ranks, rated
from entrepot.domain.model.finding import SEVERITIES, Finding, FixState, Severity
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.policy.gate import CheckResult

_STEP = 1000
_SCANNED = (CheckResult.CLEAN.value, CheckResult.FINDINGS.value)
_SCAN = t.scan.c
_TEXT = (
    t.vulnerability.c.cvss_vector,
    t.vulnerability.c.summary,
    t.vulnerability.c.urls,
    t.vulnerability.c.aliases,
    t.vulnerability.c.published_at,
)
_WITH_TEXT = t.finding.join(
    t.vulnerability,
    sa.and_(t.vulnerability.c.scope == t.finding.c.suite_id, t.vulnerability.c.id == t.finding.c.vulnerability),
    isouter=True,
)


class FindingQueries(Scanning, ExploitationQueries):
    """Implements ``FindingReading``."""

    def scan(self, suite_id: SuiteId, package_id: PackageId) -> Scan | None:
        """One."""
        query = sa.select(t.scan).where(_SCAN.suite_id == suite_id, _SCAN.package_id == package_id)
        row = self._connection.execute(query).first()
        return None if row is None else _scan_of(row)

    def scans(self, package_ids: Collection[PackageId]) -> list[Scan]:
        """In order of suites."""
        query = sa.select(t.scan).where(_SCAN.package_id.in_(list(package_ids)))
        return [_scan_of(row) for row in self._connection.execute(query.order_by(_SCAN.suite_id))]

    def findings(self, suite_id: SuiteId, package_ids: Collection[PackageId]) -> Mapping[PackageId, list[Finding]]:
        """With their text."""
        row = t.finding.c
        query = (
            sa.select(t.finding, *_TEXT)
            .select_from(_WITH_TEXT)
            .where(row.suite_id == suite_id, row.package_id.in_(list(package_ids)))
            .order_by(row.package_id, row.rank, row.vulnerability)
        )
        rows = list(self._connection.execute(query))
        found: dict[PackageId, list[Finding]] = defaultdict(list)
        for stored, finding in zip(rows, self._exploited([_finding_of(row) for row in rows]), strict=True):
            found[PackageId(stored.package_id)].append(finding)
        return found

    def vulnerability_page(
        self, conditions: VulnerabilityFilter, offset: int, limit: int, affected: int
    ) -> tuple[list[Vulnerability], int]:
        """From the sums; then the first packages of each."""
        row = t.vulnerability.c
        wanted: list[sa.ColumnElement[bool]] = [row.scope == (conditions.suite_id or EVERYWHERE)]
        if conditions.severity is not None:
            wanted.append(row.rank.between(*ranks(conditions.severity)))
        if conditions.fix_state is not None:
            wanted.append(_count(conditions.fix_state) > 0)
        total = int(self._connection.execute(sa.select(sa.func.count()).where(*wanted)).scalar_one())
        page = sa.select(t.vulnerability).where(*wanted).order_by(row.rank, row.id).offset(offset).limit(limit)
        rows = list(self._connection.execute(page))
        known = self._exploited([_vulnerability_of(one) for one in rows])
        found = []
        for one, finding in zip(rows, known, strict=True):
            packages = self._affected(finding, conditions, affected)
            best = _best([each.finding for each in packages])
            words = replace(finding, fix_state=best[0], fix_versions=best[1])
            counts = {FixState.FIXED: one.fixed, FixState.NOT_FIXED: one.not_fixed, FixState.UNKNOWN: one.unknown}
            number = sum(counts.values()) if conditions.fix_state is None else counts[conditions.fix_state]
            found.append(Vulnerability(words, packages, int(number)))
        return found, total

    def _affected(self, finding: Finding, conditions: VulnerabilityFilter, most: int) -> list[Affected]:
        row, package = t.finding.c, t.package.c
        wanted = [row.vulnerability == finding.id]
        if conditions.suite_id is not None:
            wanted.append(row.suite_id == conditions.suite_id)
        if conditions.fix_state is not None:
            wanted.append(row.fix_state == conditions.fix_state.value)
        query = (
            sa.select(
                t.finding, package.name, package.version.label("package_version"), package.architecture.label("tree")
            )
            .select_from(t.finding.join(t.package, package.id == row.package_id))
            .where(*wanted)
            .order_by(row.suite_id, row.rank, row.package_id)
            .limit(most)
        )
        found = []
        for one in self._connection.execute(query):
            severity, cvss = rated(one.rank)
            own = replace(
                finding,
                severity=severity,
                cvss=cvss,
                package=one.package,
                version=one.version,
                component=one.component,
                fix_state=FixState(one.fix_state),
                fix_versions=tuple(one.fix_versions),
                engine=one.engine,
            )
            ids = (PackageId(one.package_id), SuiteId(one.suite_id))
            found.append(Affected(*ids, one.name, one.package_version, one.tree, own))
        return found

    def vulnerability_counts(self, suite_id: SuiteId | None) -> Mapping[Severity, int]:
        """By a range of the index for each severity."""
        row = t.vulnerability.c
        query = sa.select(sa.func.count()).where(row.scope == (suite_id or EVERYWHERE))
        return {
            severity: int(self._connection.execute(query.where(row.rank.between(*ranks(severity)))).scalar_one())
            for severity in SEVERITIES
        }

    def posture_page(self, conditions: PostureFilter, offset: int, limit: int) -> tuple[list[Posture], int]:
        """The worst first; the rows are chosen before anything wide is read."""
        wanted = _conditions(conditions)
        narrow: sa.FromClause = t.scan
        if conditions.waits is not None or conditions.text:
            here = sa.and_(t.shelf.c.suite_id == _SCAN.suite_id, t.shelf.c.package_id == _SCAN.package_id)
            narrow = t.scan.join(t.shelf, here)
        if conditions.waits is not None:
            wanted.append(t.shelf.c.waits if conditions.waits else sa.not_(t.shelf.c.waits))
        if conditions.text:
            position = sa.func.strpos if self._connection.dialect.name == "postgresql" else sa.func.instr
            wanted.append(position(t.shelf.c.text, conditions.text.casefold()) > 0)
        count = sa.select(sa.func.count()).select_from(narrow).where(*wanted)
        total = int(self._connection.execute(count).scalar_one())
        page = (
            sa.select(_SCAN.suite_id, _SCAN.package_id)
            .select_from(narrow)
            .where(*wanted)
            .order_by(_SCAN.worst, _SCAN.name, _SCAN.package_id, _SCAN.suite_id)
            .offset(offset)
            .limit(limit)
        )
        chosen = [(int(row.suite_id), int(row.package_id)) for row in self._connection.execute(page)]
        found = {
            (int(one.suite_id), int(one.package.id)): one
            for one in self.postures_of([PackageId(number) for _, number in chosen])
        }
        return [found[key] for key in chosen if key in found], total

    def postures_of(self, package_ids: Collection[PackageId]) -> Iterator[Posture]:
        """On every shelf."""
        shelf = t.shelf.c
        query = (
            sa.select(
                t.package,
                shelf.suite_id.label("shelf_suite"),
                shelf.waits,
                shelf.added_at,
                *(column.label(f"scan_{column.name}") for column in _SCAN),
            )
            .select_from(
                t.shelf.join(t.package, t.package.c.id == shelf.package_id).join(
                    t.scan,
                    sa.and_(_SCAN.suite_id == shelf.suite_id, _SCAN.package_id == shelf.package_id),
                    isouter=True,
                )
            )
            .where(shelf.package_id.in_(list(package_ids)))
            .order_by(shelf.package_id, shelf.suite_id)
        )
        for row in self._connection.execute(query):
            known = None if row.scan_round is None else _scan_of(row, "scan_")
            yield Posture(package_of(row), SuiteId(row.shelf_suite), bool(row.waits), row.added_at, known)

    def open_rescans(self) -> list[int]:
        """By number."""
        row = t.run.c
        query = sa.select(row.id).where(row.job == "rescan", row.ended_at.is_(None)).order_by(row.id)
        return [int(number) for number in self._connection.execute(query).scalars()]

    def posture_counts(self, suites: Collection[SuiteId] | None) -> PostureCounts:
        """From one index."""
        sums = [sa.func.sum(_SCAN[severity.value]) for severity in SEVERITIES]
        query = sa.select(_SCAN.result, sa.func.count(), *sums).group_by(_SCAN.result)
        if suites is not None:
            query = query.where(_SCAN.suite_id.in_(list(suites)))
        total = scanned = 0
        counts = dict.fromkeys(SEVERITIES, 0)
        for result, number, *found in self._connection.execute(query):
            total += int(number)
            scanned += int(number) if result in _SCANNED else 0
            for severity, count in zip(SEVERITIES, found, strict=True):
                counts[severity] += int(count or 0)
        return PostureCounts(total, scanned, counts)

    def stale_scans(self, position: int, round_: int, limit: int) -> list[Stale]:
        """As the indexes give them: sorting them at each turn would take longer than they do."""
        query = (
            sa.select(_SCAN.suite_id, _SCAN.package_id, _SCAN.position, _SCAN.round)
            .where(_stale(position, round_))
            .limit(limit)
        )
        return [
            Stale(SuiteId(row.suite_id), PackageId(row.package_id), row.position, row.round)
            for row in self._connection.execute(query)
        ]

    def stale_count(self, position: int, round_: int) -> int:
        """Counted in the indexes."""
        return int(self._connection.execute(sa.select(sa.func.count()).where(_stale(position, round_))).scalar_one())

    def index_texts(self, package_ids: Collection[PackageId], kind: str) -> Mapping[PackageId, bytes]:
        """Of the packages that have some."""
        row = t.fragment.c
        query = sa.select(row.package_id, row.body).where(row.package_id.in_(list(package_ids)), row.kind == kind)
        return {PackageId(one.package_id): bytes(one.body) for one in self._connection.execute(query)}

    def news(self, limit: int) -> list[Scan]:
        """In order of suites and packages."""
        query = sa.select(t.scan).where(_SCAN.news.is_not(None)).order_by(_SCAN.suite_id, _SCAN.package_id)
        return [_scan_of(row) for row in self._connection.execute(query.limit(limit))]

    def _exploited(self, findings: Sequence[Finding]) -> list[Finding]:
        known = self.exploitation({finding.id for finding in findings})
        return [exploited(finding, known.get(finding.id)) for finding in findings]


def _stale(position: int, round_: int) -> sa.ColumnElement[bool]:
    return sa.or_(_SCAN.round < round_, _SCAN.position < position)


def _count(state: FixState) -> sa.Column[int]:
    row = t.vulnerability.c
    return {FixState.FIXED: row.fixed, FixState.NOT_FIXED: row.not_fixed, FixState.UNKNOWN: row.unknown}[state]


def _conditions(wanted: PostureFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.suites is not None:
        suites = list(wanted.suites)
        found.append(_SCAN.suite_id == suites[0] if len(suites) == 1 else _SCAN.suite_id.in_(suites))
    if wanted.worst is not None:
        found.append(_SCAN.worst <= SEVERITIES.index(wanted.worst))
    return found


def _best(findings: Sequence[Finding]) -> tuple[FixState, tuple[str, ...]]:
    """What a list says of fixes: there is one if any package has one."""
    for state in (FixState.FIXED, FixState.NOT_FIXED):
        fitting = [finding for finding in findings if finding.fix_state is state]
        if fitting:
            return state, tuple(dict.fromkeys(one for finding in fitting for one in finding.fix_versions))[:20]
    return FixState.UNKNOWN, ()


def _vulnerability_of(row: Row) -> Finding:
    severity, cvss = rated(row.rank)
    return Finding(
        id=row.id,
        severity=severity,
        package="",
        version="",
        aliases=tuple(row.aliases),
        cvss=cvss,
        cvss_vector=row.cvss_vector,
        summary=row.summary,
        urls=tuple(row.urls),
        published_at=row.published_at,
    )


def _finding_of(row: Row) -> Finding:
    severity, cvss = rated(row.rank)
    return Finding(
        id=row.vulnerability,
        severity=severity,
        package=row.package,
        version=row.version,
        fix_state=FixState(row.fix_state),
        fix_versions=tuple(row.fix_versions),
        aliases=tuple(row.aliases or ()),
        cvss=cvss,
        cvss_vector=row.cvss_vector or "",
        summary=row.summary or "",
        urls=tuple(row.urls or ()),
        published_at=row.published_at,
        component=row.component,
        engine=row.engine,
    )


def _scan_of(row: Row, prefix: str = "") -> Scan:
    stored: Mapping[str, Any] = {
        name.removeprefix(prefix): value for name, value in row._asdict().items() if name.startswith(prefix)
    }
    return Scan(
        suite_id=SuiteId(stored["suite_id"]),
        package_id=PackageId(stored["package_id"]),
        result=CheckResult(stored["result"]),
        message=stored["message"],
        context=stored["context"],
        engine=stored["engine"],
        database=stored["database"],
        database_date=stored["database_date"],
        position=stored["position"],
        round=stored["round"],
        scanned_at=stored["scanned_at"],
        rematched_at=stored["rematched_at"],
        coverage=replace(
            coverage_of(stored["coverage"]),
            database_date=stored["database_date"],
            position=stored["position"],
            round=stored["round"],
        ),
        counts={severity: stored[severity.value] for severity in SEVERITIES},
        kev_count=stored["kev_count"],
        high_epss_count=stored["high_epss_count"],
        news=tuple(stored["news"] or ()),
    )
