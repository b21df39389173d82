"""The part of the port about the audit log: a chain of entries, its head, and signed checkpoints of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.chain import hash_of

_WORDS = 8000
_ROLES = 64


@dataclass(frozen=True, slots=True)
class ChainedEntry:
    """An entry with its place.  ``number`` has no gaps and grows in the order of commits; it is the row's id.

    ``searchable`` is false when the words it is found by are not those of the entry.
    """

    number: int
    previous: str
    hash: str
    entry: AuditEntry
    searchable: bool = True

    def document(self) -> dict[str, JsonValue]:
        """All of it, as it is hashed and exported."""
        return {**document_of(self.number, self.previous, self.entry), "hash": self.hash}


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest entry: what the next one is linked to."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement about the chain, word by word as it was signed, with its armored detached signature.

    ``number`` is the entry it is about.  ``forgets`` is true when the entries up to it were removed on purpose.
    """

    number: int
    forgets: bool
    at: datetime
    statement: str
    signature: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Conditions on entries; all must hold, an empty one always does.

    ``start`` and ``end`` belong to the range.  ``text`` is looked for in package, user, account and detail, in any
    case.
    """

    package: str = ""
    user: str = ""
    action: str = ""
    result: str = ""
    suite: str = ""
    start: datetime | None = None
    end: datetime | None = None
    text: str = ""

    def empty(self) -> bool:
        """Whether every entry meets it."""
        return self == AuditFilter()


def document_of(number: int, previous: str, entry: AuditEntry) -> dict[str, JsonValue]:
    """What the hash of an entry covers."""
    return {
        "id": number,
        "previous": previous,
        "timestamp": entry.at.isoformat(timespec="microseconds"),
        "action": entry.action,
        "result": entry.result,
        "user": entry.actor.name,
        "account": entry.actor.account or None,
        "role": role_of(entry),
        "ip": entry.actor.address,
        "package": entry.package,
        "version": entry.version,
        "distribution": entry.suite,
        "detail": entry.detail,
    }


def chained(number: int, previous: str, entry: AuditEntry) -> ChainedEntry:
    """The entry as the next one of a chain, its detail as the database gives it back: with lists and names of text."""
    entry = replace(entry, detail=json.loads(json.dumps(entry.detail)))
    return ChainedEntry(number, previous, hash_of(document_of(number, previous, entry)), entry)


def role_of(entry: AuditEntry) -> str | None:
    """The highest role the actor had when it was done, or those of the site's own."""
    roles = entry.actor.roles
    if entry.role or not roles:
        return entry.role or ",".join(sorted(entry.actor.custom))[:_ROLES] or None
    return max(roles, key=lambda role: role.level).value


def words_of(entry: AuditEntry) -> str:
    """What an entry is found by, in one case."""
    parts = [entry.package or "", entry.actor.name, entry.actor.account, *_texts(entry.detail)]
    return "\n".join(part for part in parts if part).replace("\0", " ").casefold()[:_WORDS]


def _texts(value: JsonValue, name: str = "") -> list[str]:
    if isinstance(value, Mapping):
        return [text for key, inner in value.items() for text in _texts(inner, key)]
    if isinstance(value, list | tuple):
        return [text for inner in value for text in _texts(inner, name)]
    return [] if value is None else [f"{name} {value}".strip()]


class AuditReading(Protocol):
    """What can be asked about the log."""

    def audit_entries(self, limit: int, package: str | None = None) -> list[AuditEntry]:
        """Newest first."""
        ...

    def audit_page(
        self, wanted: AuditFilter, offset: int, limit: int, upto: int, *, ascending: bool = False
    ) -> list[ChainedEntry]:
        """Entries up to a number, by time and number, newest first unless ``ascending``."""
        ...

    def audit_count(self, wanted: AuditFilter, after: int, upto: int) -> int:
        """How many there are behind one number, up to another."""
        ...

    def audit_chain(self, after: int, limit: int) -> list[ChainedEntry]:
        """The next entries in the order of the chain."""
        ...

    def audit_batch(self, wanted: AuditFilter, after: ChainedEntry | None, limit: int, upto: int) -> list[ChainedEntry]:
        """Entries up to a number behind the last one of the batch before, oldest first.

        All of them come in the order of the chain, those that meet a condition by time.
        """
        ...

    def audit_head(self) -> ChainHead:
        """The newest entry; number 0 before the first one."""
        ...

    def audit_first(self) -> int:
        """Number of the oldest entry there is; one more than the head's when there is none."""
        ...

    def audit_end_before(self, moment: datetime) -> ChainHead | None:
        """The last entry of all those at the beginning of the log that are older than a moment."""
        ...

    def audit_next_time(self, after: datetime | None) -> datetime | None:
        """The earliest time of an entry, or the next one behind a time."""
        ...

    def checkpoints(self, after: int, limit: int) -> list[tuple[int, Checkpoint]]:
        """With their row numbers, in the order they were made."""
        ...

    def last_checkpoint(self) -> Checkpoint | None:
        """The one about the newest entry."""
        ...

    def last_forgetting(self) -> Checkpoint | None:
        """The one that the log begins behind."""
        ...


class AuditWriting(Protocol):
    """What can be changed."""

    def audit(self, entry: AuditEntry) -> None:
        """Append, when the unit is committed: only then is its place known."""
        ...

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Beside the others; there may be several about one entry."""
        ...

    def forget_audit_before(self, number: int, limit: int) -> int:
        """Remove the oldest entries up to a number, at most so many at once; how many went.

        Only behind a checkpoint that says so.
        """
        ...
