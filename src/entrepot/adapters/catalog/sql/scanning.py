"""Keeping what was found: scans, their findings, and the sums by vulnerability, all in the caller's unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.findings import NEVER, Scan
from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.finding import SEVERITIES, Coverage, Finding, FixState, Severity
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.policy.gate import CheckResult

NOTHING, UNASKED = len(SEVERITIES), len(SEVERITIES) + 1
"""What stands for the worst severity of a package without findings, and of one that was not scanned to the end."""
EVERYWHERE = 0
"""The scope of all suites together."""
_STEP = 1000
_UNRATED = 101
_BATCH = 500
_SUMMARY_CHARACTERS, _MOST_WORDS = 1000, 20
# Asked of every package that comes in: a statement that is composed once costs a quarter.
_KNOWN = sa.select(t.scan.c.package_id).where(
    t.scan.c.suite_id == sa.bindparam("its_suite"),
    t.scan.c.package_id.in_(sa.bindparam("its_packages", expanding=True)),
)
_FOUND = sa.select(t.finding).where(
    t.finding.c.suite_id == sa.bindparam("its_suite"),
    t.finding.c.package_id.in_(sa.bindparam("its_packages", expanding=True)),
)
_KEEP = sa.update(t.scan).where(
    t.scan.c.suite_id == sa.bindparam("its_suite"), t.scan.c.package_id == sa.bindparam("its_package")
)
_BEGIN = sa.insert(t.scan)
_COLUMNS = {FixState.FIXED: "fixed", FixState.NOT_FIXED: "not_fixed", FixState.UNKNOWN: "unknown"}

Shelved = tuple[int, int]
_Sums = dict[tuple[int, str], dict[str, int]]


def rank_of(severity: Severity, cvss: float | None) -> int:
    """Severity, then CVSS: the lowest is the worst."""
    score = _UNRATED if cvss is None else 100 - round(min(max(cvss, 0.0), 10.0) * 10)
    return SEVERITIES.index(severity) * _STEP + score


def ranks(severity: Severity) -> tuple[int, int]:
    """The lowest and the highest of a severity."""
    first = SEVERITIES.index(severity) * _STEP
    return first, first + _STEP - 1


def rated(rank: int) -> tuple[Severity, float | None]:
    """The reverse of ``rank_of``."""
    place, score = divmod(rank, _STEP)
    return SEVERITIES[place], None if score == _UNRATED else (100 - score) / 10


class Scanning:
    """Implements ``FindingWriting``; also for the queries that put packages on shelves."""

    _connection: sa.Connection

    def keep_scans(self, scans: Sequence[tuple[Scan, Sequence[Finding]]]) -> None:
        """Rows that say the same as before are left alone; the sums are changed in one order by everybody."""
        known = self._known_scans([(scan.suite_id, scan.package_id) for scan, _ in scans])
        wanted = [one for one in scans if (one[0].suite_id, one[0].package_id) in known]
        before = self._rows_of([(scan.suite_id, scan.package_id) for scan, _ in wanted])
        sums: _Sums = defaultdict(lambda: dict.fromkeys(_COLUMNS.values(), 0))
        texts: dict[tuple[int, str], Finding] = {}
        added: list[dict[str, Any]] = []
        lessened: set[tuple[int, str]] = set()
        for scan, found in wanted:
            key = (int(scan.suite_id), int(scan.package_id))
            rows = [_row(scan, finding) for finding in found]
            if sorted(map(_same, rows)) == sorted(_same(row) for row in before.get(key, [])):
                continue
            self._drop(key, before.get(key, []))
            added += rows
            lessened |= {(scope, row["vulnerability"]) for row in before.get(key, []) for scope in (EVERYWHERE, key[0])}
            _tally(key[0], rows, before.get(key, []), sums)
            for finding in found:
                for scope in (EVERYWHERE, key[0]):
                    texts[scope, finding.id[:128]] = finding
        if wanted:
            self._connection.execute(_KEEP, [_scan_values(scan) for scan, _ in wanted])
        if added:
            self._connection.execute(sa.insert(t.finding), added)
        self._sum_up(sums, texts)
        self._rank(sorted(lessened))

    def confirm_scans(
        self, suite_id: SuiteId, package_ids: Collection[PackageId], coverage: Coverage, now: datetime
    ) -> None:
        """Never back."""
        row, numbers = t.scan.c, list(package_ids)
        values = {
            "position": coverage.position,
            "round": coverage.round,
            "database_date": coverage.database_date,
            "rematched_at": now,
        }
        for start in range(0, len(numbers), _BATCH):
            here = (row.suite_id == suite_id, row.package_id.in_(numbers[start : start + _BATCH]))
            older = (row.position <= coverage.position, row.round <= coverage.round)
            self._connection.execute(sa.update(t.scan).where(*here, *older).values(**values))

    def recall_scans(self, result: CheckResult) -> int:
        """As if they had never been compared."""
        change = sa.update(t.scan).where(t.scan.c.result == result.value, t.scan.c.round != NEVER)
        return self._connection.execute(change.values(round=NEVER)).rowcount

    def settle_news(self, suite_id: SuiteId, package_id: PackageId, ids: Collection[str]) -> None:
        """What has come meanwhile stays."""
        row = t.scan.c
        here = (row.suite_id == suite_id, row.package_id == package_id)
        found = self._connection.execute(sa.select(row.news).where(*here)).scalar_one_or_none()
        left = [each for each in found or () if each not in set(ids)]
        self._connection.execute(sa.update(t.scan).where(*here).values(news=left or None))

    def note_steps(self, admission_id: int, steps: Sequence[Mapping[str, JsonValue]]) -> None:
        """The decision stays as it was."""
        change = sa.update(t.admission).where(t.admission.c.id == admission_id)
        self._connection.execute(change.values(steps=list(steps)))

    def _known_scans(self, keys: Sequence[tuple[SuiteId, PackageId]]) -> set[tuple[SuiteId, PackageId]]:
        found = set()
        for suite_id in {suite for suite, _ in keys}:
            numbers = [package for suite, package in keys if suite == suite_id]
            here = {"its_suite": suite_id, "its_packages": numbers}
            found |= {(suite_id, PackageId(number)) for number in self._connection.execute(_KNOWN, here).scalars()}
        return found

    def _rows_of(self, keys: Sequence[tuple[SuiteId, PackageId]]) -> dict[Shelved, list[dict[str, Any]]]:
        found: dict[Shelved, list[dict[str, Any]]] = defaultdict(list)
        for suite_id in {suite for suite, _ in keys}:
            numbers = [package for suite, package in keys if suite == suite_id]
            here = {"its_suite": suite_id, "its_packages": numbers}
            for row in self._connection.execute(_FOUND, here).mappings():
                found[int(row["suite_id"]), int(row["package_id"])].append(dict(row))
        return found

    def _drop(self, key: Shelved, before: list[dict[str, Any]]) -> None:
        if before:
            row = t.finding.c
            here = (row.suite_id == key[0], row.package_id == key[1])
            self._connection.execute(sa.delete(t.finding).where(*here))

    def _sum_up(self, sums: _Sums, texts: Mapping[tuple[int, str], Finding]) -> None:
        """The findings are there already: what they say of the worst is read from them."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        row = t.vulnerability.c
        here = (row.scope == sa.bindparam("its_scope"), row.id == sa.bindparam("its_id"))
        added, changed = [], []
        for scope, name in sorted(sums):
            change = sums[scope, name]
            if (scope, name) in texts:
                added.append({"scope": scope, "id": name, **change, **_text(texts[scope, name])})
            else:
                changed.append({"its_scope": scope, "its_id": name, **{f"by_{key}": by for key, by in change.items()}})
        if added:
            query = insert(t.vulnerability)
            new = query.excluded
            counted = {column: row[column] + new[column] for column in _COLUMNS.values()}
            least = sa.func.least if self._connection.dialect.name == "postgresql" else sa.func.min
            kept: dict[str, Any] = {
                name: new[name] for name in ("cvss_vector", "summary", "urls", "aliases", "published_at")
            }
            kept["rank"] = least(row.rank, new.rank)
            self._connection.execute(
                query.on_conflict_do_update(index_elements=["scope", "id"], set_={**counted, **kept}), added
            )
        if changed:
            less = {column: row[column] + sa.bindparam(f"by_{column}") for column in _COLUMNS.values()}
            self._connection.execute(sa.update(t.vulnerability).where(*here).values(less), changed)
            empty = sa.delete(t.vulnerability).where(*here, row.fixed + row.not_fixed + row.unknown <= 0)
            self._connection.execute(empty, [{name: one[name] for name in ("its_scope", "its_id")} for one in changed])

    def _rank(self, lessened: Sequence[tuple[int, str]]) -> None:
        """The worst may have gone: two looks at an index for each."""
        row, found = t.vulnerability.c, t.finding.c
        least = sa.select(sa.func.min(found.rank)).where(found.vulnerability == sa.bindparam("its_id"))
        inside = least.where(found.suite_id == sa.bindparam("its_scope")).scalar_subquery()
        within = sa.update(t.vulnerability).where(
            row.scope == sa.bindparam("its_scope"), row.id == sa.bindparam("its_id")
        )
        keys = [{"its_scope": scope, "its_id": name} for scope, name in lessened]
        here = [key for key in keys if key["its_scope"] != EVERYWHERE]
        if here:
            self._connection.execute(within.values(rank=sa.func.coalesce(inside, row.rank)), here)
        parts = t.vulnerability.alias("parts")
        of_all = (
            sa.select(sa.func.min(parts.c.rank))
            .where(parts.c.id == sa.bindparam("its_id"), parts.c.scope != EVERYWHERE)
            .scalar_subquery()
        )
        everywhere = [key for key in keys if key["its_scope"] == EVERYWHERE]
        if everywhere:
            self._connection.execute(within.values(rank=sa.func.coalesce(of_all, row.rank)), everywhere)

    def _begin_scan(self, suite_id: SuiteId, package_id: PackageId, name: str, now: datetime) -> None:
        """A package that has just come to a shelf: nobody was asked about it yet."""
        row: dict[str, Any] = {
            "suite_id": suite_id,
            "package_id": package_id,
            "name": name,
            "context": "",
            "engine": "",
            "result": CheckResult.SKIPPED.value,
            "message": "not asked yet",
            "database": "",
            "database_date": None,
            "position": 0,
            "round": NEVER,
            "scanned_at": now,
            "rematched_at": None,
            "coverage": {},
            **dict.fromkeys((severity.value for severity in SEVERITIES), 0),
            "worst": UNASKED,
            "kev_count": 0,
            "high_epss_count": 0,
            "news": None,
        }
        self._connection.execute(_BEGIN, row)

    def _forget_scan(self, suite_id: SuiteId, package_id: PackageId) -> None:
        """With its findings."""
        key = (int(suite_id), int(package_id))
        before = self._rows_of([(suite_id, package_id)]).get(key, [])
        sums: _Sums = defaultdict(lambda: dict.fromkeys(_COLUMNS.values(), 0))
        self._drop(key, before)
        _tally(key[0], [], before, sums)
        self._sum_up(sums, {})
        self._rank(sorted(sums))
        row = t.scan.c
        self._connection.execute(sa.delete(t.scan).where(row.suite_id == suite_id, row.package_id == package_id))


