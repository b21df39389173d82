"""Packages that ask for a suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.records import Admission, AdmissionState, JsonValue, PackageFilter
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.conditions import conditions_of
from entrepot.adapters.catalog.sql.holding import Holding
from entrepot.adapters.catalog.sql.rows import admission_of
from entrepot.adapters.catalog.sql.shelving import Shelving
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import SuiteId
from entrepot.domain.policy.cooldown import COOLDOWN
from entrepot.errors import NotFound

WAITING = (AdmissionState.RECEIVED, AdmissionState.HELD)
_ADD = sa.insert(t.admission).returning(t.admission.c.id)


class AdmissionQueries(Shelving, Holding):
    """Implements the port's methods about admissions."""

    def admissions(self, conditions: PackageFilter, state: AdmissionState | None = None) -> list[Admission]:
        """Of packages that meet the conditions, oldest first."""
        query = (
            sa.select(t.admission)
            .join(t.package, t.package.c.id == t.admission.c.package_id)
            .join(t.suite, t.suite.c.id == t.admission.c.suite_id)
            .where(*conditions_of(conditions, t.suite.c.codename))
            .order_by(t.admission.c.id)
        )
        if state is not None:
            query = query.where(t.admission.c.state == state.value)
        return [admission_of(row) for row in self._connection.execute(query)]

    def admission(self, admission_id: int) -> Admission:
        """One by id."""
        row = self._connection.execute(sa.select(t.admission).where(t.admission.c.id == admission_id)).first()
        if row is None:
            raise NotFound("no such admission")
        return admission_of(row)

    def undecided(self) -> list[int]:
        """Not inspected yet."""
        query = sa.select(t.admission.c.id).where(t.admission.c.state == AdmissionState.RECEIVED.value)
        return [int(row.id) for row in self._connection.execute(query)]

    def cooling_admissions(self, suite_id: SuiteId, received_until: datetime, limit: int) -> list[int]:
        """By the codes in the JSON text of their steps: quotes in what a package says are written otherwise there."""
        query = (
            sa.select(t.admission.c.id)
            .join(t.package, t.package.c.id == t.admission.c.package_id)
            .where(
                t.admission.c.state == AdmissionState.HELD.value,
                t.admission.c.suite_id == suite_id,
                t.package.c.received_at <= received_until,
                sa.cast(t.admission.c.steps, sa.Text).contains(f'"code": "{COOLDOWN}', autoescape=True),
            )
            .order_by(t.admission.c.id)
            .limit(limit)
        )
        return [int(row.id) for row in self._connection.execute(query)]

    def held_admissions(self, suite_id: SuiteId, after: int, limit: int) -> list[Admission]:
        """In order of their ids."""
        query = (
            sa.select(t.admission)
            .where(
                t.admission.c.id > after,
                t.admission.c.state == AdmissionState.HELD.value,
                t.admission.c.suite_id == suite_id,
            )
            .order_by(t.admission.c.id)
            .limit(limit)
        )
        return [admission_of(row) for row in self._connection.execute(query)]

    def add_admission(self, admission: Admission) -> int:
        """A new admission; its ``id`` is ignored."""
        row = {
            "suite_id": admission.suite_id,
            "package_id": admission.package_id,
            "component": admission.component,
            "state": admission.state.value,
            "steps": list(admission.steps),
            "reasons": list(admission.reasons),
            "requested_by": admission.requested_by,
            "requested_at": admission.requested_at,
            "decided_by": admission.decided_by,
            "decided_at": admission.decided_at,
            "justification": admission.justification,
            "revision": admission.revision,
        }
        number = int(self._connection.execute(_ADD, row).scalar_one())
        if admission.state in WAITING:
            self._shelve(admission.suite_id, admission.package_id, admission.requested_at, waits=True)
        if admission.state is AdmissionState.HELD:
            self._hold(number, admission.suite_id, admission.package_id, admission.requested_at)
        return number

    def decide_admission(
        self,
        admission_id: int,
        state: AdmissionState,
        steps: Sequence[Mapping[str, JsonValue]],
        reasons: Sequence[str],
        actor: Actor,
        now: datetime,
        justification: str,
        revision: int | None,
    ) -> bool:
        """Compare and set on the state."""
        query = (
            sa.update(t.admission)
            .where(t.admission.c.id == admission_id, t.admission.c.state.in_([s.value for s in WAITING]))
            .values(
                state=state.value,
                steps=list(steps),
                reasons=list(reasons),
                decided_by=actor.name,
                decided_at=now,
                justification=justification,
                revision=revision,
            )
            .returning(t.admission.c.suite_id, t.admission.c.package_id)
        )
        row = self._connection.execute(query).first()
        if row is not None and state not in WAITING:
            self._unshelve(row.suite_id, row.package_id, waits=True)
            self._unhold(admission_id)
        elif row is not None and not self._is_held(admission_id):
            self._hold(admission_id, row.suite_id, row.package_id, now)
        return row is not None
