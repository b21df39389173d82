"""Content that was frozen under a name, and names that move from one such content to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.suite import PackageId, Suite, SuiteId


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One generation of a suite, kept under a name.

    ``content_id`` is the same for the same packages in the same components, whatever the name, the suite or the day.
    A merged one names the states that it was made from.
    """

    id: int
    suite_id: SuiteId
    name: str
    generation: Generation
    content_id: str
    size_bytes: int
    description: str
    created_at: datetime
    created_by: str
    merged_from: Sequence[str] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A package of a suite at some revision; ``number`` is that of its stay there."""

    package_id: PackageId
    key: bytes
    name: str
    version: str
    architecture: str
    component: str
    digest: str
    size_bytes: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class PackageFile:
    """The file of a package of a suite at some revision.

    ``path`` is in the pool, ``tree`` the architecture that lists it.  Nobody gets what is in ``quarantine``.
    """

    path: str
    tree: str
    digest: Digest
    size_bytes: int
    quarantine: bool


@dataclass(frozen=True, slots=True)
class Environment:
    """A name under which machines see one snapshot of each of some suites.

    Only administrators move a ``protected`` one, and with a reason.
    """

    id: int
    name: str
    description: str
    protected: bool
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Move:
    """An environment was pointed to a snapshot of a suite; the newest move of a suite is in force.

    ``number`` orders all moves.  Without a snapshot the suite has left the environment.
    """

    number: int
    environment_id: int
    suite: Suite
    snapshot: Snapshot | None
    moved_at: datetime
    moved_by: str
    reason: str
