"""Promotions that waited for nothing but time happen by themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.promotions import PromotionState, StoredPromotion
from entrepot.adapters.catalog.records import Placement
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.policy.cooldown import COOLDOWN
from entrepot.domain.policy.gate import Verdict
from entrepot.domain.policy.promotion import PromotionVerdict
from entrepot.errors import AlreadyDecided
from entrepot.services.intake.admit import repeat_lost_races
from entrepot.services.intake.movements import Revisions
from entrepot.services.intake.pairs import Pair
from entrepot.services.intake.promotions import Promotions, note
from entrepot.services.intake.standings import Standings

_WHY = "it need not wait any more"


class Resuming:
    """Asks the policy again, in the name of whoever asked first."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        standings: Standings,
        promotions: Promotions,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._now = now
        self._standings = standings
        self._promotions = promotions

    def resume(self, number: int) -> None:
        """Let a promotion happen that need not wait any more; one that waits for more stays, for what it waits for.

        Called by a worker, as often as it takes.  A person who decides at the same time is the first or the second.
        """
        with self._catalog.read() as reading:
            stored = reading.promotion(number)
            if stored.state is not PromotionState.PENDING:
                return
            pair = Pair(reading.suite(stored.source_id), reading.suite(stored.target_id))
            chosen = reading.placements_of(pair.source.id, stored.packages)
        if len(chosen) < len(stored.packages):
            return
        verdict = self._standings.verdict(chosen, pair.target)
        if verdict.verdict is Verdict.ACCEPT:
            with contextlib.suppress(AlreadyDecided):
                revisions = repeat_lost_races(lambda: self._carry_out(stored, pair, chosen, verdict))
                for suite_id in revisions:
                    self._queue.submit(Goal(GoalKind.PUBLISH, suite_id))
        elif not any(code.startswith(COOLDOWN) for code in verdict.codes):
            with self._catalog.write() as unit:
                unit.restate_promotion(number, verdict.summary())

    def _carry_out(
        self, stored: StoredPromotion, pair: Pair, chosen: Sequence[Placement], verdict: PromotionVerdict
    ) -> Revisions:
        """No person approves: had the promotion been asked for now, nobody would be asked."""
        now, requester = self._now(), Actor(stored.requested_by, SYSTEM.roles)
        with self._catalog.write() as unit:
            if not unit.decide_promotion(stored.id, PromotionState.APPROVED, SYSTEM.name, now, _WHY):
                raise AlreadyDecided(f"somebody has decided about promotion {stored.id} already")
            _, revisions = self._promotions.place_all(unit, requester, pair, chosen, verdict, now)
            note(unit, SYSTEM, "PROMOTE_APPROVE", "SUCCESS", stored, pair, _WHY, now)
        return revisions
