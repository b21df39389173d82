"""What an advisory says, after reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from entrepot.domain.model.finding import Severity

EventKind = Literal["introduced", "fixed", "last_affected", "limit"]
Events = tuple[tuple[EventKind, str], ...]
"""Where a fault comes and goes, in any order; the version ``0`` is before every other."""


@dataclass(frozen=True, slots=True)
class Affected:
    """One package of one distribution: the versions in ``ranges``, and those listed in ``versions`` besides.

    ``severity`` is what the distribution says of this package, ``UNKNOWN`` where it says nothing.
    """

    context: str
    name: str
    ranges: tuple[Events, ...] = ()
    versions: tuple[str, ...] = ()
    severity: Severity = Severity.UNKNOWN


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record of a publisher.

    ``cves`` are the vulnerabilities it is about, ``aliases`` its other names.  ``severity`` is the publisher's own
    word; ``cvss`` was computed from ``cvss_vector`` and is ``None`` where that could not be done.
    """

    id: str
    modified_at: datetime
    published_at: datetime | None = None
    withdrawn_at: datetime | None = None
    cves: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    severity: Severity = Severity.UNKNOWN
    cvss: float | None = None
    cvss_vector: str = ""
    summary: str = ""
    urls: tuple[str, ...] = ()
    affected: tuple[Affected, ...] = ()


@dataclass(frozen=True, slots=True)
class Exploitation:
    """What is known of a vulnerability being used.

    ``epss`` is the probability of use within thirty days, from 0 to 1; ``kev_due_at`` is until when the catalogue of
    exploited vulnerabilities wants it mended.
    """

    id: str
    in_kev: bool = False
    kev_added_at: datetime | None = None
    kev_due_at: datetime | None = None
    kev_action: str = ""
    ransomware: bool = False
    epss: float | None = None
    epss_percentile: float | None = None
