"""What is known to be wrong with a package, and how sure one can be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """Hardest first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEGLIGIBLE = "negligible"
    UNKNOWN = "unknown"


SEVERITIES = tuple(Severity)
"""In order, hardest first; what nobody has rated comes last."""


class FixState(StrEnum):
    """Whether there is a version without the fault, for this distribution."""

    FIXED = "fixed"
    NOT_FIXED = "not-fixed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability that one package has.

    ``id`` is the CVE where there is one, else the advisory's own; ``aliases`` are all other names, the advisory's among
    them.  ``cvss`` is a base score from 0 to 10.  ``package`` and ``version`` are what the advisory speaks of: the
    source package, the binary one, or a component that the package carries, whose purl then is ``component``.
    ``epss`` is a probability from 0 to 1, ``None`` where nobody has told.  ``engine`` names who found it.
    """

    id: str
    severity: Severity
    package: str
    version: str
    fix_state: FixState = FixState.UNKNOWN
    fix_versions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    cvss: float | None = None
    cvss_vector: str = ""
    summary: str = ""
    urls: tuple[str, ...] = ()
    published_at: datetime | None = None
    in_kev: bool = False
    epss: float | None = None
    epss_percentile: float | None = None
    component: str = ""
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much a check has looked at, with which knowledge.

    ``context`` is the distribution that was asked about, in the words of the advisories (``Debian:12``), empty where
    none is known.  ``skipped`` names what was left out and why, the first few of them; ``skipped_count`` counts all.
    ``database`` names the signatures or advisories, ``database_date`` says how old they are.  ``position`` is that of
    the advisories, ``round`` the comparison of everything, which the answer has taken in.
    """

    bytes_scanned: int = 0
    bytes_total: int = 0
    members_scanned: int = 0
    members_total: int = 0
    skipped: tuple[str, ...] = ()
    skipped_count: int = 0
    engine: str = ""
    database: str = ""
    database_date: datetime | None = None
    context: str = ""
    position: int = 0
    round: int = 0
