"""How far a run of retention is, as it is kept in the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.policy.retention import Reason, Stay

MOST_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Leaving:
    """A version that goes, or went."""

    name: str
    version: str
    architecture: str
    distribution: str
    reason: str
    size_bytes: int
    added_at: str

    @staticmethod
    def of(stay: Stay, reason: Reason, distribution: str) -> Leaving:
        """From a verdict."""
        return Leaving(
            stay.name,
            stay.version,
            stay.architecture,
            distribution,
            reason.value,
            stay.size_bytes,
            stay.added_at.isoformat(),
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """``checked`` are names by architecture and suite; bytes are those of packages that were in no suite afterwards.

    All that went is counted; of all of them, the first thousand are named here, and each one in the audit.
    """

    checked: int = 0
    spared: int = 0
    by_number: int = 0
    by_age: int = 0
    bytes_by_number: int = 0
    bytes_by_age: int = 0
    sessions_forgotten: int = 0
    audit_deleted: int = 0
    audit_kept: int = 0
    named: Sequence[Leaving] = field(default_factory=tuple)

    def with_looked(self, checked: int, spared: int) -> Tally:
        """And so many more looked at."""
        return replace(self, checked=self.checked + checked, spared=self.spared + spared)

    def with_leaving(self, leaving: Sequence[Leaving]) -> Tally:
        """And these."""
        if not leaving:
            return self
        aged = sum(one.reason == Reason.AGE for one in leaving)
        return replace(
            self,
            by_number=self.by_number + len(leaving) - aged,
            by_age=self.by_age + aged,
            named=(*self.named, *leaving)[:MOST_NAMED] if len(self.named) < MOST_NAMED else self.named,
        )

    def with_freed(self, freed: Sequence[tuple[Stay, Reason]]) -> Tally:
        """And the bytes of these."""
        sizes = dict.fromkeys(Reason, 0)
        for stay, reason in freed:
            sizes[reason] += stay.size_bytes
        return replace(
            self,
            bytes_by_number=self.bytes_by_number + sizes[Reason.NUMBER],
            bytes_by_age=self.bytes_by_age + sizes[Reason.AGE],
        )

    def to_json(self) -> dict[str, JsonValue]:
        """As it is kept."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, JsonValue]) -> Tally:
        """As it was kept; empty is a beginning."""
        known = cast("dict[str, Any]", {name: value for name, value in data.items() if name in Tally.__slots__})
        known["named"] = tuple(Leaving(**one) for one in known.get("named", ()))
        return Tally(**known)
