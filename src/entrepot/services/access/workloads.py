"""CI jobs without a stored secret: the token of their platform for a short session (in the manner of RFC 8693)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.federation import TrustedWorkload
from entrepot.domain.policy.external_roles import claims_match
from entrepot.errors import SignInFailed
from entrepot.services.access.foreign_tokens import ForeignTokens, issuer_in
from entrepot.services.access.tokens import SessionClaims, SessionTokens
from entrepot.services.access.trust import actor_in, epoch_of, lifetime_of, name_of

_log = structlog.get_logger(__name__)
_UNKNOWN = "(unknown)"
_REFUSED = "no trusted workload fits this token; its issuer, audience and claims are compared with the settings"
# What says which job it was, on the platforms there are.
_TELLING = (
    *("repository", "repository_id", "ref", "ref_type", "sha", "workflow", "workflow_ref", "job_workflow_ref"),
    *("run_id", "run_number", "run_attempt", "actor", "event_name", "environment", "runner_environment"),
    *("project_path", "project_id", "namespace_path", "pipeline_id", "pipeline_source", "job_id", "user_login"),
    *("ref_protected", "sub", "jti"),
)


@dataclass(frozen=True, slots=True)
class WorkloadSession:
    """A session of a CI job."""

    token: str
    expires_in_seconds: int
    actor: Actor


class Workloads:
    """Exchanges tokens.  One token may be exchanged again while it is good; each time is audited."""

    def __init__(
        self,
        catalog: Catalog,
        tokens: SessionTokens,
        foreign: ForeignTokens,
        settings: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._tokens = tokens
        self._foreign = foreign
        self._settings = settings
        self._now = now

    def exchange(self, subject_token: str, address: str) -> WorkloadSession:
        """A session for a token of a CI platform, as the first workload in the settings that fits says.

        Raises:
            SignInFailed: none fits; which were considered, and why not, is in the log only.
            IssuerUnavailable: the keys of the platform are not known and cannot be had.
        """
        try:
            workload, claims = self._matched(subject_token)
        except SignInFailed as error:
            self._audit_refusal(address)
            raise SignInFailed(_REFUSED) from error
        now = self._now()
        opened = SessionClaims(name_of(workload, str(claims["sub"])), epoch_of(workload), workload=workload.name)
        actor = actor_in(self._settings(), opened, address)
        detail: dict[str, JsonValue] = {
            "workload": workload.name,
            "issuer": workload.issuer,
            "role": workload.role,
            "distributions": list(workload.distributions) or None,
            "claims": _told(claims, workload),
        }
        with self._catalog.write() as unit:
            unit.audit(AuditEntry("TOKEN_EXCHANGE", "SUCCESS", actor, now, detail=detail))
        lifetime = min(lifetime_of(workload), self._tokens.lifetime)
        token = self._tokens.issue(opened, now, now + lifetime)
        return WorkloadSession(token, int(lifetime.total_seconds()), actor)

    def _matched(self, token: str) -> tuple[TrustedWorkload, Mapping[str, object]]:
        issuer = issuer_in(token)
        considered = [one for one in self._settings().trusted_workloads if one.issuer == issuer]
        for workload in considered:
            try:
                claims = self._foreign.verify(token, workload.issuer, workload.audience)
            except SignInFailed:
                continue
            if claims_match(claims, workload.claims):
                return workload, claims
            wrong = [name for name, fits in workload.claims.items() if not claims_match(claims, {name: fits})]
            _log.info("workload.claims_differ", workload=workload.name, claims=wrong)
        names = [workload.name for workload in considered]
        _log.warning("workload.none_fits", issuer=issuer[:200], considered=names)
        raise SignInFailed(_REFUSED)

    def _audit_refusal(self, address: str) -> None:
        with self._catalog.write() as unit:
            actor = Actor(_UNKNOWN, frozenset(), address)
            unit.audit(AuditEntry("TOKEN_EXCHANGE", "FAILURE", actor, self._now()))


def _told(claims: Mapping[str, object], workload: TrustedWorkload) -> dict[str, JsonValue]:
    """Scalars only, and of each but the beginning."""
    names = dict.fromkeys([*_TELLING, *workload.claims])
    return {
        name: value[:300] if isinstance(value, str) else value
        for name in names
        if isinstance(value := claims.get(name), str | int | bool)
    }
