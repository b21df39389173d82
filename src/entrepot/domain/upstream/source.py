"""A repository of somebody else: where it is, whom to believe about it, and what was taken from it last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NewType, Self

from entrepot.domain.model.package import Format

SourceId = NewType("SourceId", int)

FIRST_BUILTIN = SourceId(1_000_001)
"""Sources that come with the program are numbered from here, so that those of administrators begin with one."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What an administrator grants to a source beyond what its keys vouch for.

    ``fingerprints``: a keyring counts only if it has one of these primary keys.
    """

    allow_unsigned: bool = False
    check_valid_until: bool = True
    fingerprints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """How a source is reached.  ``sealed`` are credentials at rest; nobody but the fetching service opens them."""

    mirrorlist: str = ""
    authorities: str = ""
    bytes_per_second: int = 0
    connections: int = 4
    sealed: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Root:
    """The signed file at the top of an index, as it was when it was last believed.

    ``moment`` is the date of a Release file, or the newest timestamp of repomd.xml; with ``revision`` it never goes
    back.  ``etag`` and ``last_modified`` ask whether there is another one.
    """

    sha256: str
    moment: datetime
    revision: int = 0
    valid_until: datetime | None = None
    origin: str = ""
    label: str = ""
    suite: str = ""
    codename: str = ""
    etag: str = ""
    last_modified: str = ""

    def to_json(self) -> dict[str, Any]:
        """To keep."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self | None:
        """What was kept; none of nothing."""
        if not found:
            return None
        until = found["valid_until"]
        kept = cls(**{**found, "moment": datetime.fromisoformat(found["moment"]), "valid_until": None})
        return replace(kept, valid_until=datetime.fromisoformat(until) if until else None)


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known of it.  ``generation`` is what can be searched; ``built`` the last number that was begun.

    ``checked_at`` is when it was last known to be up to date, ``changed_at`` when it last was another one.
    """

    generation: int = 0
    built: int = 0
    package_count: int = 0
    checked_at: datetime | None = None
    changed_at: datetime | None = None
    attempted_at: datetime | None = None
    error: str = ""
    error_code: str = ""
    notes: tuple[str, ...] = ()
    root: Root | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One source.  ``distribution`` is the suite for deb; for rpm the distribution that its packages are meant for."""

    id: SourceId
    name: str
    label: str
    format: Format
    url: str
    distribution: str
    components: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    keyring: str = ""
    enabled: bool = True
    security: bool = False
    builtin: bool = False
    trust: Trust = Trust()
    reach: Reach = Reach()
    state: SourceState = SourceState()

    @property
    def folder(self) -> str:
        """Where its index lies, below its base URL."""
        if self.format is Format.RPM:
            return ""
        if self.is_flat:
            return "" if self.distribution in ("/", "./") else self.distribution.removeprefix("/")
        return f"dists/{self.distribution}/"

    @property
    def is_flat(self) -> bool:
        """Whether its index and its packages lie in one folder, without components: ``deb URL ./``."""
        return self.format is Format.DEB and self.distribution.endswith("/")
