"""The ways from suite to suite, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from entrepot.domain.model.suite import PackageId, Suite
from entrepot.services.intake.migrations import Migrations
from entrepot.services.intake.promotions import Promotions
from entrepot.services.intake.resuming import Resuming


@dataclass(frozen=True, slots=True)
class Transfers:
    """What entry points have of them; ``against`` is for whoever else brings packages from suite to suite."""

    promotions: Promotions
    migrations: Migrations
    resuming: Resuming
    against: Callable[[Mapping[PackageId, str], Suite], Mapping[PackageId, str]]
