"""The port: is this somebody's password, and which groups are they in?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from entrepot.domain.model.federation import Directory


@dataclass(frozen=True, slots=True)
class Person:
    """An entry of a directory.  ``username`` is as the directory spells it; ``groups`` are whole DNs."""

    username: str
    full_name: str
    email: str
    groups: tuple[str, ...]


class People(Protocol):
    """Questions to a directory; each has an end, however the directory behaves.

    Every method may raise ``DirectoryRefused`` (our own credentials, or a setting), ``DirectoryTimedOut`` and
    ``DirectoryUnavailable`` (not reachable, not to be trusted, or too many questions at once).  Their texts name no
    secret.
    """

    def recognise(self, where: Directory, username: str, password: str) -> Person | None:
        """Whoever has this name and this password; none if nobody has, or more than one the name."""
        ...

    def find(self, where: Directory, username: str) -> Person | None:
        """Whoever has this name now."""
        ...

    def count(self, where: Directory) -> int:
        """How many people the filter finds, up to a thousand."""
        ...
