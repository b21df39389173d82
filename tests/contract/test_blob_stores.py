"""Every blob store keeps the same promises."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from entrepot.adapters.storage.base import BlobStore
from entrepot.adapters.storage.filesystem import FilesystemBlobStore
from entrepot.adapters.storage.memory import MemoryBlobStore
from entrepot.domain.model.digest import Digest
from entrepot.errors import BlobMissing

ABSENT = Digest("0" * 64)


@pytest.fixture(params=["filesystem", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return FilesystemBlobStore(tmp_path / "blobs") if request.param == "filesystem" else MemoryBlobStore()


def test_a_blob_comes_back_under_the_digest_of_its_bytes(store: BlobStore) -> None:
    digest = store.put(b"hello")
    assert digest == hashlib.sha256(b"hello").hexdigest()
    with store.open(digest) as blob:
        assert blob.read() == b"hello"
    assert store.read(digest, 1, 3) == b"ell"
    assert store.size_bytes(digest) == 5
    assert store.has(digest)
    assert list(store.digests()) == [digest]


def test_the_same_content_is_stored_once(store: BlobStore) -> None:
    assert store.put(b"twice") == store.put(b"twice")
    assert len(list(store.digests())) == 1


def test_a_writer_that_is_not_committed_leaves_nothing(store: BlobStore) -> None:
    with store.writer() as writer:
        writer.write(b"x" * 3_000_000)
    assert list(store.digests()) == []
    assert store.sweep() == 0


def test_staged_bytes_can_be_read_before_they_are_committed(store: BlobStore) -> None:
    with store.writer() as writer:
        writer.write(b"ab")
        writer.write(b"cd")
        with writer.reopen() as staged:
            assert staged.read() == b"abcd"
        assert not store.has(writer.digest())
        assert writer.sha512() == hashlib.sha512(b"abcd").hexdigest()
        assert store.has(writer.commit())


@pytest.mark.parametrize("ask", ["open", "read", "size", "age"])
def test_absent_content_is_named_as_missing(store: BlobStore, ask: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "open": lambda: store.open(ABSENT),
        "read": lambda: store.read(ABSENT, 0, 1),
        "size": lambda: store.size_bytes(ABSENT),
        "age": lambda: store.stored_at(ABSENT),
    }
    with pytest.raises(BlobMissing):
        calls[ask]()


def test_reading_beyond_the_end_is_an_error_and_not_less(store: BlobStore) -> None:
    digest = store.put(b"short")
    with pytest.raises(BlobMissing):
        store.read(digest, 3, 10)


def test_a_removed_blob_is_gone_and_removing_it_again_is_fine(store: BlobStore) -> None:
    digest = store.put(b"gone")
    store.remove(digest)
    store.remove(digest)
    assert not store.has(digest)


def test_a_blob_that_was_stored_anew_is_not_removed_by_an_older_look(store: BlobStore) -> None:
    digest = store.put(b"wanted again")
    seen = store.stored_at(digest)
    while store.stored_at(digest) == seen:
        store.put(b"wanted again")
    store.remove(digest, seen)
    assert store.has(digest)
    store.remove(digest, store.stored_at(digest))
    assert not store.has(digest)


def test_what_a_killed_writer_left_is_swept_and_a_living_writer_is_spared(tmp_path: Path) -> None:
    root = tmp_path / "blobs"
    store = FilesystemBlobStore(root)
    script = (
        "import sys, time; from pathlib import Path; from entrepot.adapters.storage.filesystem import *\n"
        f"w = FilesystemBlobStore(Path({str(root)!r})).writer(); w.write(b'x' * 5_000_000); w.reopen()\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert store.sweep() == 0
        os.kill(child.pid, signal.SIGKILL)
    assert store.sweep() == 1
    assert list((root / "staging").iterdir()) == []


def test_what_is_missing_of_many_is_named_and_nothing_else(store: BlobStore) -> None:
    stored = [store.put(b"%d" % number) for number in range(80)]
    alike = [Digest(stored[0][:2] + f"{number:062x}") for number in range(70)]  # so many that their folder is listed
    assert set(store.missing([*stored, ABSENT, *alike])) == {ABSENT, *alike}
    assert list(store.missing(stored)) == list(store.missing([])) == []
