"""Who does something: a person, a token, or the program itself."""

from __future__ import annotations

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
    """Who asks, with the roles in force now and the address the request came from."""

    name: str
    roles: frozenset[Role]
    address: str = ""

    @property
    def level(self) -> int:
        """Level of the highest role; 0 for none."""
        return max((role.level for role in self.roles), default=0)


SYSTEM = Actor("system", frozenset({Role.ADMIN}))
"""The program itself: start-up, scheduler, workers."""
ANONYMOUS = Actor("", frozenset())
