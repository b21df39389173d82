"""Rows of mirrors on both databases: what a run brings, what becomes of it, what is kept for older states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.adapters.catalog.decisions import Quarantine
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.digest import Digest, digest_of
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.domain.model.suite import SuiteOptions
from entrepot.domain.upstream.mirror import Mirror, MirrorFile, MirrorId, OnBad
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.errors import AlreadyExists, LostRace

ACTOR = Actor("rita", frozenset({Role.MAINTAINER}))
NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    opened = SqlCatalog(database_url)
    yield opened
    opened.close()


@pytest.fixture
def mirror(catalog: SqlCatalog) -> Mirror:
    with catalog.write() as unit:
        plain = Source(SourceId(0), "vendor", "Vendor", Format.DEB, "http://192.0.2.1/debian", "stable")
        source = unit.add_source(plain)
        archive = unit.add_archive(Format.DEB, "vendor")
        suite = unit.add_suite(archive, "stable", SuiteOptions(), NOW, verbatim=True)
        number = unit.add_mirror(Mirror(MirrorId(0), "vendor", source, suite.id, 6, OnBad.SKIP))
        return unit.mirror(number)


def file(name: str, content: bytes) -> MirrorFile:
    return MirrorFile(f"pool/{name}", (f"pool/{name}",), len(content), {"sha256": digest_of(content)})


def run(catalog: SqlCatalog, mirror: Mirror, files: dict[str, bytes]) -> None:
    """What a run writes, in one go."""
    with catalog.write() as unit:
        number = unit.begin_run(mirror.id)
        wanted = {file(name, content).path: content for name, content in files.items()}
        known = [one for one in unit.brought(mirror.suite_id, wanted) if one.digest == digest_of(wanted[one.path])]
        unit.want_again(number, [one.number for one in known])
        there = {one.path for one in known}
        fresh = [
            (file(name, content), digest_of(content), len(content))
            for name, content in files.items()
            if f"pool/{name}" not in there
        ]
        unit.bring(mirror.suite_id, number, fresh, NOW)
    with catalog.write() as unit:
        revision = unit.touch_suite(mirror.suite_id)
        counts = unit.settle_mirrored(mirror, number, revision)
        unit.switch(unit.suite(mirror.suite_id), revision, digest_of(b"%d" % number), 1, [], None, NOW, revision)
    assert counts == {"files": len(files), "bytes": sum(map(len, files.values()))}


def test_a_mirror_is_kept_as_it_was_made(catalog: SqlCatalog, mirror: Mirror) -> None:
    with catalog.read() as reading:
        assert reading.mirrors() == [reading.mirror_called("vendor")] == [mirror]
        assert reading.mirror_of(mirror.suite_id) == reading.mirrors_of(mirror.source_id)[0] == mirror
        assert (mirror.every_hours, mirror.on_bad) == (6, OnBad.SKIP)
        assert reading.suite(mirror.suite_id).verbatim
        assert mirror.suite_id not in reading.unpublished_suites(), "it waits for its upstream, and not for us"
    with pytest.raises(AlreadyExists), catalog.write() as unit:
        unit.add_mirror(mirror)


def test_bytes_in_quarantine_are_at_no_path_of_a_mirror(catalog: SqlCatalog, mirror: Mirror) -> None:
    run(catalog, mirror, {"a": b"one", "b": b"two"})
    key = PackageKey(Format.DEB, "one", "1.0", "amd64")
    with catalog.write() as unit:
        number = unit.add_package(PackageFacts(key, "one"), digest_of(b"one"), "0" * 128, 3, "one.deb", ACTOR, NOW)
        unit.quarantine(Quarantine(number, "it calls home", ACTOR.name, NOW))
        archive = unit.suite(mirror.suite_id).archive.id
    with catalog.read() as reading:
        assert reading.mirrored(archive, "pool/a") is None
        assert reading.mirrored(archive, "pool/b") is not None
        assert reading.quarantined_paths(archive) == {"pool/a"}
    with catalog.write() as unit:
        unit.release(number)
    with catalog.read() as reading:
        assert reading.mirrored(archive, "pool/a") is not None
        assert reading.quarantined_paths(archive) == set()


def test_what_left_is_kept_for_as_long_as_older_states(catalog: SqlCatalog, mirror: Mirror) -> None:
    run(catalog, mirror, {"a": b"one", "b": b"two"})
    run(catalog, mirror, {"b": b"two", "c": b"three"})
    with catalog.read() as reading:
        archive = reading.suite(mirror.suite_id).archive.id
        assert {digest for digest, _ in reading.needed_digests()} == {digest_of(x) for x in (b"one", b"two", b"three")}
        assert reading.mirrored(archive, "pool/a") is not None
    with catalog.write() as unit:
        unit.keep_revisions(mirror.suite_id, unit.suite(mirror.suite_id).revision)
    with catalog.read() as reading:
        assert reading.mirrored(archive, "pool/a") is None
        assert {digest for digest, _ in reading.needed_digests()} == {digest_of(x) for x in (b"two", b"three")}
    run(catalog, mirror, {"b": b"two", "c": b"other"})
    with catalog.read() as reading:
        found = reading.mirrored(archive, "pool/c")
        assert found is not None
        assert found.digest == digest_of(b"other"), "what is in force comes first"


def test_what_is_only_listed_is_found_fetched_by_one_and_stored_for_all(catalog: SqlCatalog, mirror: Mirror) -> None:
    listed = replace(file("a", b"one"), package="a amd64")
    with catalog.write() as unit:
        number = unit.begin_run(mirror.id)
        unit.bring(mirror.suite_id, number, [(listed, Digest(""), 3)], NOW)
        revision = unit.touch_suite(mirror.suite_id)
        unit.settle_mirrored(mirror, number, revision)
        unit.switch(unit.suite(mirror.suite_id), revision, digest_of(b"m"), 1, [], None, NOW, revision)
    with catalog.read() as reading:
        archive = reading.suite(mirror.suite_id).archive.id
        found = reading.mirrored(archive, "pool/a")
        assert found is not None
        assert found.absent
        assert found.digest == digest_of(b"one"), "what it will have"
        assert list(reading.needed_digests()) == []
        assert reading.absent(mirror.suite_id) == (1, 3)
    later = NOW + timedelta(seconds=10)
    with catalog.write() as unit:
        assert unit.claim_listed(found.absent, NOW, later)
        assert not unit.claim_listed(found.absent, NOW, later), "somebody else fetches it"
        assert unit.claim_listed(found.absent, later + timedelta(seconds=1), later), "and takes too long"
        unit.release_listed(found.absent)
        assert unit.claim_listed(found.absent, NOW, later)
        unit.store_listed(found.absent, digest_of(b"one"))
        assert not unit.claim_listed(found.absent, later + timedelta(days=1), later), "it is there"
        assert unit.absent(mirror.suite_id) == (0, 0)
        assert {digest for digest, _ in unit.needed_digests()} == {digest_of(b"one")}
        assert unit.successors(mirror.suite_id) == []
    newer = replace(file("a2", b"three"), package="a amd64")
    other = replace(file("b", b"four"), package="b amd64")
    with catalog.write() as unit:
        number = unit.begin_run(mirror.id)
        unit.want_again(number, [one.number for one in unit.brought(mirror.suite_id, {"pool/a"})])
        unit.bring(mirror.suite_id, number, [(newer, Digest(""), 5), (other, Digest(""), 4)], NOW)
        unit.settle_mirrored(mirror, number, unit.touch_suite(mirror.suite_id))
        assert [one.path for one in unit.successors(mirror.suite_id)] == ["pool/a2"]
        assert unit.absent(mirror.suite_id) == (2, 9)


def test_of_two_runs_the_later_one_wins(catalog: SqlCatalog, mirror: Mirror) -> None:
    with catalog.write() as unit:
        first = unit.begin_run(mirror.id)
        unit.begin_run(mirror.id)
    with pytest.raises(LostRace), catalog.write() as unit:
        unit.settle_mirrored(mirror, first, 1)


def test_a_mirror_goes_with_all_that_it_brought(catalog: SqlCatalog, mirror: Mirror) -> None:
    run(catalog, mirror, {"a": b"one"})
    with catalog.write() as unit:
        unit.remove_mirror(mirror)
    with catalog.read() as reading:
        assert reading.mirrors() == []
        assert list(reading.needed_digests()) == []
        assert all(suite.id != mirror.suite_id for suite in reading.suites())
