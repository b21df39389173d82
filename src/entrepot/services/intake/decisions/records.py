"""Decisions that were made: found, changed, revoked, resolved, handed to somebody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.decisions import Assignee, DecisionFilter, HeldFilter, HeldPackage, StoredDecision
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import SuiteId
from entrepot.domain.policy.decisions import Ending
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyDecided, NotFound
from entrepot.services.intake.admit import repeat_lost_races
from entrepot.services.intake.decisions import acts
from entrepot.services.intake.decisions.assignees import known_assignee, names_of

_MOST = 500
_NOTE_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different about a decision; none stays as it was."""

    justification: str | None = None
    expires_in_days: int | None = None
    target_version: str | None = None
    cve_ids: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Revoked:
    """A decision that is in force no longer, and the revisions that show it."""

    decision: StoredDecision
    revisions: dict[SuiteId, int]


class Records:
    """Whoever reviews reads all; whoever decides changes their own; administrators change any."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, queue: Queue, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._queue = queue
        self._now = now

    def page(
        self, actor: Actor, conditions: DecisionFilter, offset: int, limit: int, *, mine: bool = False
    ) -> tuple[list[StoredDecision], int]:
        """Newest first, and the number of all; ``mine`` are those that the actor or one of their groups looks after."""
        demand(actor, Permission.REVIEW_READ)
        with self._catalog.read() as reading:
            if mine:
                conditions = replace(conditions, assignees=names_of(reading, actor))
            return reading.decision_page(conditions, offset, limit)

    def own(self, actor: Actor) -> tuple[Assignee, ...]:
        """As whom somebody may have been told to look after something."""
        demand(actor, Permission.REVIEW_READ)
        with self._catalog.read() as reading:
            return names_of(reading, actor)

    def of_package(self, actor: Actor, name: str, version: str, architecture: str | None) -> list[StoredDecision]:
        """Every decision about a version, newest first.

        Raises:
            NotFound: no such version ever came in.
        """
        demand(actor, Permission.PACKAGE_READ)
        wanted = acts.keyed(name, version, architecture)
        with self._catalog.read() as reading:
            if not reading.packages_keyed(wanted):
                raise NotFound(f"there is no package {name[:200]} {version[:100]}")
            return reading.decision_page(DecisionFilter(wanted), 0, _MOST)[0]

    def change(self, actor: Actor, number: int, change: Change) -> StoredDecision:
        """Another reason, another end, another version that is waited for.

        Raises:
            NotFound, AlreadyDecided: there is no such decision in force.
            PermissionDenied: somebody else made it.
        """
        demand(actor, Permission.REVIEW_DECIDE)
        now = self._now()
        with self._catalog.write() as unit:
            before = _own(unit, actor, number)
            ids = before.cve_ids if change.cve_ids is None else tuple(change.cve_ids)
            days, text = change.expires_in_days, change.justification
            after = replace(
                before,
                justification=before.justification if text is None else acts.justified(text),
                expires_at=before.expires_at if days is None else now + timedelta(days=days),
                target_version=change.target_version or before.target_version,
                cve_ids=ids,
                accepted=ids if change.cve_ids and before.action.publishes else before.accepted,
            )
            if not unit.change_decision(after):
                raise AlreadyDecided(f"decision {number} is in force no longer")
            unit.audit(acts.audit_of("SECURITY_DECISION_UPDATE", "SUCCESS", actor, after, now))
            return after

    def revoke(self, actor: Actor, number: int, reason: str = "") -> Revoked:
        """End a decision now; the package waits for a person again.

        Raises:
            NotFound, AlreadyDecided: there is no such decision in force.
            PermissionDenied: somebody else made it.
        """
        demand(actor, Permission.REVIEW_DECIDE)
        with self._catalog.read() as reading:
            decision = _own(reading, actor, number)
        kept = self._blobs.has(decision.digest)
        text = reason.strip()[:_NOTE_CHARACTERS] or "no reason was given"
        revoked = repeat_lost_races(lambda: self._revoke(actor, decision, text, kept=kept))
        for suite_id in revoked.revisions:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite_id))
        return revoked

    def _revoke(self, actor: Actor, decision: StoredDecision, reason: str, *, kept: bool) -> Revoked:
        now, revisions = self._now(), dict[SuiteId, int]()
        why = f"{actor.name} has revoked the decision by {decision.decided_by}: {reason}"
        with self._catalog.write() as unit:
            # Quarantine is about bytes, not about one suite: what releases them here releases them everywhere.
            apart = bool(unit.quarantined([decision.package_id]))
            together = [
                one
                for one in unit.decisions_about([decision.package_id]).values()
                if one.ended_at is None and (one.id == decision.id or (apart and not one.action.publishes))
            ]
            if decision.id not in {one.id for one in together}:
                raise AlreadyDecided(f"decision {decision.id} is in force no longer")
            for one in sorted(together, key=lambda each: each.suite_id):
                done, revision = acts.end(unit, one, Ending.REVOKED, actor, why, now, kept=kept)
                if not done:
                    raise AlreadyDecided(f"decision {one.id} is in force no longer")
                if revision is not None:
                    revisions[one.suite_id] = revision
            more: dict[str, JsonValue] = {"reason": reason, "withdrawn": bool(revisions)}
            unit.audit(acts.audit_of("SECURITY_DECISION_DELETE", "SUCCESS", actor, decision, now, more))
            return Revoked(unit.stored_decision(decision.id), revisions)

    def resolve(self, actor: Actor, name: str, version: str, architecture: str | None, note: str) -> StoredDecision:
        """Say that what a decision asked for was done; it ends no earlier for that.

        Raises:
            NotFound: no decision about the version is in force.
            AlreadyDecided: that was said before.
        """
        demand(actor, Permission.REVIEW_DECIDE)
        wanted, now, text = acts.keyed(name, version, architecture), self._now(), note.strip()[:_NOTE_CHARACTERS]
        with self._catalog.write() as unit:
            found, _ = unit.decision_page(DecisionFilter(wanted, in_force=True), 0, _MOST)
            if not found:
                raise NotFound(f"no decision about {name[:200]} {version[:100]} is in force")
            done = [one for one in found if unit.resolve_decision(one.id, actor.name, now, text)]
            if not done:
                raise AlreadyDecided(f"the decision about {name[:200]} {version[:100]} is resolved already")
            unit.audit(acts.audit_of("DECISION_RESOLVED", "SUCCESS", actor, done[0], now, {"note": text}))
            return unit.stored_decision(done[0].id)

    def assign(self, actor: Actor, number: int, assignee: Assignee | None) -> StoredDecision:
        """Have somebody look after a decision, or nobody.

        Raises:
            InvalidRequest: there is no such account or group.
            NotFound, AlreadyDecided: there is no such decision in force.
        """
        demand(actor, Permission.REVIEW_DECIDE)
        now = self._now()
        with self._catalog.write() as unit:
            decision = unit.stored_decision(number)
            chosen = None if assignee is None else known_assignee(unit, assignee)
            after = replace(decision, assignee=chosen, assigned_at=None if chosen is None else now)
            if not unit.change_decision(after):
                raise AlreadyDecided(f"decision {number} is in force no longer")
            more: dict[str, JsonValue] = {"assigned_to": chosen.name if chosen else None}
            unit.audit(acts.audit_of("SECURITY_ASSIGN", "SUCCESS", actor, after, now, more))
            return after

    def assign_waiting(
        self, actor: Actor, name: str, version: str, architecture: str | None, assignee: Assignee | None
    ) -> list[HeldPackage]:
        """Have somebody look after a version that waits, or nobody.

        Raises:
            InvalidRequest: there is no such account or group.
            NotFound: it does not wait.
        """
        demand(actor, Permission.REVIEW_DECIDE)
        now, wanted = self._now(), HeldFilter(acts.keyed(name, version, architecture))
        with self._catalog.write() as unit:
            chosen = None if assignee is None else known_assignee(unit, assignee)
            found, _ = unit.held_page(wanted, 0, _MOST)
            if not found:
                raise NotFound(f"{name[:200]} {version[:100]} does not wait for a decision")
            for one in found:
                unit.assign_held(one.admission.id, chosen, now)
            detail: dict[str, JsonValue] = {"assigned_to": chosen.name if chosen else None, "count": len(found)}
            home = found[0].suite.codename
            unit.audit(AuditEntry("SECURITY_ASSIGN", "SUCCESS", actor, now, name, version, home, detail))
            return unit.held_page(wanted, 0, _MOST)[0]


def _own(reading: Reading, actor: Actor, number: int) -> StoredDecision:
    """A decision in force that the actor may change.

    Raises:
        NotFound, AlreadyDecided, PermissionDenied: there is none.
    """
    found = reading.stored_decision(number)
    if found.decided_by not in (actor.name, actor.owner):
        demand(actor, Permission.REVIEW_OVERRIDE)
    if found.ended_at is not None:
        raise AlreadyDecided(f"decision {number} is in force no longer: it is {found.ending}")
    return found
