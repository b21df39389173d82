"""What names, mail addresses and roles may look like (contract 4.1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from entrepot.domain.model.actor import ROLE_ALIASES, SYSTEM, Role
from entrepot.errors import AlreadyExists, InvalidRequest

_USERNAME = re.compile(r"[A-Za-z0-9._-]{3,64}\Z")
_TOKEN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@:+()#-]{0,63}\Z")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}\Z")
_MOST_CHARACTERS = 256


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


def check_full_name(text: str) -> None:
    """One line.

    Raises:
        InvalidRequest: it has control characters, or is long.
    """
    if len(text) > _MOST_CHARACTERS or any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise InvalidRequest(f"full_name has at most {_MOST_CHARACTERS} characters and no control characters")


def check_email(text: str) -> None:
    """Empty, or one address.

    Raises:
        InvalidRequest: it is not.
    """
    control = any(unicodedata.category(char) in ("Cc", "Cs") for char in text)
    if text and (not _EMAIL.match(text) or control):
        raise InvalidRequest("email must be empty or one mail address, as in rita@example.org")


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


def level(roles: Iterable[Role]) -> int:
    """Of the highest; 0 for none."""
    return max((role.level for role in roles), default=0)
