"""What happens here that others may want to hear of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

EVENTS: Mapping[str, str] = {
    "published": "packages can be installed",
    "held": "a package waits for a decision",
    "approved": "a person approved a package that was held",
    "rejected": "a package was refused",
    "promoted": "packages were taken over from another distribution",
    "deleted": "a package was removed",
    "quarantined": "a package was taken out of reach",
    "findings": "something new was found in a package",
    "assigned": "somebody is to look after a package",
    "expiring": "a decision about a package ends soon",
    "expired": "a decision about a package has ended",
    "overdue": "a package waits for a decision longer than it should",
    "key_expiry": "a signing key expires soon",
    "retention": "old packages were removed",
    "mirror_failed": "a mirror could not be brought up to date, and shows what it showed before",
    "mirror_recovered": "a mirror that had failed is up to date again",
    "source_failed": "a source could not be synchronised several times in a row",
    "source_recovered": "a source that had failed is synchronised again",
    "upstream_expiring": "what somebody else has signed ends soon",
    "bundle_received": "all of a bundle arrived, and is shown",
    "bundle_refused": "a bundle was not taken over",
}
"""Names in settings, webhooks and templates, with what they mean."""


@dataclass(frozen=True, slots=True)
class Event:
    """One of ``EVENTS``.  Empty where a word does not apply; ``count`` tells how many packages it is about."""

    kind: str
    at: datetime
    package: str = ""
    version: str = ""
    arch: str = ""
    distribution: str = ""
    user: str = ""
    reason: str = ""
    sha256: str = ""
    count: int = 1
    more: Mapping[str, str | int] = field(default_factory=dict)
