"""What names, mail addresses and roles may look like (contract 4.1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.groups import CustomRole
from entrepot.domain.model.actor import ROLE_ALIASES, SYSTEM, Role, name_key
from entrepot.errors import AlreadyExists, InvalidRequest

_USERNAME = re.compile(r"[A-Za-z0-9._-]{3,64}\Z")
_TOKEN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@:+()#-]{0,63}\Z")
_GROUP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@:+()-]{0,62}[A-Za-z0-9)]\Z")
_COLOR = re.compile(r"[a-z]{3,15}\Z|#[0-9a-fA-F]{6}\Z")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}\Z")
_MOST_CHARACTERS = 256
_MOST_DESCRIPTION = 1000


@dataclass(frozen=True, slots=True)
class RoleNames:
    """Roles by name: those of the program, and names that custom ones may have."""

    builtin: frozenset[Role]
    custom: frozenset[str] = frozenset()


def can_be_username(name: str) -> bool:
    """Whether an account can have this name; nothing else is worth a look into the catalog."""
    return _USERNAME.match(name) is not None and any(char.isalnum() for char in name)


def check_username(name: str) -> None:
    """3 to 64 letters, digits, '.', '_', '-'; one of the first two.

    Raises:
        InvalidRequest: with the rule.
        AlreadyExists: the name is the program's own.
    """
    if not can_be_username(name):
        raise InvalidRequest("a user name has 3 to 64 letters (a to z), digits, '.', '_' or '-'")
    if name.lower().strip(".") == SYSTEM.name:
        raise AlreadyExists(f"the user name {SYSTEM.name} stands for the server itself")


def can_be_token_name(name: str) -> bool:
    """Whether an API token can have this name or id."""
    return _TOKEN_NAME.match(name) is not None and not name.endswith(" ")


def check_token_name(name: str) -> None:
    """1 to 64 characters that can stand in a log line and in a URL.

    Raises:
        InvalidRequest: with the rule.
    """
    if not can_be_token_name(name) or name.lower().startswith("tok_"):
        raise InvalidRequest(
            "the name of an API token has 1 to 64 letters (a to z), digits, blanks or '._@:+()#-', begins with a "
            "letter or digit, but not with tok_"
        )


def check_role_name(name: str) -> None:
    """As for user names, with a letter in it.

    Raises:
        InvalidRequest: with the rule.
        AlreadyExists: a role of the program has the name, or one alike.
    """
    if not can_be_username(name) or name.isdecimal():
        raise InvalidRequest("the name of a role has 3 to 64 letters (a to z), digits, '.', '_' or '-', and a letter")
    if name_key(name) in {*Role, *ROLE_ALIASES, SYSTEM.name}:
        raise AlreadyExists(f"{name} is a role of the program")


def check_group_name(name: str) -> None:
    """2 to 64 characters that can stand in a URL and in a list.

    Raises:
        InvalidRequest: with the rule.
    """
    if not _GROUP_NAME.match(name) or name.isdecimal():
        raise InvalidRequest(
            "the name of a group has 2 to 64 letters (a to z), digits, blanks or '._@:+()-', begins and ends with a "
            "letter or digit, and is not a number"
        )


def check_color(text: str) -> None:
    """A word such as blue, or #rrggbb.

    Raises:
        InvalidRequest: it is neither.
    """
    if not _COLOR.match(text):
        raise InvalidRequest("color must be a word such as blue, or #rrggbb")


def check_description(text: str) -> None:
    """Some lines.

    Raises:
        InvalidRequest: it has control characters, or is long.
    """
    control = any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text)
    if len(text) > _MOST_DESCRIPTION or control:
        raise InvalidRequest(f"description has at most {_MOST_DESCRIPTION} characters and no control characters")


def check_full_name(text: str, field: str = "full_name") -> None:
    """One line.

    Raises:
        InvalidRequest: it has control characters, or is long.
    """
    if len(text) > _MOST_CHARACTERS or any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise InvalidRequest(f"{field} has at most {_MOST_CHARACTERS} characters and no control characters")


def can_be_email(text: str) -> bool:
    """Whether it looks like one mail address."""
    control = any(unicodedata.category(char) in ("Cc", "Cs") for char in text)
    return _EMAIL.match(text) is not None and not control


def check_email(text: str) -> None:
    """Empty, or one address.

    Raises:
        InvalidRequest: it is not.
    """
    if text and not can_be_email(text):
        raise InvalidRequest("email must be empty or one mail address, as in rita@example.org")


def refuse_external(account: Account) -> None:
    """Raises ``InvalidRequest`` for an account whose password and roles are kept elsewhere."""
    if not account.is_local:
        where = {"ldap": "the directory", "oidc": "the identity provider"}.get(account.auth_source, "elsewhere")
        raise InvalidRequest(
            f"the password and the role of {account.username} are kept by {where}; change them there",
            auth_source=account.auth_source,
        )


def roles_named(words: Iterable[str]) -> frozenset[Role]:
    """Roles by name or alias.

    Raises:
        InvalidRequest: there is none of that name, or no name at all.
    """
    found = set()
    for word in words:
        if word not in set(Role) and word not in ROLE_ALIASES:
            known = ", ".join([*Role, *ROLE_ALIASES])
            raise InvalidRequest(f"there is no role {word[:40]!r}; there are {known}", role=word[:40])
        found.add(ROLE_ALIASES.get(word) or Role(word))
    if not found:
        raise InvalidRequest("name at least one role")
    return frozenset(found)


def role_names(words: Iterable[str]) -> RoleNames:
    """Roles by name or alias; whether there are such custom roles only the catalog knows.

    Raises:
        InvalidRequest: no name at all.
    """
    given = set(words)
    builtin = {word for word in given if word in set(Role) or word in ROLE_ALIASES}
    if not given:
        raise InvalidRequest("name at least one role")
    return RoleNames(roles_named(builtin) if builtin else frozenset(), frozenset(given - builtin))


def permissions_of(known: Collection[CustomRole], names: Collection[str]) -> frozenset[str]:
    """Codes of all permissions in custom roles of these names.

    Raises:
        InvalidRequest: there is none of a name.
    """
    found = {role.name: role.permissions for role in known}
    for name in sorted(names):
        if name not in found:
            listed = ", ".join([*Role, *ROLE_ALIASES, *sorted(found)][:30])
            raise InvalidRequest(f"there is no role {name[:40]!r}; there are {listed}", role=name[:40])
    return frozenset(code for name in names for code in found[name])


def level(roles: Iterable[Role]) -> int:
    """Of the highest; 0 for none."""
    return max((role.level for role in roles), default=0)
