"""Signed checkpoints of the chain: who changes entries cannot sign what they made of them.

The key is one of the installation's own, apart from those of archives.  A checkpoint is written to the journal first
and into the catalog second, so that the journal has every one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from entrepot.adapters.catalog.auditing import ChainHead, Checkpoint
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.journal.base import Journal
from entrepot.adapters.signing.base import KeyAlgorithm, Keyring, Signer
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.chain import canonical
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import EntrepotError, SigningUnavailable

_log = structlog.get_logger(__name__)

KEY = "audit"
_FACT = f"key/{KEY}"
_MOST_UNSEALED = 1000
_LONGEST_UNSEALED = timedelta(minutes=10)
_FORGET_AT_ONCE = 2000


class Forgotten(NamedTuple):
    """How many entries went, and how many stay."""

    deleted: int
    kept: int


class Seals:
    """Makes checkpoints."""

    def __init__(self, catalog: Catalog, keyring: Keyring, journal: Journal, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._keyring = keyring
        self._journal = journal
        self._now = now
        self._lock = threading.Lock()

    def signer(self) -> Signer:
        """The installation's own key, made at first need.

        Raises:
            SigningUnavailable: it was there once and is gone.
        """
        with self._catalog.read() as reading:
            known = reading.fact(_FACT)
        if known is None:
            made = self._keyring.create(KEY, "Entrepot audit log", KeyAlgorithm.ED25519, self._now())
            with self._catalog.write() as unit:
                unit.set_fact(_FACT, made.fingerprint)
        elif KEY not in self._keyring.names():
            raise SigningUnavailable(
                f"the key {known} of the audit log is gone; restore the folder 'keys' from a backup"
            )
        return self._keyring.signer(KEY)

    def seal_if_due(self) -> None:
        """A checkpoint, if there are many entries without one, or some for long."""
        with self._catalog.read() as reading:
            head, last = reading.audit_head(), reading.last_checkpoint()
        unsealed = head.number - (last.number if last else 0)
        late = last is None or self._now() - last.at >= _LONGEST_UNSEALED
        if unsealed >= _MOST_UNSEALED or (unsealed > 0 and late):
            self.seal()

    def seal(self) -> Checkpoint | None:
        """A checkpoint of the newest entry, or the one that there is; none before the first entry.

        Raises:
            SigningUnavailable, StoreUnavailable, StoreFull: nothing was recorded.
        """
        with self._lock:
            with self._catalog.read() as reading:
                head, last = reading.audit_head(), reading.last_checkpoint()
            if head.number == 0 or (last is not None and last.number == head.number):
                return last
            return self._record(head, forgets=False)

    def seal_at_end(self) -> None:
        """Of what a working program leaves behind; when it cannot be had, the next start makes one."""
        try:
            self.seal()
        except EntrepotError as error:
            _log.warning("audit.not_sealed", reason=error.detail)

    def forget_before(self, actor: Actor, moment: datetime) -> Forgotten:
        """Remove the beginning of the log, as far as every entry is older; a checkpoint says that it was meant.

        May be interrupted anywhere: the next call finishes.
        """
        demand(actor, Permission.AUDIT_ARCHIVE)
        with self._lock:
            with self._catalog.read() as reading:
                end, before = reading.audit_end_before(moment), reading.last_forgetting()
            if end is not None and (before is None or before.number < end.number):
                self._record(end, forgets=True)
            until = max(end.number if end else 0, before.number if before else 0)
            deleted, gone = 0, _FORGET_AT_ONCE
            while until and gone == _FORGET_AT_ONCE:
                with self._catalog.write() as unit:
                    gone = unit.forget_audit_before(until, _FORGET_AT_ONCE)
                deleted += gone
        with self._catalog.read() as reading:
            return Forgotten(deleted, reading.audit_head().number + 1 - reading.audit_first())

    def _record(self, head: ChainHead, *, forgets: bool) -> Checkpoint:
        signer, now = self.signer(), self._now()
        statement = statement_of(head, now, forgets=forgets)
        signature = signer.detach(statement.encode()).decode()
        checkpoint = Checkpoint(head.number, forgets, now, statement, signature)
        self._journal.append(line_of(checkpoint))
        with self._catalog.write() as unit:
            unit.add_checkpoint(checkpoint)
        return checkpoint

    def journal(self) -> Iterator[tuple[str, str]]:
        """Statements and signatures of the journal; what is no line of ours has an empty statement."""
        for line in self._journal.lines():
            try:
                found = json.loads(line)
                yield str(found["statement"]), str(found["signature"])
            except (ValueError, KeyError, TypeError, RecursionError):
                yield "", ""


def statement_of(head: ChainHead, now: datetime, *, forgets: bool) -> str:
    """What is signed."""
    about = "entries up to this one were removed on purpose" if forgets else "audit log up to this entry"
    words = {"about": about, "at": now.isoformat(), "forgets": forgets, "hash": head.hash, "number": head.number}
    return canonical(words).decode()


def line_of(checkpoint: Checkpoint) -> bytes:
    """A line of the journal."""
    return canonical({"statement": checkpoint.statement, "signature": checkpoint.signature})


@dataclass(frozen=True, slots=True)
class Statement:
    """A checkpoint as it was found; whether its signature is good is another question."""

    number: int
    hash: str
    forgets: bool
    at: str
    text: str
    signature: str


def read_statement(text: str, signature: str) -> Statement | None:
    """None for what nobody here has made."""
    try:
        words: Mapping[str, object] = json.loads(text)
        number, hash_, at = words["number"], words["hash"], words["at"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(number, int) or not isinstance(hash_, str) or number < 1:
        return None
    return Statement(number, hash_, words.get("forgets") is True, str(at), text, signature)
