"""Suites that are removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.promotions import PromotionState
from entrepot.adapters.catalog.records import AdmissionState
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.packages import PackageQueries
from entrepot.domain.model.erratum import RolloutState
from entrepot.domain.model.suite import PackageId, SuiteId

_OPEN = (AdmissionState.RECEIVED.value, AdmissionState.HELD.value)


class RemovalQueries(PackageQueries):
    """Implements ``RemovalReading`` and ``RemovalWriting``."""

    def uses(self, suite_id: SuiteId, most: int) -> list[str]:
        """Of each kind a few."""
        found: list[str] = []
        for what, query in _uses(suite_id):
            found.extend(f"{what} {row[0]}" for row in self._connection.execute(query.limit(most)))
        waiting = sa.select(sa.func.count()).where(t.admission.c.suite_id == suite_id, t.admission.c.state.in_(_OPEN))
        count = int(self._connection.execute(waiting).scalar_one())
        if count:
            found.append("1 package that waits for it" if count == 1 else f"{count} packages that wait for it")
        return found

    def remove_suite(self, suite_id: SuiteId, now: datetime) -> None:
        """The name is free for another one: what stands there instead is outside the grammar of names."""
        row = t.suite.c
        name = self._connection.execute(sa.select(row.codename).where(row.id == suite_id)).scalar_one()
        self._connection.execute(
            sa.update(t.suite)
            .where(row.id == suite_id)
            .values(
                codename=f"{name} (removed {suite_id})",
                former_codename=name,
                revision=row.revision + 1,
                published_revision=row.revision + 1,
                late_revision=row.revision + 1,
                generation_id=None,
            )
        )
        in_force = sa.and_(t.generation.c.suite_id == suite_id, t.generation.c.superseded_at.is_(None))
        self._connection.execute(sa.update(t.generation).where(in_force).values(superseded_at=now))
        runs = sa.and_(t.rollout.c.suite_id == suite_id, t.rollout.c.state.in_(_ROLLING))
        stopped = {"state": RolloutState.STOPPED.value, "changed_at": now, "next_at": None}
        self._connection.execute(sa.update(t.rollout).where(runs).values(stopped))

    def empty_removed(self, most: int) -> int:
        """By suite."""
        content, row = t.content.c, t.suite.c
        query = (
            sa.select(content.suite_id, content.package_id, row.revision)
            .join(t.suite, row.id == content.suite_id)
            .where(row.former_codename.is_not(None), content.removed_revision.is_(None), content.added_revision > 0)
            .limit(most)
        )
        found = self._connection.execute(query).all()
        for one in found:
            self.withdraw(SuiteId(one.suite_id), PackageId(one.package_id), one.revision)
        return len(found)


_ROLLING = (RolloutState.RUNNING.value, RolloutState.PAUSED.value)


def _uses(suite_id: SuiteId) -> Iterator[tuple[str, sa.Select[tuple[str]]]]:
    moved, target = t.environment_move.c, t.bundle_target.c
    yield (
        "environment",
        sa.select(t.environment.c.name)
        .join(t.environment_move, moved.environment_id == t.environment.c.id)
        .where(moved.suite_id == suite_id, moved.current, moved.snapshot_id.is_not(None))
        .order_by(t.environment.c.name),
    )
    yield (
        "snapshot",
        sa.select(t.snapshot.c.name).where(t.snapshot.c.suite_id == suite_id).order_by(t.snapshot.c.id.desc()),
    )
    yield "mirror", sa.select(t.mirror.c.name).where(t.mirror.c.suite_id == suite_id)
    yield (
        "bundle",
        sa.select(t.bundle.c.name)
        .join(t.bundle_target, target.bundle_id == t.bundle.c.id)
        .where(target.suite_id == suite_id, target.holding),
    )
    there = sa.or_(t.promotion.c.source_id == suite_id, t.promotion.c.target_id == suite_id)
    yield (
        "promotion of",
        sa.select(t.promotion.c.name).where(there, t.promotion.c.state == PromotionState.PENDING.value),
    )
