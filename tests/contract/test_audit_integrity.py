"""Verification of the audit log: whatever somebody with the database does to it is found and named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.test_audit_chain import NOW, entry

from entrepot.adapters.catalog.auditing import chained
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.auditing import row_of
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.journal.filesystem import FilesystemJournal
from entrepot.adapters.signing import verification
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.chain import Fault, FaultKind
from entrepot.errors import SigningUnavailable
from entrepot.services.audit import Integrity, IntegrityReport, Seals
from entrepot.testing.memory import Clock


@dataclass(frozen=True, slots=True)
class Log:
    """An audit log with its seals; ``tamper`` is what somebody can do who has the database and nothing else."""

    catalog: SqlCatalog
    keyring: MemoryKeyring
    seals: Seals
    clock: Clock
    folder: Path

    def write(self, first: int, last: int) -> None:
        with self.catalog.write() as unit:
            for number in range(first, last + 1):
                unit.audit(entry(number))

    def verify(self) -> IntegrityReport:
        return Integrity(self.catalog, self.seals, verification, self.clock.now).verify(SYSTEM)

    def faults(self) -> list[tuple[FaultKind, int]]:
        return [(fault.kind, fault.number) for fault in self.verify().faults]

    def tamper(self, *statements: str | sa.Executable) -> None:
        with self.catalog.engine.connect().execution_options(writes=True) as connection, connection.begin():
            for statement in statements:
                connection.execute(sa.text(statement) if isinstance(statement, str) else statement)

    def rewrite(self, number: int) -> None:
        """Change one entry and link everything after it anew, the head too."""
        with self.catalog.read() as reading:
            links = reading.audit_chain(0, 1000)
        previous = links[number - 1].previous
        for link in links[number - 1 :]:
            found = entry(999) if link.number == number else link.entry
            forged = chained(link.number, previous, found)
            self.tamper(sa.update(t.audit).where(t.audit.c.id == link.number).values(**row_of(forged)))
            previous = forged.hash
        self.tamper(sa.update(t.audit_head).values(hash=previous))

    def cut(self, last: int) -> None:
        """Forget what came after an entry, so that the catalog looks as it did then."""
        with self.catalog.read() as reading:
            hash_ = reading.audit_chain(last - 1, 1)[0].hash
        self.tamper(
            sa.delete(t.audit).where(t.audit.c.id > last),
            sa.delete(t.audit_checkpoint).where(t.audit_checkpoint.c.number > last),
            sa.update(t.audit_head).values(number=last, hash=hash_),
        )


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[Log]:
    catalog, clock = SqlCatalog(database_url), Clock(NOW)
    keyring = MemoryKeyring(clock.now)
    seals = Seals(catalog, keyring, FilesystemJournal(tmp_path / "checkpoints"), clock.now)
    yield Log(catalog, keyring, seals, clock, tmp_path)
    catalog.close()


def test_a_log_that_nobody_touched_is_in_order(log: Log) -> None:
    assert log.verify().fault_count == 0
    for first in (1, 6, 11):
        log.write(first, first + 4)
        log.seals.seal()
    log.write(16, 17)
    report = log.verify()
    assert (report.faults, report.notes) == ([], [])
    assert (report.entries, report.first, report.last, report.sealed_upto, report.checkpoints) == (17, 1, 17, 15, 3)


def test_checkpoints_come_with_many_entries_or_with_time(log: Log) -> None:
    log.seals.seal_if_due()
    assert log.verify().checkpoints == 0
    log.write(1, 1)
    log.seals.seal_if_due()
    log.write(2, 900)
    log.seals.seal_if_due()
    assert log.verify().sealed_upto == 1
    log.clock.advance(minutes=11)
    log.seals.seal_if_due()
    log.seals.seal_if_due()
    log.write(901, 2000)
    log.seals.seal_if_due()
    report = log.verify()
    assert (report.sealed_upto, report.checkpoints, report.faults) == (2000, 3, [])


def test_a_chain_that_was_linked_anew_contradicts_its_checkpoints(log: Log) -> None:
    log.write(1, 5)
    log.seals.seal()
    log.write(6, 9)
    log.seals.seal()
    log.rewrite(7)
    [fault] = log.verify().faults
    assert (fault.kind, fault.number) == (FaultKind.REWRITTEN, 9)
    log.rewrite(2)
    assert log.faults() == [(FaultKind.REWRITTEN, 5), (FaultKind.REWRITTEN, 9)]
    log.tamper(sa.delete(t.audit_checkpoint))
    assert log.faults() == [(FaultKind.REWRITTEN, 5), (FaultKind.REWRITTEN, 9)], "the journal has them"


def test_a_tail_that_was_cut_is_missed(log: Log) -> None:
    log.write(1, 5)
    log.seals.seal()
    log.write(6, 9)
    log.seals.seal()
    log.cut(7)
    [fault] = log.verify().faults
    assert (fault.kind, fault.number, fault.last) == (FaultKind.CUT, 8, 9)
    assert "entry 9 with hash" in fault.expected
    log.tamper(sa.delete(t.audit), sa.delete(t.audit_checkpoint))
    log.tamper(sa.update(t.audit_head).values(number=0, hash="0" * 64))
    assert log.faults() == [(FaultKind.CUT, 1)]
    log.write(3, 22)
    assert log.faults() == [(FaultKind.REWRITTEN, 5), (FaultKind.REWRITTEN, 9)]


def test_a_checkpoint_that_nobody_signed_is_named(log: Log) -> None:
    log.write(1, 3)
    log.seals.seal()
    statement = sa.func.replace(t.audit_checkpoint.c.statement, '"number":3', '"number":2')
    log.tamper(sa.update(t.audit_checkpoint).values(statement=statement))
    assert {kind for kind, _ in log.faults()} == {FaultKind.CHECKPOINT}
    log.tamper("UPDATE audit_checkpoint SET statement = 'nonsense'")
    assert {kind for kind, _ in log.faults()} == {FaultKind.CHECKPOINT}


def test_a_line_that_a_killed_writer_left_is_skipped_by_writers_and_named(log: Log) -> None:
    log.write(1, 3)
    with (log.folder / "checkpoints").open("ab") as file:
        file.write(b'{"statement":"')
    log.seals.seal()
    assert log.faults() == [(FaultKind.CHECKPOINT, 0)]
    assert log.verify().sealed_upto == 3


def test_the_beginning_can_be_forgotten_and_what_stays_verifies(log: Log) -> None:
    log.write(1, 10)
    log.seals.seal()
    assert log.seals.forget_before(SYSTEM, NOW).deleted == 0
    done = log.seals.forget_before(SYSTEM, NOW + timedelta(seconds=5))
    assert (done.deleted, done.kept) == (4, 6)
    report = log.verify()
    assert (report.faults, report.first, report.forgotten_upto, report.entries) == ([], 5, 4, 6)
    log.write(11, 12)
    done = log.seals.forget_before(SYSTEM, NOW + timedelta(seconds=8))
    assert (done.deleted, done.kept) == (3, 5)
    assert log.faults() == []
    log.tamper("DELETE FROM audit WHERE id = 8")
    assert log.faults() == [(FaultKind.MISSING, 8)]
    log.tamper("DELETE FROM audit WHERE id = 9")
    [fault] = log.verify().faults
    assert (fault.kind, fault.number, fault.last) == (FaultKind.MISSING, 8, 9)


def test_forgetting_that_was_interrupted_goes_on(log: Log) -> None:
    log.write(1, 10)
    done = log.seals.forget_before(SYSTEM, NOW + timedelta(seconds=6))
    assert done.deleted == 5
    with log.catalog.read() as reading:
        assert reading.last_forgetting() is not None
    log.write(11, 30)
    with log.catalog.write() as unit:  # as if half of the next removal had been done
        end = unit.audit_end_before(NOW + timedelta(seconds=20))
        assert end is not None
    log.seals._record(end, forgets=True)
    with log.catalog.write() as unit:
        unit.forget_audit_before(end.number, 3)
    assert log.faults() == []
    assert log.seals.forget_before(SYSTEM, NOW).deleted == 19 - 5 - 3
    assert log.faults() == []


def test_all_of_it_can_be_forgotten(log: Log) -> None:
    log.write(1, 3)
    assert log.seals.forget_before(SYSTEM, NOW + timedelta(days=1)).kept == 0
    assert log.faults() == []
    log.write(4, 5)
    assert log.faults() == []


def test_a_beginning_that_went_without_a_word_is_missed(log: Log) -> None:
    log.write(1, 10)
    log.seals.seal()
    log.tamper("DELETE FROM audit WHERE id < 4")
    assert log.faults() == [(FaultKind.MISSING, 1)]
    number = sa.update(t.audit_checkpoint).values(forgets=True)
    log.tamper(number)
    assert (FaultKind.MISSING, 1) in log.faults()


def test_a_lost_key_is_said_and_not_replaced(log: Log) -> None:
    log.write(1, 3)
    log.seals.seal()
    elsewhere = Seals(log.catalog, MemoryKeyring(log.clock.now), FilesystemJournal(log.folder / "other"), log.clock.now)
    with pytest.raises(SigningUnavailable, match="restore the folder"):
        elsewhere.signer()


EDITS = st.sampled_from(("action", "result", "user", "address", "package", "version", "suite", "detail", "at"))


@given(st.lists(st.tuples(EDITS, st.integers(1, 30)), min_size=1, max_size=4), st.sets(st.integers(2, 29), max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_edits_and_removals_are_found_at_their_numbers(
    log: Log, edits: Sequence[tuple[str, int]], removed: set[int]
) -> None:
    log.tamper(sa.delete(t.audit), sa.delete(t.audit_checkpoint))
    log.tamper(sa.update(t.audit_head).values(number=0, hash="0" * 64))
    (log.folder / "checkpoints").unlink(missing_ok=True)
    log.write(1, 30)
    log.seals.seal()
    for column, number in edits:
        value: object = {"forged": 1} if column == "detail" else NOW if column == "at" else "forged"
        log.tamper(sa.update(t.audit).where(t.audit.c.id == number).values({column: value}))
    log.tamper(sa.delete(t.audit).where(t.audit.c.id.in_(removed)))
    found = log.verify().faults
    changed = {number for _, number in edits} - removed
    assert changed <= {fault.number for fault in found}
    missing = {number for fault in found if fault.kind is FaultKind.MISSING for number in span(fault)}
    assert missing == removed
    beside = {number + step for number in changed | removed for step in (-1, 0, 1)}
    assert {number for fault in found for number in span(fault)} <= beside


def span(fault: Fault) -> range:
    """The numbers it is about."""
    return range(fault.number, (fault.last or fault.number) + 1)
