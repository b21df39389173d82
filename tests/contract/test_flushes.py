"""What SQLite's log is flushed for: every unit that is acknowledged, many at once, and never for nothing."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.errors import CatalogUnavailable

REAL = os.fdatasync


class Disk:
    """Counts flushes; the next ones wait, or fail, while a test wants that."""

    def __init__(self) -> None:
        self.flushed = 0
        self.open = threading.Event()
        self.open.set()
        self.refuses = False

    def flush(self, handle: int) -> None:
        self.flushed += 1
        assert self.open.wait(60)
        if self.refuses:
            raise OSError(errno.EIO, "the disk is dying")
        REAL(handle)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk()
    monkeypatch.setattr(os, "fdatasync", found.flush)
    return found


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    with closing(SqlCatalog(f"sqlite:///{tmp_path / 'catalog.db'}")) as found:
        yield found


def note(catalog: SqlCatalog, name: str, *, durable: bool = True) -> None:
    with catalog.write(durable=durable) as unit:
        unit.set_fact(name, 1)


def noted(catalog: SqlCatalog, name: str) -> bool:
    with catalog.read() as reading:
        return reading.fact(name) is not None


def test_a_unit_is_flushed_before_its_block_ends(catalog: SqlCatalog, disk: Disk) -> None:
    note(catalog, "one")
    assert disk.flushed == 1
    note(catalog, "two")
    assert disk.flushed == 2


def test_what_need_not_last_is_not_flushed_and_not_lost_by_a_crash_of_the_program(
    catalog: SqlCatalog, disk: Disk, tmp_path: Path
) -> None:
    note(catalog, "counted", durable=False)
    assert disk.flushed == 0
    with closing(SqlCatalog(f"sqlite:///{tmp_path / 'catalog.db'}")) as other:
        assert noted(other, "counted")


def test_units_that_end_during_a_flush_share_the_next_one(catalog: SqlCatalog, disk: Disk) -> None:
    names = [f"fact {number}" for number in range(16)]
    disk.open.clear()
    with ThreadPoolExecutor(len(names)) as threads:
        ends = [threads.submit(note, catalog, name) for name in names]
        pause = threading.Event()
        while not all(noted(catalog, name) for name in names):  # committed, though nobody was told yet
            pause.wait(0.01)
        assert not any(end.done() for end in ends)
        disk.open.set()
        for end in ends:
            end.result(30)
    # The first flush, the second for all who came during it, and seldom one more for who was slow to ask.
    assert 2 <= disk.flushed <= 4


def test_a_disk_that_refuses_is_told_of_and_the_next_unit_tries_again(catalog: SqlCatalog, disk: Disk) -> None:
    disk.refuses = True
    with pytest.raises(CatalogUnavailable, match="look at the disk"):
        note(catalog, "one")
    disk.refuses = False
    note(catalog, "two")
    assert noted(catalog, "two")
