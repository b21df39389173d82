"""Accounts, roles and API tokens in the main API's words, both ways (contract 4.1, D-06, D-07, D-22)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from entrepot.adapters.catalog.accounts import Account, ApiToken
from entrepot.domain.model.actor import ROLE_ALIASES, Actor, Role
from entrepot.domain.model.suite import DEFAULT_ARCHIVE
from entrepot.entrypoints.api.words import when
from entrepot.services.access.identity import PREFIX
from entrepot.services.access.rules import RoleNames, role_names

Body = dict[str, Any]
Word = Annotated[str, Field(max_length=64)]

_OLDER = {role: alias for alias, role in ROLE_ALIASES.items()}


def wants_older_words(request: Request) -> bool:
    """Whether the client asks for the older document's spelling (contract D-22)."""
    return request.headers.get("x-repod-compat") == "1" or request.query_params.get("compat") == "1"


Older = Annotated[bool, Depends(wants_older_words)]


class RoleFields(BaseModel):
    """Either spelling; ``roles`` wins if both are there (contract D-07)."""

    model_config = ConfigDict(strict=True)

    role: Word = Field("", examples=["uploader"])
    roles: Word | Annotated[list[Word], Field(max_length=16)] = Field([], examples=[["uploader"]])

    def named(self) -> RoleNames | None:
        """The roles; none when the request does not speak of them.

        Raises:
            InvalidRequest: the list is empty.
        """
        if "roles" in self.model_fields_set:
            return role_names([self.roles] if isinstance(self.roles, str) else self.roles)
        return role_names([self.role]) if "role" in self.model_fields_set else None


def role_fields(roles: frozenset[Role], custom: frozenset[str], *, older: bool = False) -> Body:
    """Both spellings: the highest role, and all of them, highest first; custom ones have no level and come last."""
    ordered = sorted(roles, key=lambda role: role.level, reverse=True)
    words = [_OLDER.get(role, role.value) if older else role.value for role in ordered] + sorted(custom)
    return {"role": words[0] if words else None, "roles": words}


def profile(actor: Actor, account: Account, permissions: Sequence[str], *, older: bool = False) -> Body:
    """``GET /auth/me``; an API token sees its own name and roles."""
    return {
        "username": actor.name,
        **role_fields(actor.roles, actor.custom, older=older),
        "full_name": account.full_name,
        "email": account.email,
        "active": account.active,
        "last_login": when(account.last_login),
        "mfa_enabled": account.mfa_since is not None,
        "auth_source": "api_token" if actor.account else account.auth_source,
        "permissions": list(permissions),
        "distributions": suites_in(actor.scope),
    }


def user(account: Account, *, older: bool = False) -> Body:
    """A row of ``GET /auth/users``."""
    return {
        "id": account.id,
        "username": account.username,
        **role_fields(account.roles, account.custom, older=older),
        "full_name": account.full_name,
        "email": account.email,
        "active": account.active,
        "created_at": when(account.created_at),
        "last_login": when(account.last_login),
        "mfa_enabled": account.mfa_since is not None,
        "auth_source": account.auth_source,
    }


def api_token(token: ApiToken, *, older: bool = False) -> Body:
    """A row of ``GET /auth/api-tokens``."""
    return {
        "id": token.ident,
        "name": token.name,
        **role_fields(token.roles, token.custom, older=older),
        "prefix": PREFIX,
        "hint": token.hint,
        "created_by": token.created_by,
        "created_at": when(token.created_at),
        "expires_at": when(token.expires_at),
        "last_used": when(token.last_used),
        "revoked": token.revoked_at is not None,
        "distributions": suites_in(token.scope),
    }


def suites_in(scope: frozenset[str] | None) -> list[str] | None:
    """Distributions as people name them; none is all of them."""
    return None if scope is None else sorted(name.removeprefix(f"{DEFAULT_ARCHIVE}/") for name in scope)
