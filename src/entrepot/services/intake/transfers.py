"""The ways from suite to suite, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.services.intake.migrations import Migrations
from entrepot.services.intake.promotions import Promotions
from entrepot.services.intake.resuming import Resuming


@dataclass(frozen=True, slots=True)
class Transfers:
    """What entry points have of them."""

    promotions: Promotions
    migrations: Migrations
    resuming: Resuming