def _scan_values(scan: Scan) -> dict[str, Any]:
    date = scan.coverage.database_date
    coverage = {**asdict(scan.coverage), "database_date": date.isoformat() if date else None}
    worst = UNASKED if not scan.scanned else NOTHING
    if scan.worst is not None:
        worst = SEVERITIES.index(scan.worst)
    values: dict[str, Any] = {severity.value: scan.counts.get(severity, 0) for severity in SEVERITIES}
    values |= {
        "its_suite": scan.suite_id,
        "its_package": scan.package_id,
        "context": scan.context[:128],
        "engine": scan.engine[:64],
        "result": scan.result.value,
        "message": scan.message[:_SUMMARY_CHARACTERS],
        "database": scan.database[:256],
        "database_date": scan.database_date,
        "position": scan.position,
        "round": scan.round,
        "scanned_at": scan.scanned_at,
        "rematched_at": scan.rematched_at,
        "coverage": {**coverage, "skipped": list(scan.coverage.skipped)},
        "worst": worst,
        "kev_count": scan.kev_count,
        "high_epss_count": scan.high_epss_count,
        "news": list(scan.news) or None,
    }
    return values


def _tally(suite_id: int, rows: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], sums: _Sums) -> None:
    for each, by in (*((row, 1) for row in rows), *((row, -1) for row in before)):
        for scope in (EVERYWHERE, suite_id):
            sums[scope, each["vulnerability"]][_COLUMNS[FixState(each["fix_state"])]] += by


