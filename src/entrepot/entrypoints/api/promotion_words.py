"""Promotions in the main API's words (contract 4.3, 4.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrepot.adapters.catalog.promotions import PromotionState
from entrepot.domain.model.package import PackageKey
from entrepot.domain.policy.gate import Verdict
from entrepot.domain.policy.promotion import PromotionVerdict, Standing
from entrepot.entrypoints.api.words import Body, when
from entrepot.services.intake.migrations import Migration, Unmoved
from entrepot.services.intake.pairs import Pair
from entrepot.services.intake.promotions import PendingPromotion, Promotion, PromotionStatus

VERDICTS = {Verdict.ACCEPT: "approved", Verdict.HOLD: "pending_review", Verdict.REFUSE: "blocked"}


def ends(pair: Pair) -> Body:
    """Source and target in every spelling of the documents (contract D-16)."""
    names = {"from": pair.source.codename, "to": pair.target.codename}
    return {f"{word}{end}": name for end in ("", "_dist", "_distribution") for word, name in names.items()}


def policy_verdict(verdict: PromotionVerdict, *, forced: bool = False) -> Body:
    """What the policy said, why, and whom it asked."""
    return {
        "verdict": VERDICTS[verdict.verdict],
        "allowed": verdict.verdict is Verdict.ACCEPT or forced,
        "forced": forced,
        "reasons": [reason.message for reason in verdict.reasons],
        "findings": [
            {
                "package": reason.key.name,
                "version": reason.key.version,
                "arch": reason.key.architecture,
                "verdict": VERDICTS[reason.verdict],
                "code": reason.code,
                "message": reason.message,
                "check": reason.check or None,
            }
            for reason in verdict.reasons
        ],
        "warnings": list(verdict.warnings),
        "checks": [_check(standing) for standing in verdict.standings],
    }


def _check(standing: Standing) -> Body:
    return {
        "package": standing.key.name,
        "version": standing.key.version,
        "arch": standing.key.architecture,
        "steps": [
            {"name": outcome.name, "result": outcome.result.value, "message": outcome.message}
            for outcome in standing.outcomes
        ],
    }


def rows(keys: Sequence[PackageKey]) -> list[Body]:
    """Packages that moved."""
    return [{"name": key.name, "version": key.version, "arch": key.architecture} for key in keys]


def promotion_body(promotion: Promotion, name: str, *, done_word: str) -> Body:
    """A promotion that happened, that was not needed, or that waits."""
    keys = [*promotion.promoted, *promotion.present, *(one.key for one in promotion.verdict.standings)]
    first, target = keys[0], promotion.pair.target.codename
    status, message = {
        PromotionStatus.DONE: (done_word, f"can be installed from {target} now"),
        PromotionStatus.PRESENT: ("already_present", f"is in {target} already"),
        PromotionStatus.PENDING: ("pending_review", f"waits until an administrator lets it into {target}"),
        PromotionStatus.BLOCKED: ("blocked", f"may not go into {target}"),
    }[promotion.status]
    body: Body = {
        "status": status,
        "message": f"{name} {first.version} {message}",
        "package": name,
        "name": name,
        "version": first.version,
        "arch": first.architecture,
        "format": first.format.value,
        **ends(promotion.pair),
        "policy_verdict": policy_verdict(promotion.verdict, forced=promotion.forced),
        "promoted": rows(promotion.promoted),
        "already_present": rows(promotion.present),
    }
    if promotion.number is not None and promotion.status is PromotionStatus.PENDING:
        body["pending_promotion_id"] = promotion.number
    elif promotion.number is not None:
        body["promotion_id"] = promotion.number
    return body


def refusal(promotion: Promotion, name: str) -> Body:
    """A promotion that the policy refused."""
    verdict = policy_verdict(promotion.verdict)
    reasons = "; ".join(verdict["reasons"])
    message = f"{name} may not go into {promotion.pair.target.codename}: {reasons}"
    return {
        "detail": {"error": "policy_blocked", "message": message, "policy_verdict": verdict},
        "error": "policy_blocked",
        "status": "blocked",
        "package": name,
        "name": name,
        **ends(promotion.pair),
        "policy_verdict": verdict,
        "promotion_id": promotion.number,
    }


def pending_row(promotion: PendingPromotion) -> Body:
    """A promotion that was held or blocked, as it stands now."""
    stored = promotion.stored
    verdict: Any = stored.verdict
    return {
        "id": stored.id,
        "pending_promotion_id": stored.id,
        "package": stored.name,
        "name": stored.name,
        "version": stored.version,
        "packages": rows(promotion.keys),
        **ends(promotion.pair),
        "status": stored.state.value,
        "policy_verdict": {
            "verdict": VERDICTS[Verdict(verdict["verdict"])],
            "reasons": verdict["reasons"],
        },
        "justification": stored.justification,
        "requested_by": stored.requested_by,
        "requested_at": when(stored.requested_at),
        "decided_by": stored.decided_by,
        "decided_at": when(stored.decided_at),
        "decision_justification": stored.decision,
    }


def migration_body(migration: Migration) -> Body:
    """What moved, what waits, what did not."""
    partial = bool(migration.pending or migration.errors)
    return {
        "status": "partial" if partial else "ok",
        "message": f"{len(migration.moved)} package(s) can be installed from {migration.pair.target.codename} now",
        **ends(migration.pair),
        "migrated": len(migration.moved),
        "already_present": migration.present,
        "packages": sorted({key.name for key in migration.moved}),
        "errors": [_unmoved(one) for one in migration.errors],
        "pending": [_unmoved(one) for one in migration.pending],
        "manifests_updated": len(migration.moved),
    }


def _unmoved(one: Unmoved) -> Body:
    row: Body = {"name": one.name, "error": one.code, "message": one.message}
    if one.key is not None:
        row |= {"version": one.key.version, "arch": one.key.architecture}
    if one.promotion is not None:
        row["pending_promotion_id"] = one.promotion
    return row


STATES = {"all": None, **{state.value: state for state in PromotionState}}
