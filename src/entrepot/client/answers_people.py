"""Shapes of answers about people: sessions, second factors, groups, roles, set-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired

from typing_extensions import TypedDict


class LoggedOut(TypedDict):
    """``POST /auth/logout``."""

    status: str


class Exchanged(TypedDict):
    """``POST /auth/token-exchange``: a session for a job, with what it may do."""

    access_token: str
    token_type: str
    expires_in: int
    username: str
    role: str | None
    roles: list[str]
    distributions: list[str] | None


class SecondFactorState(TypedDict):
    """``GET /auth/mfa``; ``pending`` says that a secret waits for its first code."""

    mfa_enabled: bool
    mfa_since: str | None
    pending: bool
    recovery_codes_left: int


class SecondFactorSecret(TypedDict):
    """``POST /auth/mfa/setup``; ``qr_code_base64`` is a picture of ``otpauth_uri``."""

    secret: str
    otpauth_uri: str
    qr_code_base64: str


class RecoveryCodes(TypedDict):
    """``POST /auth/mfa/confirm`` and ``/auth/mfa/recovery-codes``: the only answers with these codes."""

    recovery_codes: list[str]
    mfa_enabled: NotRequired[bool]


class SecondFactorOff(TypedDict):
    """What answers that a second factor is gone."""

    status: str
    mfa_enabled: bool


class Group(TypedDict):
    """A group of accounts."""

    id: int
    name: str
    description: str
    color: str
    default_role: str | None
    member_count: int
    created_at: str | None
    created_by: str


class GroupAnswer(TypedDict):
    """One group."""

    group: Group


class MyGroups(TypedDict):
    """``GET /groups/me``."""

    groups: list[Group]


class Groups(TypedDict):
    """``GET /groups``."""

    groups: list[Group]
    total: int


class Member(TypedDict):
    """Who is in a group, and who took them in."""

    username: str
    full_name: str
    active: bool
    added_at: str | None
    added_by: str


class Members(TypedDict):
    """``GET /groups/{group_id}/members``."""

    members: list[Member]
    total: int


class Joined(TypedDict):
    """``POST /groups/{group_id}/members``."""

    status: str
    username: str


class Role(TypedDict):
    """A role of the program, or a custom one; custom ones have a number, level 0 and a ``user_count``."""

    id: int | str
    name: str
    label: str
    description: str
    color: str
    is_builtin: bool
    level: int
    permissions: list[str]
    user_count: NotRequired[int]
    created_at: str | None
    created_by: str | None


class RoleAnswer(TypedDict):
    """One role."""

    role: Role


class Roles(TypedDict):
    """``GET /roles``."""

    roles: list[Role]
    total: int
    all_permissions: list[str]
    permission_categories: Mapping[str, list[str]]


class RolePermissions(TypedDict):
    """``GET`` and ``PUT /roles/{role_id}/permissions``."""

    permissions: list[str]


class RoleNames(TypedDict):
    """``GET /auth/roles``: open to all; aliases are in ``roles`` and not in ``items``."""

    roles: Mapping[str, Mapping[str, object]]
    items: list[str]


class SetupStatus(TypedDict):
    """``GET /setup/status``."""

    setup_done: bool
    needs_setup: bool


class PreflightCheck(TypedDict):
    """Whether one thing is ready."""

    ok: bool
    detail: str


class Preflight(TypedDict):
    """``GET /setup/preflight``."""

    checks: Mapping[str, PreflightCheck]
    ready: bool


class FirstAdministrator(TypedDict):
    """``POST /setup``."""

    admin_username: str
    access_token: str
    token_type: str


class License(TypedDict):
    """``/license``: there is one edition."""

    edition: str
    valid: bool
    expires_at: str | None
    status: NotRequired[str]
    message: NotRequired[str]