def coverage_of(stored: Mapping[str, Any]) -> Coverage:
    """As ``keep_scans`` wrote it."""
    known = {name: value for name, value in stored.items() if name in Coverage.__dataclass_fields__}
    date = known.pop("database_date", None)
    skipped = tuple(known.pop("skipped", ()))
    return Coverage(skipped=skipped, database_date=datetime.fromisoformat(date) if date else None, **known)


def _row(scan: Scan, finding: Finding) -> dict[str, Any]:
    return {
        "suite_id": scan.suite_id,
        "package_id": scan.package_id,
        "vulnerability": finding.id[:128],
        "rank": rank_of(finding.severity, finding.cvss),
        "package": finding.package[:256],
        "version": finding.version[:256],
        "component": finding.component[:512],
        "fix_state": finding.fix_state.value,
        "fix_versions": list(finding.fix_versions[:_MOST_WORDS]),
        "engine": finding.engine[:64],
    }


def _same(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("vulnerability", "rank", "package", "version", "component", "fix_state", "engine")
    return (*(row[name] for name in names), tuple(row["fix_versions"]))


def _text(finding: Finding) -> dict[str, Any]:
    return {
        "rank": rank_of(finding.severity, finding.cvss),
        "cvss_vector": finding.cvss_vector[:256],
        "summary": finding.summary[:_SUMMARY_CHARACTERS],
        "urls": list(finding.urls[:_MOST_WORDS]),
        "aliases": list(finding.aliases[:_MOST_WORDS]),
        "published_at": finding.published_at,
    }
