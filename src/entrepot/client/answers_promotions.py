"""Shapes of answers about packages on their way from distribution to distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired

from typing_extensions import TypedDict

from entrepot.client.answers_overview import Page


class Moved(TypedDict):
    """A package file that moved."""

    name: str
    version: str
    arch: str


class PolicyVerdict(TypedDict):
    """What the policy said, and why: approved, pending_review or blocked."""

    verdict: str
    reasons: list[str]
    allowed: NotRequired[bool]
    findings: NotRequired[list[dict[str, object]]]


class Promotion(TypedDict):
    """A promotion that happened, that was not needed (``already_present``) or that waits (``pending_review``)."""

    status: str
    message: str
    package: str
    version: str
    arch: str
    from_dist: str
    to_dist: str
    policy_verdict: PolicyVerdict
    promoted: list[Moved]
    already_present: list[Moved]
    pending_promotion_id: NotRequired[int]
    promotion_id: NotRequired[int]


class HeldPromotion(TypedDict):
    """A promotion that was held or blocked, as it stands now."""

    id: int
    package: str
    version: str
    packages: list[Moved]
    from_dist: str
    to_dist: str
    status: str
    policy_verdict: PolicyVerdict
    justification: str
    requested_by: str
    requested_at: str | None
    decided_by: str | None
    decided_at: str | None
    decision_justification: str | None


class HeldPromotionPage(Page):
    """A page of them."""

    items: list[HeldPromotion]


class HeldPromotions(TypedDict):
    """``GET /artifacts/admin/pending-promotions``."""

    total: int
    status: str
    items: HeldPromotionPage


class PromotionTargets(TypedDict):
    """``GET /artifacts/{name}/promote/targets``."""

    package: str
    from_dist: str
    targets: list[str]
    policy_verdict: PolicyVerdict


class Unmoved(TypedDict):
    """What a migration left where it was, and why."""

    name: str
    error: str
    message: str
    version: NotRequired[str]
    arch: NotRequired[str]
    pending_promotion_id: NotRequired[int]


class Migrated(TypedDict):
    """``POST /distributions/migrate``; ``status`` is ok or partial."""

    status: str
    message: str
    from_dist: str
    to_dist: str
    migrated: int
    already_present: int
    packages: list[str]
    errors: list[Unmoved]
    pending: list[Unmoved]


class NextRun(TypedDict):
    """``GET /settings/next-sync``."""

    next_run: str | None
    status: str


class IndexesRenewed(TypedDict):
    """``POST /artifacts/admin/sync-index``."""

    status: str
    distributions: NotRequired[Mapping[str, object]]
