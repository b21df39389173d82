"""API tokens: credentials for programs, with a role, a scope and an end of their own (contract 4.1, G5)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.adapters.catalog.accounts import ApiToken
from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.suite import DEFAULT_ARCHIVE
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import InvalidRequest, NotFound, UnknownDistribution
from entrepot.services.access.identity import TokenSecrets
from entrepot.services.access.rights import demand_giving
from entrepot.services.access.rules import can_be_token_name, check_token_name

_MOST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class NewApiToken:
    """What is asked for a token; ``distributions`` of none is no limit."""

    name: str
    roles: frozenset[Role]
    expires_days: int | None = None
    distributions: Sequence[str] | None = None
    custom: frozenset[str] = frozenset()


class ApiTokens:
    """Make, list and revoke."""

    def __init__(self, catalog: Catalog, secret: bytes, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._secrets = TokenSecrets(secret)
        self._now = now

    def all(self, actor: Actor) -> list[ApiToken]:
        """Live ones first; revoked ones stay in the list as evidence."""
        demand(actor, Permission.TOKEN_WRITE)
        with self._catalog.read() as reading:
            return reading.api_tokens()

    def create(self, actor: Actor, new: NewApiToken) -> tuple[ApiToken, str]:
        """A new token and its secret, which nobody can ask for again.

        Raises:
            InvalidRequest, UnknownDistribution: a field breaks its rule.
            PermissionDenied: a role carries more than the caller has.
            AlreadyExists: a token that is not revoked has the name.
        """
        demand(actor, Permission.TOKEN_WRITE)
        check_token_name(new.name)
        secret, now = self._secrets.make(), self._now()
        with self._catalog.write() as unit:
            demand_giving(actor, unit.custom_roles(), new.roles, new.custom)
            token = ApiToken(
                ident=f"tok_{secrets.token_hex(6)}",
                name=new.name,
                key_hash=self._secrets.hash(secret),
                hint=secret[-4:],
                roles=new.roles,
                scope=_scope(unit, new.distributions),
                created_by=actor.owner,
                created_at=now,
                expires_at=_end(now, new.expires_days),
                custom=new.custom,
            )
            before = unit.live_api_token(new.name)
            if before is not None and before.expires_at is not None and before.expires_at <= now:
                unit.revoke_api_token(before.ident, now)
            unit.add_api_token(token)
            unit.give_token_custom_roles(token.ident, token.custom)
            unit.audit(AuditEntry("TOKEN_CREATE", "SUCCESS", actor, now, detail=_detail(token)))
        return token, secret

    def revoke(self, actor: Actor, ident_or_name: str) -> ApiToken:
        """It is worth nothing from the next request on.

        Raises:
            NotFound: there is none, or it was revoked before.
        """
        demand(actor, Permission.TOKEN_WRITE)
        now = self._now()
        with self._catalog.write() as unit:
            token = unit.live_api_token(ident_or_name) if can_be_token_name(ident_or_name) else None
            if token is None or not unit.revoke_api_token(token.ident, now):
                raise NotFound("there is no live API token of that id or name")
            unit.audit(
                AuditEntry("TOKEN_REVOKE", "SUCCESS", actor, now, detail={"id": token.ident, "name": token.name})
            )
        return token


def _end(now: datetime, days: int | None) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= _MOST_DAYS:
        raise InvalidRequest(f"expires_days is 1 to {_MOST_DAYS}, or absent for a token without end")
    return now + timedelta(days=days)


def _scope(reading: Reading, distributions: Sequence[str] | None) -> frozenset[str] | None:
    if distributions is None:
        return None
    if not distributions:
        raise InvalidRequest("name at least one distribution, or leave the field out for all of them")
    known = {suite.full_name for suite in reading.suites()}
    wanted = {name if "/" in name else f"{DEFAULT_ARCHIVE}/{name}" for name in distributions}
    for name in sorted(wanted - known):
        raise UnknownDistribution(f"there is no distribution {name[:80]!r}", distribution=name[:80])
    return frozenset(wanted)


def _detail(token: ApiToken) -> dict[str, JsonValue]:
    return {
        "id": token.ident,
        "name": token.name,
        "roles": [*sorted(role.value for role in token.roles), *sorted(token.custom)],
        "distributions": None if token.scope is None else sorted(token.scope),
        "expires_at": None if token.expires_at is None else token.expires_at.isoformat(),
    }
