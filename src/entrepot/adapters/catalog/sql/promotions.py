"""Promotions, and the batches of packages that they move."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.promotions import PromotionState, StoredPromotion
from entrepot.adapters.catalog.records import Admission, JsonValue, PackageFilter, Placement
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.packages import PackageQueries
from entrepot.adapters.catalog.sql.rows import Row, admission_of
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.policy.cooldown import COOLDOWN
from entrepot.errors import NotFound

_CHUNK = 500


class PromotionQueries(PackageQueries):
    """Implements ``PromotionReading`` and ``PromotionWriting``."""

    def promotion_page(
        self, state: PromotionState | None, offset: int, limit: int
    ) -> tuple[list[StoredPromotion], int]:
        """A page and the number of all."""
        fits = sa.true() if state is None else t.promotion.c.state == state.value
        total = self._connection.execute(sa.select(sa.func.count()).select_from(t.promotion).where(fits)).scalar_one()
        query = sa.select(t.promotion).where(fits).order_by(t.promotion.c.id.desc()).offset(offset).limit(limit)
        return [_promotion_of(row) for row in self._connection.execute(query)], int(total)

    def promotion(self, promotion_id: int) -> StoredPromotion:
        """One by id."""
        row = self._connection.execute(sa.select(t.promotion).where(t.promotion.c.id == promotion_id)).first()
        if row is None:
            raise NotFound("there is no such promotion")
        return _promotion_of(row)

    def open_promotions(self, target_id: SuiteId, name: str) -> list[StoredPromotion]:
        """Pending ones, oldest first."""
        query = sa.select(t.promotion).where(
            t.promotion.c.name == name,
            t.promotion.c.target_id == target_id,
            t.promotion.c.state == PromotionState.PENDING.value,
        )
        return [_promotion_of(row) for row in self._connection.execute(query.order_by(t.promotion.c.id))]

    def shelved_in(self, suite_id: SuiteId, names: Collection[str] | None = None) -> list[tuple[PackageId, str]]:
        """From an index alone."""
        row = t.shelf.c
        query = sa.select(row.package_id, row.name).where(row.suite_id == suite_id, sa.not_(row.waits))
        query = query.order_by(row.name, row.package_id)
        if names is None:
            return [(PackageId(one.package_id), str(one.name)) for one in self._connection.execute(query)]
        wanted = sorted(names)
        return [
            (PackageId(one.package_id), str(one.name))
            for start in range(0, len(wanted), _CHUNK)
            for one in self._connection.execute(query.where(row.name.in_(wanted[start : start + _CHUNK])))
        ]

    def live_among(self, suite_id: SuiteId, package_ids: Collection[PackageId]) -> set[PackageId]:
        """By the shelf."""
        row = t.shelf.c
        query = sa.select(row.package_id).where(
            row.suite_id == suite_id, row.package_id.in_(list(package_ids)), sa.not_(row.waits)
        )
        return {PackageId(found) for found in self._connection.execute(query).scalars()}

    def placements_of(self, suite_id: SuiteId, package_ids: Collection[PackageId]) -> list[Placement]:
        """Wide rows of a batch."""
        query = self._placements(PackageFilter()).where(
            t.content.c.suite_id == suite_id, t.content.c.package_id.in_(list(package_ids))
        )
        return self._placed(query)

    def admissions_of(self, package_ids: Collection[PackageId]) -> list[Admission]:
        """By id."""
        query = sa.select(t.admission).where(t.admission.c.package_id.in_(list(package_ids))).order_by(t.admission.c.id)
        return [admission_of(row) for row in self._connection.execute(query)]

    def add_promotion(self, promotion: StoredPromotion) -> int:
        """A new row."""
        query = (
            sa.insert(t.promotion)
            .values(
                source_id=promotion.source_id,
                target_id=promotion.target_id,
                name=promotion.name,
                version=promotion.version,
                packages=list(promotion.packages),
                state=promotion.state.value,
                verdict=dict(promotion.verdict),
                justification=promotion.justification,
                requested_by=promotion.requested_by,
                requested_at=promotion.requested_at,
                decided_by=promotion.decided_by,
                decided_at=promotion.decided_at,
                decision=promotion.decision,
            )
            .returning(t.promotion.c.id)
        )
        return int(self._connection.execute(query).scalar_one())

    def cooling_promotions(self, after: int, limit: int) -> list[StoredPromotion]:
        """By the codes in their verdicts."""
        query = (
            sa.select(t.promotion)
            .where(
                t.promotion.c.id > after,
                t.promotion.c.state == PromotionState.PENDING.value,
                sa.cast(t.promotion.c.verdict, sa.Text).contains(f'"{COOLDOWN}', autoescape=True),
            )
            .order_by(t.promotion.c.id)
            .limit(limit)
        )
        return [_promotion_of(row) for row in self._connection.execute(query)]

    def restate_promotion(self, promotion_id: int, verdict: Mapping[str, JsonValue]) -> None:
        """While it is pending."""
        query = sa.update(t.promotion).where(
            t.promotion.c.id == promotion_id, t.promotion.c.state == PromotionState.PENDING.value
        )
        self._connection.execute(query.values(verdict=dict(verdict)))

    def decide_promotion(
        self, promotion_id: int, state: PromotionState, decided_by: str, now: datetime, decision: str
    ) -> bool:
        """Compare and set on the state."""
        query = (
            sa.update(t.promotion)
            .where(t.promotion.c.id == promotion_id, t.promotion.c.state == PromotionState.PENDING.value)
            .values(state=state.value, decided_by=decided_by, decided_at=now, decision=decision)
        )
        return self._connection.execute(query).rowcount == 1


def _promotion_of(row: Row) -> StoredPromotion:
    return StoredPromotion(
        id=row.id,
        source_id=SuiteId(row.source_id),
        target_id=SuiteId(row.target_id),
        name=row.name,
        version=row.version,
        packages=tuple(PackageId(one) for one in row.packages),
        state=PromotionState(row.state),
        verdict=row.verdict,
        justification=row.justification,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision=row.decision,
    )
