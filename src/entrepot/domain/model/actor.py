"""Who does something: a person, a token, or the program itself."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Cumulative: each may do everything the ones before it may."""

    READER = "reader"
    UPLOADER = "uploader"
    AUDITOR = "auditor"
    MAINTAINER = "maintainer"
    ADMIN = "admin"

    @property
    def level(self) -> int:
        """1 for the lowest."""
        return list(Role).index(self) + 1


ROLE_ALIASES = {"viewer": Role.READER}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, with the roles in force now and the address the request came from.

    ``account`` is whose rights an API token uses; empty for everybody else.  ``scope`` limits what is written to suites
    of these full names (``archive/codename``); none is no limit.  ``custom`` are names of roles that the site defined,
    ``grants`` the codes of all permissions in them.  ``workload`` is the trusted one that a CI job belongs to;
    empty for everybody else.
    """

    name: str
    roles: frozenset[Role]
    address: str = ""
    account: str = ""
    scope: frozenset[str] | None = None
    custom: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()
    workload: str = ""

    @property
    def owner(self) -> str:
        """The account that answers for what is done."""
        return self.account or self.name

    @property
    def level(self) -> int:
        """Level of the highest role of the program; 0 for none."""
        return max((role.level for role in self.roles), default=0)


SYSTEM = Actor("system", frozenset({Role.ADMIN}))
"""The program itself: start-up, scheduler, workers."""
ANONYMOUS = Actor("", frozenset())


def name_key(name: str) -> str:
    """What two names have in common that people may take for each other: case, Unicode form, blanks and dots around."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip(" .")
