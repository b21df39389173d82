"""The catalog keeps its promises on every engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import Operations

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.groups import Group
from entrepot.adapters.catalog.records import Admission, AdmissionState, AuditEntry, PackageFilter, Placing
from entrepot.adapters.catalog.retention import Pin, Schedule
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.catalog.sql.schema import configuration, migrating
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.digest import Digest, digest_of
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.domain.model.suite import PackageId, Suite, SuiteOptions, listing_key
from entrepot.errors import AlreadyExists, AlreadyRunning, CatalogTooNew, CatalogUnavailable, LostRace

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ACTOR = Actor("rita", frozenset({Role.ADMIN}), "192.0.2.7")


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def make_suite(unit: Writing, codename: str = "jammy") -> Suite:
    archive = unit.archive(Format.DEB, "main") or unit.add_archive(Format.DEB, "main")
    return unit.add_suite(archive, codename, SuiteOptions(architectures=("amd64",), valid_days=7), NOW)


def make_package(unit: Writing, name: str, version: str = "1.0", architecture: str = "amd64") -> PackageId:
    key = PackageKey(Format.DEB, name, version, architecture)
    facts = PackageFacts(key, name, summary=f"the {name}", fragments={"control": f"Package: {name}\n".encode()})
    data = f"{key}".encode()
    return unit.add_package(facts, digest_of(data), "0" * 128, len(data), f"{name}.deb", ACTOR, NOW)


def put(unit: Writing, suite: Suite, name: str, version: str = "1.0", architecture: str = "amd64") -> PackageId:
    package = make_package(unit, name, version, architecture)
    path = f"pool/main/{name}_{version}_{architecture}.deb"
    unit.take_pool_path(suite.archive.id, path, package)
    placing = Placing(package, PackageKey(Format.DEB, name, version, architecture), "main", architecture, path)
    unit.place(suite.id, placing, unit.touch_suite(suite.id), ACTOR, NOW)
    return package


def publish(catalog: Catalog, suite: Suite, files: tuple[str, ...] = ()) -> None:
    with catalog.write() as unit:
        now = unit.suite(suite.id)
        unit.switch(now, now.revision, digest_of(b"manifest"), 1, files, None, NOW)


def test_what_one_unit_commits_the_next_one_reads(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        put(unit, suite, "hello")
    with catalog.read() as reading:
        again = reading.suite(suite.id)
        assert again.options == SuiteOptions(architectures=("amd64",), valid_days=7)
        assert again.created_at == NOW
        assert (again.revision, again.published_revision) == (2, 0)
        [placement] = reading.placements(PackageFilter(name="hello"))
        assert placement.package.key == PackageKey(Format.DEB, "hello", "1.0", "amd64")
        assert placement.package.received_at == NOW
        assert not placement.published


def test_a_unit_that_raises_leaves_nothing(catalog: Catalog) -> None:
    def fail() -> None:
        with catalog.write() as unit:
            put(unit, make_suite(unit), "hello")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with catalog.read() as reading:
        assert reading.archives() == []
        assert reading.placements(PackageFilter()) == []


def test_a_reader_sees_one_state_while_others_write(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
    with catalog.read() as reading:
        before = reading.suite(suite.id).revision
        with catalog.write() as unit:
            put(unit, suite, "hello")
        assert reading.suite(suite.id).revision == before
        assert reading.listing_count(suite.id, "main", ["amd64"]) == 0


def test_names_are_taken_once(catalog: Catalog) -> None:
    with catalog.write() as unit:
        make_suite(unit)
    with pytest.raises(AlreadyExists), catalog.write() as unit:
        make_suite(unit)
    with pytest.raises(AlreadyExists), catalog.write() as unit:
        unit.add_archive(Format.DEB, "main")


def test_listings_come_in_key_order_and_by_range(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        for name, architecture in (("b", "amd64"), ("a", "all"), ("c", "arm64"), ("ab", "amd64")):
            put(unit, suite, name, "1.0", architecture)
    with catalog.read() as reading:
        found = list(reading.listings(suite.id, "main", ["amd64", "all"], "control"))
        assert [listing.key for listing in found] == [
            listing_key("a", "1.0", "all"),
            listing_key("ab", "1.0", "amd64"),
            listing_key("b", "1.0", "amd64"),
        ]
        assert found[0].fragments == {"control": b"Package: a\n"}
        ranged = reading.listings(suite.id, "main", ["amd64", "all"], "control", found[1].key, found[2].key)
        assert [listing.key for listing in ranged] == [found[1].key]
        assert reading.listing_count(suite.id, "main", ["amd64", "all"]) == 3


def test_changes_since_a_revision_name_what_came_and_went(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        first = put(unit, suite, "first")
    with catalog.read() as reading:
        revision = reading.suite(suite.id).revision
        assert reading.changes(suite.id, revision) == []
    with catalog.write() as unit:
        put(unit, suite, "second")
        assert unit.withdraw(suite.id, first, unit.touch_suite(suite.id))
        assert not unit.withdraw(suite.id, first, unit.touch_suite(suite.id))
    with catalog.read() as reading:
        keys = {change.key.split(b"\0")[0] for change in reading.changes(suite.id, revision)}
        assert keys == {b"first", b"second"}


def test_a_package_is_downloadable_from_its_generation_until_no_kept_one_names_it(catalog: Catalog) -> None:
    path = "pool/main/hello_1.0_amd64.deb"
    with catalog.write() as unit:
        suite = make_suite(unit)
        package = put(unit, suite, "hello")

    def visible() -> bool:
        with catalog.read() as reading:
            return reading.pooled(suite.archive.id, path) is not None

    assert not visible()
    publish(catalog, suite)
    assert visible()
    with catalog.write() as unit:
        unit.withdraw(suite.id, package, unit.touch_suite(suite.id))
    publish(catalog, suite)
    assert visible(), "the previous generation still names it"
    with catalog.write() as unit:
        newest, oldest = unit.generations(suite.id)
        unit.forget_generation(oldest)
        unit.keep_revisions(newest.suite_id, newest.revision)
    assert not visible()


def test_only_one_of_two_publishers_moves_the_pointer(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
    publish(catalog, suite)
    with pytest.raises(LostRace), catalog.write() as unit:
        unit.switch(suite, 1, digest_of(b"late"), 0, (), None, NOW)
    with catalog.read() as reading:
        assert [generation.manifest for generation in reading.generations(suite.id)] == [digest_of(b"manifest")]


def test_a_file_is_found_in_the_newest_generation_that_has_it(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
    publish(catalog, suite, ("aa", "bb"))
    publish(catalog, suite, ("bb",))
    with catalog.read() as reading:
        found = {digest: reading.generation_with_file(suite.id, digest) for digest in ("aa", "bb", "cc")}
    assert {digest: generation and generation.number for digest, generation in found.items()} == {
        "aa": 1,
        "bb": 2,
        "cc": None,
    }


def test_unmet_goals_are_found(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        assert unit.unpublished_suites() == [suite.id]
    publish(catalog, suite)
    with catalog.write() as unit:
        assert unit.unpublished_suites() == []
        unit.touch_suite(suite.id)
        assert unit.unpublished_suites() == [suite.id]


def test_searching_takes_wildcards_literally(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        put(unit, suite, "per%cent")
        put(unit, suite, "under_score")
    with catalog.read() as reading:
        names = {text: reading.name_page(PackageFilter(text=text), 0, 10) for text in ("%", "_", "UNDER", "x")}
    assert names == {
        "%": (["per%cent"], 1),
        "_": (["under_score"], 1),
        "UNDER": (["under_score"], 1),
        "x": ([], 0),
    }


def test_pages_do_not_overlap(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        for number in range(7):
            put(unit, suite, f"p{number}")
    with catalog.read() as reading:
        pages = [reading.name_page(PackageFilter(), offset, 3) for offset in (0, 3, 6, 9)]
        placements, total = reading.placement_page(PackageFilter(suite="jammy"), 6, 3)
    assert [total for _, total in pages] == [7] * 4
    assert [name for names, _ in pages for name in names] == [f"p{number}" for number in range(7)]
    assert (len(placements), total) == (1, 7)


def test_an_admission_is_decided_once(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        package = make_package(unit, "held")
        admission = Admission(0, suite.id, package, "main", AdmissionState.HELD, (), ("looks odd",), "rita", NOW)
        number = unit.add_admission(admission)
    with catalog.read() as reading:
        assert reading.placements(PackageFilter(name="held")) == []
        assert reading.name_page(PackageFilter(), 0, 10) == (["held"], 1)
    answers = []
    for state in (AdmissionState.ACCEPTED, AdmissionState.REFUSED):
        with catalog.write() as unit:
            answers.append(unit.decide_admission(number, state, (), (), ACTOR, NOW, "fine", None))
    assert answers == [True, False]
    with catalog.read() as reading:
        assert reading.admission(number).state is AdmissionState.ACCEPTED


def test_throttle_windows_count_and_end(catalog: Catalog) -> None:
    with catalog.write() as unit:
        assert [unit.throttle("sign-in/rita", NOW, 60) for _ in range(3)] == [1, 2, 3]
        assert unit.throttled("sign-in/rita", NOW) == (3, NOW + timedelta(seconds=60))
        later = NOW + timedelta(seconds=61)
        assert unit.throttled("sign-in/rita", later) is None
        assert unit.throttle("sign-in/rita", later, 60) == 1
        unit.unthrottle("sign-in/rita")
        assert unit.throttled("sign-in/rita", later) is None


def test_people_facts_audit_and_nodes_are_kept(catalog: Catalog) -> None:
    account = Account(0, "rita", "hash", frozenset({Role.ADMIN}), "Rita", "r@example.org", True, 1, NOW, None)
    with catalog.write() as unit:
        unit.add_account(account)
        unit.change_account("rita", {"last_login": NOW})
        unit.set_fact("setup", {"done": False})
        unit.set_fact("setup", {"done": True})
        unit.audit(AuditEntry("UPLOAD", "SUCCESS", ACTOR, NOW, "hello", "1.0", "jammy", {"size_bytes": 3}))
        unit.beat("n1", NOW, works=True)
        unit.beat("n2", NOW + timedelta(seconds=20), works=True)
    with pytest.raises(AlreadyExists), catalog.write() as unit:
        unit.add_account(account)
    with catalog.read() as reading:
        found = reading.account("rita")
        assert found is not None
        assert (found.roles, found.last_login, found.active) == (frozenset({Role.ADMIN}), NOW, True)
        assert "hash" not in repr(found)
        assert reading.account("RITA") is None
        assert reading.fact("setup") == {"done": True}
        assert reading.fact("nothing") is None
        [entry] = reading.audit_entries(10)
        assert (entry.actor.name, entry.actor.address, entry.detail) == ("rita", "192.0.2.7", {"size_bytes": 3})
        assert reading.silent_nodes(NOW + timedelta(seconds=10)) == ["n1"]
    with catalog.write() as unit:
        assert [unit.forget_node("n1"), unit.forget_node("n1")] == [True, False]


def test_revisions_taken_at_once_by_many_are_all_different(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
    taken: list[int] = []

    def take() -> None:
        for _ in range(10):
            with catalog.write() as unit:
                taken.append(unit.touch_suite(suite.id))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(2, 82))


def test_migrations_lead_to_the_tables_of_the_program(catalog: SqlCatalog) -> None:
    with catalog.engine.connect() as connection:
        command.check(configuration(connection))


def test_a_table_that_is_made_anew_keeps_the_rows_that_refer_to_it(catalog: SqlCatalog) -> None:
    group = Group(0, "release team", "", "blue", None, "", NOW, "rita")
    with catalog.write() as unit:
        unit.add_account(Account(0, "rita", "none", frozenset({Role.ADMIN}), "", "", True, 1, NOW, None))
        unit.add_member(unit.add_group(group), "rita", NOW, "rita")
    with migrating(catalog.engine) as connection:
        operations = Operations(MigrationContext.configure(connection))
        anew: Literal["always", "never"] = "always" if connection.dialect.name == "sqlite" else "never"
        with operations.batch_alter_table("account", recreate=anew) as batch:
            batch.alter_column("full_name", existing_type=sa.String(256), type_=sa.String(300))
    with catalog.read() as reading:
        account = reading.account("rita")
        assert account is not None
        assert account.groups == {"release team"}


def test_a_database_of_a_newer_program_is_refused(catalog: SqlCatalog, database_url: str) -> None:
    with catalog.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'from the future'"))
    with pytest.raises(CatalogTooNew):
        SqlCatalog(database_url)


def test_a_database_that_is_away_is_named_as_unavailable() -> None:
    with pytest.raises(CatalogUnavailable):
        SqlCatalog("postgresql+psycopg://nobody@127.0.0.1:9/none")


def test_digests_of_all_packages_can_be_walked(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        put(unit, suite, "hello")
    with catalog.read() as reading:
        [(digest, size)] = list(reading.needed_digests())
        assert digest == Digest(digest_of(b"hello 1.0 amd64"))
        assert size == len("hello 1.0 amd64")
        package = reading.package_with_digest(digest)
        assert package is not None
        assert package.facts["signed"] is False


def test_one_run_of_a_group_is_open_and_one_caller_has_a_slot(catalog: Catalog) -> None:
    with catalog.write() as unit:
        number = unit.add_run("retention", "retention", {"max_versions": 3}, "admin", "192.0.2.1", NOW)
    with pytest.raises(AlreadyRunning), catalog.write() as unit:
        unit.add_run("version-gc", "retention", {}, "admin", "", NOW)
    with catalog.write() as unit:
        assert unit.open_runs("retention") == [number]
        unit.note_run(number, {"by_number": 2})
        unit.end_run(number, "done", NOW)
        unit.end_run(number, "failed", NOW)
        found = unit.last_run("retention")
        assert found is not None
        assert (found.outcome, found.progress, found.parameters) == ("done", {"by_number": 2}, {"max_versions": 3})
        unit.add_run("version-gc", "retention", {}, "admin", "", NOW)
        unit.plan(Schedule("retention", "03:00 UTC", NOW))
    later = NOW + timedelta(days=1)
    with catalog.write() as unit:
        known = unit.schedules()["retention"]
        assert unit.claim_slot(known, later)
        assert not unit.claim_slot(known, later)
        unit.plan(Schedule("retention", "off", later))
        assert not unit.claim_slot(Schedule("retention", "03:00 UTC", later), later)


def test_stays_pins_and_places(catalog: Catalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        ids = [put(unit, suite, "b", "2.0"), put(unit, suite, "a", "1.0"), put(unit, suite, "b", "1.0")]
        other = make_suite(unit, "noble")
        put(unit, other, "c", "1.0")
        assert unit.pin(Pin(ids[0], "why", "admin", NOW))
        assert not unit.pin(Pin(ids[0], "again", "admin", NOW))
    with catalog.write() as unit:
        assert [(one.name, one.version, one.pinned) for one in unit.stays(suite.id)] == [
            ("a", "1.0", False),
            ("b", "1.0", False),
            ("b", "2.0", True),
        ]
        assert [one.name for one in unit.stays(suite.id, ["a", "c"])] == ["a"]
        assert unit.pins(ids)[ids[0]].reason == "why"
        assert unit.pinned_packages(PackageFilter(name="b", version="2.0")) == [ids[0]]
        assert unit.pinned_packages(PackageFilter(name="b", version="1.0")) == []
        assert unit.places(ids) == dict.fromkeys(ids, 1)
        revision = unit.touch_suite(suite.id)
        assert [unit.withdraw(suite.id, number, revision) for number in ids[:2]] == [True, True]
        assert unit.places(ids) == {ids[2]: 1}
        assert unit.unpin(ids[0])
        assert not unit.unpin(ids[0])
        unit.beat("worker", NOW, works=True)
        unit.beat("server", NOW, works=False)
        assert (unit.working_nodes(NOW), unit.working_nodes(NOW + timedelta(seconds=1))) == (1, 0)
