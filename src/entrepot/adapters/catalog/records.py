"""What units give and take: packages, where they stand, what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId, Suite, SuiteId

JsonValue = str | int | float | bool | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


class AdmissionState(StrEnum):
    """Where a package stands before one suite."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class StoredPackage:
    """A package that came in, whatever became of it."""

    id: PackageId
    key: PackageKey
    digest: Digest
    sha512: str
    size_bytes: int
    filename: str
    source: str
    section: str
    summary: str
    facts: Mapping[str, JsonValue]
    received_at: datetime
    received_by: str


@dataclass(frozen=True, slots=True)
class Admission:
    """One package asking for one suite, the steps it went through and what was decided."""

    id: int
    suite_id: SuiteId
    package_id: PackageId
    component: str
    state: AdmissionState
    steps: Sequence[Mapping[str, JsonValue]]
    reasons: Sequence[str]
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    justification: str = ""
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A package in a suite now.  ``published`` is false until a generation that contains it is in force."""

    package: StoredPackage
    suite: Suite
    component: str
    pool_path: str
    added_at: datetime
    added_by: str
    published: bool


@dataclass(frozen=True, slots=True)
class Placing:
    """A package about to enter a suite; ``tree`` is the architecture tree that lists it."""

    package_id: PackageId
    key: PackageKey
    component: str
    tree: str
    pool_path: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which generation is in force."""

    suite_id: SuiteId
    manifest: Digest


@dataclass(frozen=True, slots=True)
class Pooled:
    """Where the bytes of a downloadable package are.

    ``absent`` is the number of a file of a mirror that is listed and not stored; its digest is the listed one then.
    """

    digest: Digest
    size_bytes: int
    received_at: datetime
    absent: int = 0


@dataclass(frozen=True, slots=True)
class PackageFilter:
    """Conditions on a list of packages; all must hold, an empty one always does.

    ``text`` is looked for in names and summaries, literally.  ``names`` are alternatives.  ``waits`` asks for packages
    that wait for a suite, or for those that are in one; only pages of packages and names look at it.
    """

    text: str = ""
    name: str = ""
    version: str = ""
    architecture: str = ""
    format: Format | None = None
    suite: str = ""
    names: tuple[str, ...] = ()
    waits: bool | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done, or refused; ``role`` is known of entries that were read."""

    action: str
    result: str
    actor: Actor
    at: datetime
    package: str | None = None
    version: str | None = None
    suite: str | None = None
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
    role: str | None = None
