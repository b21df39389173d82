"""Sign-in with a password that a directory knows (LDAP)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

import structlog
from pydantic import ValidationError

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.directory.base import People, Person
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration, is_mask
from entrepot.domain.model.federation import Directory
from entrepot.domain.policy.external_roles import roles_of_groups
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import (
    DirectoryRefused,
    DirectoryTimedOut,
    DirectoryUnavailable,
    InvalidRequest,
    NotSignedIn,
    SignInFailed,
)
from entrepot.services.access.external import ExternalAccounts, Vouched

_log = structlog.get_logger(__name__)
_SOURCE = "ldap"
_ELSEWHERE = frozenset({"url", "start_tls", "tls_ca", "bind_dn"})


class DirectorySignIn:
    """People of the directory; their account here is made when they first come."""

    def __init__(
        self, catalog: Catalog, people: People, settings: Callable[[], Configuration], accounts: ExternalAccounts
    ) -> None:
        self._catalog = catalog
        self._people = people
        self._settings = settings
        self._accounts = accounts

    def sign_in(self, username: str, password: str, address: str) -> Account | None:
        """The account of whoever the directory recognises; none if it does not, or is not asked at all.

        A name that an account of another kind has, or one alike, is never asked for: nobody else's password for that
        name shall reach the directory, and no directory shall open that account.

        Raises:
            SignInFailed: recognised, but without a role, or with a name that is taken or unusable.
            DirectoryUnavailable: nobody can say; accounts of this server itself are not concerned.
        """
        where = self._settings().ldap
        if not where.enabled:
            return None
        with self._catalog.read() as reading:
            twin = reading.account_like(username[:256]) if username.isprintable() else None
        if twin is not None and twin.auth_source != _SOURCE:
            return None
        try:
            person = self._people.recognise(where, username, password)
        except (DirectoryRefused, DirectoryTimedOut, DirectoryUnavailable) as error:
            _unavailable(error)
        if person is None:
            return None
        try:
            return self._accounts.admit(_vouched(person, where), address)
        except SignInFailed as error:
            # Not told apart from a wrong password: this answer is for strangers.
            raise SignInFailed("user name or password is wrong") from error

    def renew(self, account: Account, address: str) -> None:
        """For a session that goes on without a password: whether the directory still knows them, and in which role.

        Raises:
            NotSignedIn: it does not, or they have no role there any more.
            DirectoryUnavailable: nobody can say.
        """
        where = self._settings().ldap
        if not where.enabled:
            raise NotSignedIn("sign-in through the directory is switched off; sign in again")
        try:
            person = self._people.find(where, account.username)
        except (DirectoryRefused, DirectoryTimedOut, DirectoryUnavailable) as error:
            _unavailable(error)
        if person is None or person.username.casefold() != account.username.casefold():
            raise NotSignedIn("the directory does not know you any more; sign in again")
        try:
            self._accounts.admit(_vouched(person, where), address)
        except SignInFailed as error:
            raise NotSignedIn("the session has ended; sign in again") from error

    def test(self, actor: Actor, overrides: Mapping[str, JsonValue]) -> tuple[str, int]:
        """What the settings of the section ``ldap``, with some others in their place, lead to; how many people.

        Raises:
            InvalidRequest: a setting breaks its rule, or the stored password would go to another server.
            DirectoryRefused: not configured, or the directory refuses our credentials.
            DirectoryTimedOut, DirectoryUnavailable: there is no answer.
        """
        demand(actor, Permission.SETTING_WRITE)
        where = _with(self._settings().ldap, overrides)
        try:
            count = self._people.count(where)
        except DirectoryUnavailable as error:
            raise DirectoryRefused(error.detail) from error
        encrypted = where.start_tls or where.url.startswith("ldaps:")
        notes = "" if encrypted else "; the connection is NOT encrypted: use ldaps:// or ldap.start_tls"
        notes += "" if where.group_role_map else "; ldap.group_role_map is empty, so that nobody would get a role"
        return f"the directory answers{notes}", count


def _with(stored: Directory, overrides: Mapping[str, JsonValue]) -> Directory:
    given = {name: value for name, value in overrides.items() if not (name == "bind_password" and is_mask(value))}
    now = stored.model_dump(mode="json")
    if any(given.get(name, now[name]) != now[name] for name in _ELSEWHERE) and "bind_password" not in given:
        raise InvalidRequest("to try another server or account, give ldap_bind_password as well")
    try:
        return Directory.model_validate({**now, **given}, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])[:100]
        raise InvalidRequest(f"setting ldap.{name}: {first['msg'].removeprefix('Value error, ')}") from None


def _vouched(person: Person, where: Directory) -> Vouched:
    roles = roles_of_groups(person.groups, where.group_role_map)
    return Vouched(_SOURCE, person.username, person.full_name, person.email, roles)


def _unavailable(error: DirectoryRefused | DirectoryTimedOut | DirectoryUnavailable) -> NoReturn:
    _log.error("directory.unavailable", error=error.code, reason=error.detail)
    raise DirectoryUnavailable(
        "the directory cannot be asked at the moment, so that only accounts of this server itself can sign in; "
        "try again later, or tell an administrator"
    ) from error
