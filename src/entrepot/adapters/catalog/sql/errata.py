"""Errata and rollouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.erratum import Erratum, ErratumKind, Fixed, Rollout, RolloutState, Step
from entrepot.domain.model.finding import Severity
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.errors import AlreadyExists, NotFound

_OPEN = (RolloutState.RUNNING.value, RolloutState.PAUSED.value)
_PHASES = (
    sa.select(t.rollout_package.c.package_id, t.rollout.c.steps, t.rollout.c.at_step)
    .join(t.rollout, t.rollout.c.id == t.rollout_package.c.rollout_id)
    .where(t.rollout.c.suite_id == sa.bindparam("its_suite"), t.rollout.c.state.in_(_OPEN))
)
_ERRATA = sa.select(t.erratum).where(t.erratum.c.suite_id == sa.bindparam("its_suite")).order_by(t.erratum.c.id)


class ErrataQueries:
    """Implements ``ErrataReading`` and ``ErrataWriting``."""

    _connection: sa.Connection

    def errata(self, suite_id: SuiteId) -> list[Erratum]:
        """Oldest first."""
        rows = self._connection.execute(_ERRATA, {"its_suite": suite_id}).all()
        live = self._erratum_packages(suite_id) if rows else {}
        return [_erratum_of(row, live.get(row.id, ())) for row in rows]

    def erratum(self, suite_id: SuiteId, code: str) -> Erratum:
        """By its code."""
        query = sa.select(t.erratum).where(t.erratum.c.suite_id == suite_id, t.erratum.c.code == code)
        row = self._connection.execute(query).first()
        if row is None:
            raise NotFound(f"there is no erratum {code[:64]!r}")
        return _erratum_of(row, self._erratum_packages(suite_id, row.id).get(row.id, ()))

    def _erratum_packages(self, suite_id: SuiteId, erratum_id: int | None = None) -> Mapping[int, Sequence[Fixed]]:
        links = t.erratum_package
        query = self._live(suite_id, links.c.erratum_id, links)
        if erratum_id is not None:
            query = query.where(links.c.erratum_id == erratum_id)
        return self._grouped(query)

    def _live(self, suite_id: SuiteId, owner: sa.Column[int], links: sa.Table) -> sa.Select[Any]:
        columns = (
            t.package.c.id,
            t.package.c.format,
            t.package.c.name,
            t.package.c.version,
            t.package.c.architecture,
            t.package.c.source,
            t.package.c.filename,
            t.package.c.digest,
        )
        return (
            sa.select(owner.label("owner"), *columns)
            .join(t.package, t.package.c.id == links.c.package_id)
            .join(t.content, t.content.c.package_id == links.c.package_id)
            .where(t.content.c.suite_id == suite_id, t.content.c.removed_revision.is_(None))
            .order_by(t.content.c.sort_key)
        )

    def _grouped(self, query: sa.Select[Any]) -> Mapping[int, Sequence[Fixed]]:
        found: dict[int, list[Fixed]] = {}
        for row in self._connection.execute(query):
            key = PackageKey(Format(row.format), row.name, row.version, row.architecture)
            one = Fixed(PackageId(row.id), key, row.source, row.filename, row.digest)
            found.setdefault(row.owner, []).append(one)
        return found

    def carried_errata(self, suite_id: SuiteId) -> Mapping[str, tuple[int, str, str]]:
        """By code."""
        row = t.erratum.c
        query = sa.select(row.id, row.code, row.origin, row.extra).where(row.suite_id == suite_id)
        return {
            each.code: (each.id, each.origin, str(each.extra.get("digest", "")))
            for each in self._connection.execute(query)
        }

    def add_erratum(self, erratum: Erratum) -> int:
        """With its packages."""
        row = {**_erratum_row(erratum), "suite_id": erratum.suite_id, "code": erratum.code}
        row |= {"issued_at": erratum.issued_at, "issued_by": erratum.issued_by}
        try:
            query = sa.insert(t.erratum).values(row).returning(t.erratum.c.id)
            number = int(self._connection.execute(query).scalar_one())
        except IntegrityError as error:
            raise AlreadyExists(f"there is an erratum {erratum.code} already; choose another code") from error
        self._link(t.erratum_package, "erratum_id", number, erratum.packages)
        return number

    def change_erratum(self, erratum: Erratum) -> None:
        """With its packages."""
        values = _erratum_row(erratum)
        self._connection.execute(sa.update(t.erratum).where(t.erratum.c.id == erratum.id).values(values))
        self._connection.execute(sa.delete(t.erratum_package).where(t.erratum_package.c.erratum_id == erratum.id))
        self._link(t.erratum_package, "erratum_id", erratum.id, erratum.packages)

    def remove_erratum(self, erratum_id: int) -> None:
        """With the links to its packages."""
        self._connection.execute(sa.delete(t.erratum_package).where(t.erratum_package.c.erratum_id == erratum_id))
        self._connection.execute(sa.delete(t.erratum).where(t.erratum.c.id == erratum_id))

    def _link(self, table: sa.Table, owner: str, number: int, packages: Sequence[Fixed]) -> None:
        rows = [{owner: number, "package_id": one.package_id} for one in packages]
        if rows:
            self._connection.execute(sa.insert(table), rows)

    def rollouts(self, suite_id: SuiteId) -> list[Rollout]:
        """Newest first."""
        query = sa.select(t.rollout).where(t.rollout.c.suite_id == suite_id).order_by(t.rollout.c.id.desc())
        rows = self._connection.execute(query).all()
        links = t.rollout_package
        live = self._grouped(self._live(suite_id, links.c.rollout_id, links)) if rows else {}
        return [_rollout_of(row, live.get(row.id, ())) for row in rows]

    def rollout(self, rollout_id: int) -> Rollout:
        """By its number."""
        row = self._connection.execute(sa.select(t.rollout).where(t.rollout.c.id == rollout_id)).first()
        if row is None:
            raise NotFound(f"there is no rollout {rollout_id}")
        links = t.rollout_package
        query = self._live(row.suite_id, links.c.rollout_id, links).where(links.c.rollout_id == rollout_id)
        return _rollout_of(row, self._grouped(query).get(rollout_id, ()))

    def due_rollouts(self, now: datetime) -> list[int]:
        """By the time of the next step."""
        runs = t.rollout.c.state == RolloutState.RUNNING.value
        query = sa.select(t.rollout.c.id).where(runs, t.rollout.c.next_at.is_not(None), t.rollout.c.next_at <= now)
        return [int(row.id) for row in self._connection.execute(query)]

    def phases(self, suite_id: SuiteId) -> Mapping[PackageId, int]:
        """Of rollouts that have not ended."""
        rows = self._connection.execute(_PHASES, {"its_suite": suite_id})
        found = {PackageId(row.package_id): int(row.steps[row.at_step][0]) for row in rows}
        return {number: percentage for number, percentage in found.items() if percentage < 100}

    def add_rollout(
        self, suite_id: SuiteId, steps: Sequence[Step], packages: Sequence[Fixed], by: str, now: datetime, revision: int
    ) -> int:
        """At the first step."""
        row = {
            "suite_id": suite_id,
            "steps": [[step.percentage, step.hours] for step in steps],
            "at_step": 0,
            "state": RolloutState.RUNNING.value,
            "revision": revision,
            "begun_by": by,
            "begun_at": now,
            "changed_at": now,
            "next_at": now + timedelta(hours=steps[0].hours),
        }
        query = sa.insert(t.rollout).values(row).returning(t.rollout.c.id)
        number = int(self._connection.execute(query).scalar_one())
        self._link(t.rollout_package, "rollout_id", number, packages)
        return number

    def move_rollout(
        self,
        rollout_id: int,
        at_step: int,
        state: RolloutState,
        revision: int,
        now: datetime,
        next_at: datetime | None,
    ) -> None:
        """The suite is held by the caller, so that nobody else moves it meanwhile."""
        values = {
            "at_step": at_step,
            "state": state.value,
            "revision": revision,
            "changed_at": now,
            "next_at": next_at,
        }
        self._connection.execute(sa.update(t.rollout).where(t.rollout.c.id == rollout_id).values(values))


def _erratum_row(erratum: Erratum) -> dict[str, Any]:
    return {
        "kind": erratum.kind.value,
        "severity": erratum.severity.value,
        "title": erratum.title,
        "description": erratum.description,
        "cves": list(erratum.cves),
        "links": list(erratum.links),
        "updated_at": erratum.updated_at,
        "origin": erratum.origin,
        "extra": dict(erratum.extra),
    }


def _erratum_of(row: sa.Row[Any], packages: Sequence[Fixed]) -> Erratum:
    return Erratum(
        id=row.id,
        suite_id=SuiteId(row.suite_id),
        code=row.code,
        kind=ErratumKind(row.kind),
        severity=Severity(row.severity),
        title=row.title,
        description=row.description,
        cves=tuple(row.cves),
        links=tuple(row.links),
        packages=tuple(packages),
        issued_at=row.issued_at,
        updated_at=row.updated_at,
        issued_by=row.issued_by,
        origin=row.origin,
        extra=row.extra,
    )


def _rollout_of(row: sa.Row[Any], packages: Sequence[Fixed]) -> Rollout:
    return Rollout(
        id=row.id,
        suite_id=SuiteId(row.suite_id),
        steps=tuple(Step(percentage, hours) for percentage, hours in row.steps),
        at_step=row.at_step,
        state=RolloutState(row.state),
        packages=tuple(packages),
        begun_by=row.begun_by,
        begun_at=row.begun_at,
        changed_at=row.changed_at,
        next_at=row.next_at,
    )
