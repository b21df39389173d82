"""The part of the client about what waits for a person, what people decided, and what nobody may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from typing_extensions import TypedDict

from entrepot.client.answers import shaped
from entrepot.client.answers_decisions import (
    Assigned,
    Decided,
    DecisionPage,
    DecisionRecord,
    DecisionReport,
    PackageDecisions,
    Quarantined,
    Resolved,
    ReviewQueue,
    Revoked,
    SlaCheck,
)
from entrepot.client.segments import segment
from entrepot.client.wire import Wire, given, sent

_PER_PAGE = 200


class Terms(TypedDict, total=False):
    """What a decision is about, and how long it holds; ``sha256`` binds it to the file that was looked at.

    ``erratum`` is what clients are told about it, as ``Client.errata`` takes it.
    """

    arch: str | None
    distribution: str | None
    sha256: str | None
    expires_in_days: int | None
    target_version: str | None
    cve_ids: Sequence[str] | None
    assigned_to: str | None
    assigned_to_type: str | None
    erratum: Mapping[str, object] | None


class Reviews:
    """``Client.reviews``: packages that wait for a person."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def queue(
        self,
        page: int = 1,
        per_page: int = _PER_PAGE,
        *,
        status: str | None = None,
        severity: str | None = None,
        distribution: str | None = None,
        text: str | None = None,
        assigned: str | None = None,
    ) -> ReviewQueue:
        """``GET /security/review-queue``, one page; ``assigned`` is mine, unassigned, a user, or group:NAME."""
        params = given(status=status, severity=severity, distribution=distribution, q=text, assigned=assigned)
        params |= given(page=page, per_page=per_page)
        return shaped(self._wire("GET", "/security/review-queue", params), ReviewQueue, packages=dict, total=int)

    def decide(
        self,
        name: str,
        version: str,
        decision: str,
        justification: str,
        **terms: Unpack[Terms],
    ) -> Decided:
        """``POST /security/packages/{name}/{version}/decide``.

        ``decision`` is approve, reject, exception or upgrade_required.
        """
        payload = sent(decision=decision, justification=justification, **terms)
        body = self._wire("POST", f"{_package(name, version)}/decide", payload=payload)
        return shaped(body, Decided, status=str, message=str)

    def assign(
        self,
        name: str,
        version: str,
        assigned_to: str | None,
        assigned_to_type: str | None = None,
        *,
        architecture: str | None = None,
    ) -> Assigned:
        """``PATCH /security/packages/{name}/{version}/assign``: to a user or a group, or to nobody."""
        payload = {"assigned_to": assigned_to, **sent(assigned_to_type=assigned_to_type)}
        path = f"{_package(name, version)}/assign"
        return shaped(self._wire("PATCH", path, given(arch=architecture), payload=payload), Assigned, packages=list)

    def quarantine(self, name: str, version: str, reason: str = "", *, architecture: str | None = None) -> Quarantined:
        """``POST /security/packages/{name}/{version}/quarantine``: out of every index, and at no address any more."""
        payload = sent(reason=reason, arch=architecture)
        body = self._wire("POST", f"{_package(name, version)}/quarantine", payload=payload)
        return shaped(body, Quarantined, status=str, message=str)


class Decisions:
    """``Client.decisions``: what people decided, and until when."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def all(
        self,
        page: int = 1,
        per_page: int = _PER_PAGE,
        *,
        package: str | None = None,
        version: str | None = None,
        distribution: str | None = None,
        action: str | None = None,
        status: str | None = None,
    ) -> DecisionPage:
        """``GET /security/decisions``: newest first; ``status`` is in_force, ended or all."""
        params = given(package=package, version=version, distribution=distribution, action=action, status=status)
        params |= given(page=page, per_page=per_page)
        return shaped(self._wire("GET", "/security/decisions", params), DecisionPage, decisions=list)

    def unassigned(self, page: int = 1, per_page: int = _PER_PAGE) -> DecisionPage:
        """``GET /security/decisions/unassigned``: in force, and nobody looks after them."""
        body = self._wire("GET", "/security/decisions/unassigned", given(page=page, per_page=per_page))
        return shaped(body, DecisionPage, decisions=list)

    def mine(self, page: int = 1, per_page: int = _PER_PAGE) -> DecisionPage:
        """``GET /security/decisions/mine``: in force, and handed to me or one of my groups."""
        body = self._wire("GET", "/security/decisions/mine", given(page=page, per_page=per_page))
        return shaped(body, DecisionPage, decisions=list)

    def about(self, name: str, version: str, *, architecture: str | None = None) -> PackageDecisions:
        """``GET /security/packages/{name}/{version}/decision``."""
        body = self._wire("GET", f"{_package(name, version)}/decision", given(arch=architecture))
        return shaped(body, PackageDecisions, history=list)

    def change(
        self,
        number: int,
        *,
        action: str | None = None,
        justification: str | None = None,
        expires_in_days: int | None = None,
        target_version: str | None = None,
        cve_ids: Sequence[str] | None = None,
    ) -> DecisionRecord:
        """``PUT /security/decisions/{decision_id}``: its reason or its end; another ``action`` is refused."""
        payload = sent(
            action=action,
            justification=justification,
            expires_in_days=expires_in_days,
            target_version=target_version,
            cve_ids=None if cve_ids is None else list(cve_ids),
        )
        return shaped(self._wire("PUT", f"/security/decisions/{number}", payload=payload), DecisionRecord, id=int)

    def revoke(self, number: int, reason: str = "") -> Revoked:
        """``DELETE /security/decisions/{decision_id}``: the package waits for a person again."""
        body = self._wire("DELETE", f"/security/decisions/{number}", given(reason=reason))
        return shaped(body, Revoked, decision=dict)

    def assign(self, number: int, assigned_to: str | None, assigned_to_type: str | None = None) -> DecisionRecord:
        """``PATCH /security/decisions/{decision_id}/assign``: to a user or a group, or to nobody."""
        payload = {"assigned_to": assigned_to, **sent(assigned_to_type=assigned_to_type)}
        body = self._wire("PATCH", f"/security/decisions/{number}/assign", payload=payload)
        return shaped(body, DecisionRecord, id=int)

    def resolve(self, name: str, version: str, note: str = "", *, architecture: str | None = None) -> Resolved:
        """``POST /security/packages/{name}/{version}/decision/resolve``: what it asked for was done."""
        path = f"{_package(name, version)}/decision/resolve"
        body = self._wire("POST", path, given(arch=architecture), payload={"resolution_note": note})
        return shaped(body, Resolved, decision=dict)

    def check(self) -> SlaCheck:
        """``POST /security/check-sla``: have an eye on what ends now; it happens by itself as well."""
        return shaped(self._wire("POST", "/security/check-sla"), SlaCheck, expired=int)

    def report(self) -> DecisionReport:
        """``GET /security/report``."""
        return shaped(self._wire("GET", "/security/report"), DecisionReport, decisions=dict)


def _package(name: str, version: str) -> str:
    return f"/security/packages/{segment(name)}/{segment(version)}"
