"""Sections of the settings document about people and programs that somebody else vouches for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from entrepot.domain.model.actor import ROLE_ALIASES, Role
from entrepot.domain.model.part import Part, Short

# Issuers whose tokens everybody can get, and the claims that say whose job it is.
_OPEN_TO_ALL = {
    "https://token.actions.githubusercontent.com": (
        *("repository", "repository_id", "repository_owner", "repository_owner_id", "sub", "job_workflow_ref"),
    ),
    "https://gitlab.com": ("project_path", "project_id", "namespace_path", "namespace_id", "sub"),
}
_WORKLOAD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


def _directory_address(url: str) -> str:
    if url and not re.match(r"ldaps?://[^\s/@]+/?\Z", url):
        raise ValueError("must be ldap://host:port or ldaps://host:port")
    return url.rstrip("/")


def _issuer(url: str) -> str:
    # Compared with the claim ``iss`` letter by letter, so that a slash at the end stays.
    if url and not re.match(
        r"(https://[^\s/@?#]+|http://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?)(/[^\s?#]*)?\Z", url
    ):
        raise ValueError("must be https://host/...; http is for this machine itself only")
    return url


def _user_filter(text: str) -> str:
    if "{username}" not in text or not re.match(r"\(.*\)\Z", text) or text.count("(") != text.count(")"):
        raise ValueError("must be an LDAP filter with {username} in it, such as (uid={username})")
    return text


def _certificates(text: str) -> str:
    if text and "-----BEGIN CERTIFICATE-----" not in text:
        raise ValueError("must be certificates in PEM form")
    return text


def _role_word(word: str) -> str:
    if word and word not in set(Role) and word not in ROLE_ALIASES:
        raise ValueError(
            f"must be a role of the program: {', '.join([*Role, *ROLE_ALIASES])}; others are given here, to accounts"
        )
    return word


Issuer = Annotated[str, Field(max_length=500), AfterValidator(_issuer)]
RoleWord = Annotated[str, Field(max_length=64), AfterValidator(_role_word)]


class Directory(Part):
    """Sign-in through LDAP."""

    enabled: bool = False
    url: Annotated[str, Field(max_length=500), AfterValidator(_directory_address)] = ""
    start_tls: bool = False
    bind_dn: Short = ""
    bind_password: Short = Field(default="", repr=False)
    base_dn: Short = ""
    user_filter: Annotated[Short, AfterValidator(_user_filter)] = "(uid={username})"
    tls_ca: Annotated[str, AfterValidator(_certificates)] = Field(
        default="", max_length=100_000, description="PEM certificates to trust for the directory; empty: the system's"
    )
    group_role_map: Mapping[Short, RoleWord] = Field(
        default_factory=dict, max_length=500, description="Roles by DN or cn of a group"
    )


class IdentityProvider(Part):
    """Sign-in through OpenID Connect, for people."""

    enabled: bool = False
    issuer: Issuer = ""
    client_id: Short = ""
    client_secret: Short = Field(default="", repr=False)
    scopes: Short = "openid profile email"
    username_claim: Short = "preferred_username"
    groups_claim: Short = "groups"
    group_role_map: Mapping[Short, RoleWord] = Field(
        default_factory=dict, max_length=500, description="Roles by the exact name of a group"
    )
    default_role: RoleWord = Field(default="", description="Of whoever no group gives a role; empty: they are refused")


class TrustedWorkload(Part):
    """CI jobs that may exchange the token of their platform for a short session of ours."""

    name: Short
    issuer: Annotated[Issuer, Field(min_length=1)]
    audience: Annotated[Short, Field(min_length=1)]
    claims: Mapping[Short, Short] = Field(
        min_length=1,
        max_length=50,
        description="Claims that must match, with * for any characters, such as repository: acme/*",
    )
    role: RoleWord = Role.UPLOADER.value
    distributions: tuple[Short, ...] = Field(default=(), max_length=200, description="Empty: all")
    lifetime_minutes: int = Field(default=15, ge=1, le=120)

    @field_validator("name")
    @classmethod
    def _speakable(cls, name: str) -> str:
        if not _WORKLOAD_NAME.match(name):
            raise ValueError("must have 1 to 64 letters, digits, '.', '_' or '-'")
        return name

    @field_validator("role")
    @classmethod
    def _for_programs(cls, word: str) -> str:
        if word in {"", Role.ADMIN.value}:
            raise ValueError("must be a role below admin")
        return word

    @model_validator(mode="after")
    def _somebody_in_particular(self) -> TrustedWorkload:
        if not any(pattern.strip("*") for pattern in self.claims.values()):
            raise ValueError("claims must say more than *")
        whose = _OPEN_TO_ALL.get(self.issuer.rstrip("/"))
        if whose is not None and not any(_names_an_owner(self.claims.get(claim, "*")) for claim in whose):
            raise ValueError(
                f"everybody can get tokens of this issuer: claims must name an owner in one of {', '.join(whose)}"
            )
        return self


def _names_an_owner(pattern: str) -> bool:
    fixed, star, _ = pattern.partition("*")
    return bool(fixed) and (not star or "/" in fixed)
