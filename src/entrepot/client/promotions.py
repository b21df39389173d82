"""The part of the client about packages on their way: promotions."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.client.answers import shaped
from entrepot.client.answers_promotions import HeldPromotion, HeldPromotions, Migrated, Promotion, PromotionTargets
from entrepot.client.segments import segment
from entrepot.client.wire import Wire, given, sent

_PER_PAGE = 200


class Promotions:
    """``Client.promotions``.  A promotion is done when the answer comes, or it is held: then its status says so."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def held(self, page: int = 1, per_page: int = _PER_PAGE, *, status: str | None = None) -> HeldPromotions:
        """``GET /artifacts/admin/pending-promotions``: those that wait.

        Or those of a ``status``: pending, approved, rejected, blocked or all.
        """
        params = given(status=status, page=page, per_page=per_page)
        body = self._wire("GET", "/artifacts/admin/pending-promotions", params)
        return shaped(body, HeldPromotions, items=dict, total=int)

    def targets(self, name: str, source: str | None = None) -> PromotionTargets:
        """``GET /artifacts/{name}/promote/targets``."""
        body = self._wire("GET", f"/artifacts/{segment(name)}/promote/targets", given(from_dist=source))
        return shaped(body, PromotionTargets, package=str)

    def promote(
        self,
        name: str,
        source: str,
        target: str,
        *,
        version: str | None = None,
        architecture: str | None = None,
        force: bool | None = None,
        justification: str | None = None,
    ) -> Promotion:
        """``POST /distributions/promote``: the newest version of a package, or one.

        ``force`` is for administrators, and needs a justification.

        Raises:
            RefusedByPolicy: the policy says no.
        """
        payload = {"package": name, "from_dist": source, "to_dist": target}
        extra = sent(version=version, arch=architecture, force=force, justification=justification)
        return shaped(self._wire("POST", "/distributions/promote", payload=payload | extra), Promotion, status=str)

    def promote_artifact(
        self,
        name: str,
        source: str,
        target: str,
        *,
        version: str | None = None,
        architecture: str | None = None,
        force: bool | None = None,
        justification: str | None = None,
    ) -> Promotion:
        """``POST /artifacts/{name}/promote``: as ``promote``, counted by another rate limit."""
        payload = {"from_dist": source, "to_dist": target}
        extra = sent(version=version, arch=architecture, force=force, justification=justification)
        body = self._wire("POST", f"/artifacts/{segment(name)}/promote", payload=payload | extra)
        return shaped(body, Promotion, status=str)

    def approve(self, name: str, number: int, justification: str = "") -> Promotion:
        """``POST /artifacts/{name}/promote/{promotion_id}/approve``: the policy is asked again."""
        path = f"/artifacts/{segment(name)}/promote/{number}/approve"
        return shaped(self._wire("POST", path, payload={"justification": justification}), Promotion, status=str)

    def reject(self, name: str, number: int, justification: str = "") -> HeldPromotion:
        """``POST /artifacts/{name}/promote/{promotion_id}/reject``."""
        path = f"/artifacts/{segment(name)}/promote/{number}/reject"
        return shaped(self._wire("POST", path, payload={"justification": justification}), HeldPromotion, status=str)

    def migrate(self, source: str, target: str, packages: Sequence[str] | None = None) -> Migrated:
        """``POST /distributions/migrate``: all packages, or those of some names; the source keeps them."""
        payload = sent(from_dist=source, to_dist=target, packages=list(packages) if packages else None)
        body = self._wire("POST", "/distributions/migrate", payload=payload)
        return shaped(body, Migrated, status=str, errors=list, pending=list)
