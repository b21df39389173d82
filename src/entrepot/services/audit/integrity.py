"""Whether the log is what was written: every hash, every number, and what was signed about them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from entrepot.adapters.catalog.auditing import ChainedEntry
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.signing.base import Verification
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.chain import ChainWalk, Fault, FaultKind
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyRunning, BadSignature
from entrepot.services.audit.seals import Seals, Statement, read_statement

_BATCH = 2000
_MOST_FAULTS = 1000
_CHECKED_SIGNATURES = 200
_ABSENT = "a statement with a signature of the audit log's key"


@dataclass(slots=True)
class IntegrityReport:
    """What was looked at and what is wrong; of many faults the first thousand are told."""

    checked_at: datetime
    entries: int = 0
    first: int = 0
    last: int = 0
    hash: str = ""
    checkpoints: int = 0
    sealed_upto: int = 0
    forgotten_upto: int = 0
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def words(self) -> dict[str, object]:
        """As programs read it."""
        faults = [{**asdict(fault), "message": str(fault)} for fault in self.faults]
        status = "broken" if self.fault_count else "ok"
        return {"status": status, **asdict(self), "checked_at": self.checked_at.isoformat(), "faults": faults}

    def add(self, fault: Fault) -> None:
        """One more fault."""
        self.fault_count += 1
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(fault)


class Integrity:
    """One look at a time."""

    def __init__(self, catalog: Catalog, seals: Seals, verification: Verification, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._seals = seals
        self._verification = verification
        self._now = now
        self._turn = threading.Lock()

    def verify(self, actor: Actor, tell: Callable[[str], None] = lambda _text: None) -> IntegrityReport:
        """All of the log, some entries at a time, while others write.

        Raises:
            AlreadyRunning: somebody else has it verified now.
        """
        demand(actor, Permission.AUDIT_VERIFY)
        if not self._turn.acquire(blocking=False):
            raise AlreadyRunning("the audit log is being verified already; ask again in a moment")
        try:
            return _Look(self._catalog, self._seals, self._verification, self._now()).report(tell)
        finally:
            self._turn.release()


class _Look:
    """One verification."""

    def __init__(self, catalog: Catalog, seals: Seals, verification: Verification, now: datetime) -> None:
        self._catalog = catalog
        self._verification = verification
        self._seals = seals
        self._certificate = seals.signer().certificate()
        self._report = IntegrityReport(now)
        self._walk = ChainWalk()
        self._claims: dict[int, dict[str, Statement]] = {}
        self._judged: dict[str, bool] = {}

    def report(self, tell: Callable[[str], None]) -> IntegrityReport:
        """From the beginning of the log to its end."""
        self._gather()
        while batch := self._next():
            for link in batch:
                self._step(link)
            tell(f"{self._walk.number} entries")
        self._check_end()
        found = self._report
        found.last, found.hash = self._walk.number, self._walk.hash
        return found

    def _gather(self) -> None:
        """What was signed, in the catalog and in the journal."""
        in_catalog: set[str] = set()
        after = 0
        while True:
            with self._catalog.read() as reading:
                rows = reading.checkpoints(after, _BATCH)
            if not rows:
                break
            for after, row in rows:  # noqa: B007 - the last one is where to go on
                in_catalog.add(row.statement)
                statement = self._claim(row.statement, row.signature)
                if statement is not None and (statement.number, statement.forgets) != (row.number, row.forgets):
                    self._report.add(Fault(FaultKind.CHECKPOINT, row.number, statement.text, "another number or kind"))
        in_journal = {text for text, signature in self._seals.journal() if self._claim(text, signature)}
        lacking = len(in_catalog - in_journal)
        if lacking:
            self._report.notes.append(f"the file of checkpoints lacks {lacking} that the database has")
        self._report.checkpoints = len(in_catalog | in_journal)
        newest = sorted(self._claims, reverse=True)[:_CHECKED_SIGNATURES]
        for number in newest:
            for statement in self._claims[number].values():
                if not self._signed(statement):
                    self._report.add(Fault(FaultKind.CHECKPOINT, number, _ABSENT, statement.text[:300]))
        sealed = [number for number in newest if any(map(self._signed, self._claims[number].values()))]
        self._report.sealed_upto = sealed[0] if sealed else 0

    def _claim(self, text: str, signature: str) -> Statement | None:
        statement = read_statement(text, signature)
        if statement is None:
            self._report.add(Fault(FaultKind.CHECKPOINT, 0, _ABSENT, "a line that is no checkpoint"))
            return None
        self._claims.setdefault(statement.number, {})[text] = statement
        return statement

    def _signed(self, statement: Statement) -> bool:
        known = self._judged.get(statement.text)
        if known is None:
            try:
                data, signature = statement.text.encode(), statement.signature.encode()
                self._verification.verify_detached(self._certificate, data, signature)
                known = True
            except BadSignature:
                known = False
            self._judged[statement.text] = known
        return known

    def _next(self) -> list[ChainedEntry]:
        """The next entries; where the log was cut on purpose, those behind the cut."""
        while True:
            with self._catalog.read() as reading:
                batch = reading.audit_chain(self._walk.number, _BATCH)
                head, forgotten = reading.audit_head(), reading.last_forgetting()
            if forgotten is not None:  # while this looks, somebody may cut
                self._claim(forgotten.statement, forgotten.signature)
            first = batch[0].number if batch else head.number + 1
            cut = self._cut_at(first) if first > self._walk.number + 1 else None
            if cut is None:
                return batch
            self._walk.jump(cut.number, cut.hash)
            self._report.forgotten_upto = cut.number

    def _cut_at(self, first: int) -> Statement | None:
        """What says that the entries before this one were removed on purpose, or the first of them."""
        beyond = sorted(
            (
                statement
                for number, claims in self._claims.items()
                if number > self._walk.number
                for statement in claims.values()
                if statement.forgets
            ),
            key=lambda one: one.number,
        )
        signed = [one for one in beyond if self._signed(one)]
        whole = [one for one in signed if one.number >= first - 1]
        return whole[0] if whole else signed[-1] if signed else None

    def _step(self, link: ChainedEntry) -> None:
        self._report.first = self._report.first or link.number
        self._report.entries += 1
        for fault in self._walk.step(link.document()):
            self._report.add(fault)
        if not link.searchable:
            self._report.add(Fault(FaultKind.WORDS, link.number, "the words of the entry", "others to be found by"))
        for statement in self._claims.get(link.number, {}).values():
            if statement.hash != link.hash and self._signed(statement):
                expected = f"hash {statement.hash}, signed at {statement.at}"
                self._report.add(Fault(FaultKind.REWRITTEN, link.number, expected, f"hash {link.hash}"))

    def _check_end(self) -> None:
        with self._catalog.read() as reading:
            if reading.audit_chain(self._walk.number, 1):
                return  # somebody wrote meanwhile: what we saw was not the end
            head = reading.audit_head()
        walk = self._walk
        beyond = sorted((number for number in self._claims if number > walk.number), reverse=True)
        signed = (one for number in beyond for one in self._claims[number].values() if self._signed(one))
        cut = next(signed, None)
        if cut is not None:
            expected = f"entry {cut.number} with hash {cut.hash}, signed at {cut.at}"
            self._report.add(Fault(FaultKind.CUT, walk.number + 1, expected, f"an end at {walk.number}", cut.number))
        if (head.number, head.hash) != (walk.number, walk.hash):
            found = f"entry {walk.number} with hash {walk.hash}"
            self._report.add(Fault(FaultKind.HEAD, head.number, f"entry {head.number} with hash {head.hash}", found))
