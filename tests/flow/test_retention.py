"""Retention through the assembled application: what goes, what stays, when, and whether space comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from entrepot.adapters.catalog.records import PackageFilter
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.adapters.storage.filesystem import FilesystemBlobStore
from entrepot.domain.formats.deb.packages_index import parse_entries
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.jobs.work import JobId
from entrepot.domain.model.actor import SYSTEM, Actor, Role
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.package import Format, PackageKey
from entrepot.errors import AlreadyRunning, NotFound, PermissionDenied, SameKeyOtherBytes
from entrepot.main import Parts, assemble
from entrepot.services.intake.receipts import Origin, UploadRequest
from entrepot.services.upkeep.retention import BY_NUMBER, EVERYTHING, Report
from entrepot.settings import load_settings
from entrepot.testing.memory import ADMIN, Clock, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb, build_rpm


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    """Nothing happens in it but what the test says."""
    with memory_installation(tmp_path, works=False) as found:
        others = {"cve_rematch": {"enabled": False}, "sync": {"enabled": False}}
        found.application.configurations.change(ADMIN, others)
        yield found


def send(house: MemoryInstallation, name: str, version: str, suite: str = "jammy", architecture: str = "all") -> bytes:
    data = build_deb(name, version, architecture)
    house.upload(data, "x.deb", suite)
    return data


def versions(house: MemoryInstallation, name: str, suite: str = "jammy") -> set[str]:
    with house.catalog.read() as reading:
        return {place.package.key.version for place in reading.placements(PackageFilter(name=name, suite=suite))}


def run(house: MemoryInstallation, job: str = BY_NUMBER, most: int | None = 2, least: int | None = None) -> Report:
    retention = house.application.retention
    number = retention.ask(ADMIN, job, most, least)
    retention.pursue(number)
    return retention.report(ADMIN, number)


def publish(house: MemoryInstallation, codename: str) -> None:
    house.application.publisher.publish(house.suite(codename).id)


def test_a_suite_keeps_the_newest_of_each_name_and_architecture(house: MemoryInstallation) -> None:
    for version in ("1.9", "1.10", "1.11~rc1", "1:0.5"):
        send(house, "tool", version)
        send(house, "tool", version, "noble")
    for version in ("1.0", "2.0"):
        send(house, "tool", version, architecture="amd64")
    send(house, "tool-extra", "1.0")
    preview = house.application.retention.preview(ADMIN, BY_NUMBER, 2, None)
    assert versions(house, "tool") == {"1.9", "1.10", "1.11~rc1", "1:0.5", "1.0", "2.0"}, "nothing goes by looking"
    report = run(house)
    assert (report.outcome, report.tally) == ("done", preview.tally)
    assert (report.tally.checked, report.tally.by_number) == (4, 4)
    assert versions(house, "tool") == {"1:0.5", "1.11~rc1", "1.0", "2.0"}
    assert versions(house, "tool", "noble") == {"1:0.5", "1.11~rc1"}
    publish(house, "jammy")
    text = house.read(Format.DEB, "dists/jammy/main/binary-amd64/Packages")
    assert text is not None
    listed = {entry.filename.rpartition("/")[2] for entry in parse_entries([text])}
    assert listed == {
        *("tool_0.5_all.deb", "tool_1.11~rc1_all.deb", "tool_1.0_amd64.deb", "tool_2.0_amd64.deb"),
        "tool-extra_1.0_all.deb",
    }
    assert house.application.verifier.verify(SYSTEM).differences == ()
    assert run(house).tally.by_number == 0


def test_rpms_are_compared_as_rpm_does(house: MemoryInstallation) -> None:
    for version in ("1.9", "1.10", "1.2"):
        house.upload(build_rpm("tool", version), "tool.rpm", "almalinux9")
    run(house, most=1)
    assert {version.partition("-")[0] for version in versions(house, "tool", "almalinux9")} == {"1.10"}


def test_each_version_that_went_and_the_run_are_audited(house: MemoryInstallation) -> None:
    for version in ("1", "2", "3"):
        send(house, "tool", version)
    run(house, most=1)
    with house.catalog.read() as reading:
        history = [entry for entry in reading.audit_entries(50) if entry.action == "VERSION_GC"]
    assert [(entry.package, entry.version, entry.suite) for entry in history] == [
        (None, None, None),
        ("tool", "1", "jammy"),
        ("tool", "2", "jammy"),
    ]
    assert {entry.actor.name for entry in history} == {"admin"}
    assert (history[0].detail["deleted"], history[0].detail["max_versions"]) == (2, 1)


def test_pinned_versions_stay_until_they_are_unpinned(house: MemoryInstallation) -> None:
    for version in ("1", "2", "3"):
        send(house, "tool", version)
    pins = house.application.pins
    assert pins.pin(ADMIN, "tool", "1", None, "the ships have it").changed
    assert not pins.pin(ADMIN, "tool", "1", "all", "again").changed
    shown, _ = house.application.listings.version(ADMIN, "tool", "1", None, None)
    assert shown.pin is not None
    assert (shown.pin.reason, shown.pin.pinned_by) == ("the ships have it", "admin")
    report = run(house, EVERYTHING, most=1)
    assert (report.tally.by_number, report.tally.spared) == (1, 1)
    assert versions(house, "tool") == {"1", "3"}
    assert pins.unpin(ADMIN, "tool", "1", None).changed
    assert not pins.unpin(ADMIN, "tool", "1", None).changed
    run(house, most=1)
    assert versions(house, "tool") == {"3"}
    for name, version, architecture in (("tool", "9", None), ("other", "1", None), ("tool", "3", "amd64")):
        with pytest.raises(NotFound):
            pins.pin(ADMIN, name, version, architecture, "")
        with pytest.raises(NotFound):
            pins.unpin(ADMIN, name, version, architecture)
    with pytest.raises(PermissionDenied):
        pins.pin(Actor("u", frozenset({Role.UPLOADER})), "tool", "3", None, "")
    with house.catalog.read() as reading:
        actions = [entry.action for entry in reading.audit_entries(50, "tool")]
    assert (actions.count("PIN"), actions.count("UNPIN")) == (1, 1)


def test_by_age_the_newest_stays_and_young_ones_are_not_counted(house: MemoryInstallation) -> None:
    for version in ("1", "2"):
        send(house, "old", version)
        send(house, "mixed", version)
    house.clock.advance(days=100)
    send(house, "mixed", "3")
    house.application.configurations.change(ADMIN, {"retention": {"package_days": 90}})
    report = run(house, EVERYTHING, most=None)
    assert (report.tally.by_age, report.tally.by_number) == (3, 0)
    assert (versions(house, "old"), versions(house, "mixed")) == ({"2"}, {"3"})
    send(house, "mixed", "4")
    assert run(house, most=1, least=7).tally.spared == 1
    assert versions(house, "mixed") == {"3", "4"}


def test_what_was_imported_has_an_age_of_its_own(house: MemoryInstallation) -> None:
    intake = house.application.intake
    for version in ("1", "2", "3"):
        send(house, "own", version)
        with intake.stage() as writer:
            writer.write(build_deb("theirs", version))
            key = PackageKey(Format.DEB, "theirs", version, "all")
            origin = Origin("vendor", f"pool/theirs_{version}_all.deb", key, "theirs", JobId("0"))
            intake.receive(ADMIN, writer, UploadRequest("x.deb", "jammy", origin=origin))
    house.clock.advance(days=40)
    house.application.configurations.change(ADMIN, {"retention": {"package_days": 90, "import_cleanup_days": 30}})
    run(house, EVERYTHING, most=None)
    assert (versions(house, "own"), versions(house, "theirs")) == ({"1", "2", "3"}, {"3"})
    with house.catalog.read() as reading:
        gone = [link.entry for link in reading.audit_chain(0, 10_000) if link.entry.action == "RETENTION"]
    assert [(entry.package, entry.detail["imported"]) for entry in gone if entry.package] == [("theirs", True)] * 2
    # A suite that has a rule of its own goes by that alone.
    house.application.suites.initialise(ADMIN, "jammy", None, {"package_days": 0})
    house.application.configurations.change(ADMIN, {"retention": {"package_days": 1}})
    run(house, EVERYTHING, most=None)
    assert versions(house, "own") == {"1", "2", "3"}


def test_by_default_nothing_runs_by_itself(house: MemoryInstallation) -> None:
    for number in range(15):
        send(house, "tool", str(number))
    scheduler = house.application.scheduler
    for _ in range(5):
        assert scheduler.due() == []
        house.clock.advance(days=1)
    assert len(versions(house, "tool")) == 15
    assert scheduler.next("retention").status == "paused"


def test_a_suite_may_have_rules_of_its_own(house: MemoryInstallation) -> None:
    for suite in ("jammy", "noble"):
        for version in ("1", "2", "3"):
            send(house, "tool", version, suite)
    house.application.suites.initialise(ADMIN, "noble", None, {"max_versions": 1})
    house.application.configurations.change(ADMIN, {"versioning": {"max_versions_per_package": 2}})
    run(house, most=None)
    assert (len(versions(house, "tool")), len(versions(house, "tool", "noble"))) == (2, 1)
    house.application.suites.initialise(ADMIN, "jammy", None, {"package_days": 1})
    house.clock.advance(days=3)
    assert run(house, most=0).tally.by_age == 0, "version-gc looks at numbers only"
    assert run(house, EVERYTHING, most=0).tally.by_age == 1


def test_a_run_that_was_cut_off_is_found_and_ends_with_the_whole_sum(house: MemoryInstallation) -> None:
    for number in range(12):
        send(house, f"tool{number % 3}", str(number))
    retention = house.application.retention
    run_id = retention.ask(ADMIN, BY_NUMBER, 1, None)
    with pytest.raises(AlreadyRunning):
        retention.ask(ADMIN, EVERYTHING, None, None)
    assert retention.unmet() == [Goal(GoalKind.RETAIN, run_id)]
    assert Goal(GoalKind.RETAIN, run_id) in house.application.keeper.goals()
    retention.pursue(run_id)
    retention.pursue(run_id)
    report = retention.report(ADMIN, run_id)
    assert (report.outcome, report.tally.by_number) == ("done", 9)
    assert retention.unmet() == []
    with house.catalog.read() as reading:
        entries = [entry for entry in reading.audit_entries(100) if entry.action == "VERSION_GC"]
    assert len(entries) == 10


def test_more_versions_of_one_name_than_a_unit_takes(house: MemoryInstallation) -> None:
    for number in range(60):
        send(house, "tool", str(number))
    before = house.suite("jammy").revision
    assert run(house, most=1).tally.by_number == 59
    assert house.suite("jammy").revision - before == 1


def test_a_planned_run_is_begun_once_by_one_node(house: MemoryInstallation, tmp_path: Path) -> None:
    application, clock = house.application, house.clock  # it is 03:04:05 on 2 January 2026
    for version in ("1", "2", "3"):
        send(house, "tool", version)
    application.configurations.change(
        ADMIN,
        {
            "retention": {"enabled": True, "hour": 5, "minute": 30, "timezone": "Europe/Paris"},
            "versioning": {"max_versions_per_package": 1},
        },
    )
    other = assemble(
        load_settings(data=tmp_path),
        Parts(house.catalog, house.blobs, house.keyring, MemoryQueue(), bytes(32), clock.now, clock.monotonic),
    )
    assert application.scheduler.due() == []
    clock.advance(hours=2)
    [goal] = [*application.scheduler.due(), *other.scheduler.due()]
    application.retention.pursue(goal.subject)
    assert versions(house, "tool") == {"3"}
    assert [*application.scheduler.due(), *other.scheduler.due()] == []
    with house.catalog.read() as reading:
        assert {entry.actor.name for entry in reading.audit_entries(50) if entry.action == "RETENTION"} == {"system"}


def test_what_was_missed_runs_once_and_a_new_plan_misses_nothing(house: MemoryInstallation) -> None:
    scheduler, clock = house.application.scheduler, house.clock
    house.application.configurations.change(ADMIN, {"retention": {"enabled": True, "hour": 5}})
    scheduler.due()
    clock.advance(days=4)
    [goal] = scheduler.due()
    house.application.retention.pursue(goal.subject)
    assert scheduler.due() == []
    # At 03:04 a plan for 01:00 is made: that begins tomorrow.
    house.application.configurations.change(ADMIN, {"retention": {"hour": 1}})
    assert scheduler.due() == []
    assert scheduler.due() == []
    clock.advance(hours=23)
    assert len(scheduler.due()) == 1


def test_a_planned_run_gives_way_to_one_by_hand(house: MemoryInstallation) -> None:
    application = house.application
    application.configurations.change(ADMIN, {"retention": {"enabled": True, "hour": 4}})
    application.scheduler.due()
    number = application.retention.ask(ADMIN, EVERYTHING, None, None)
    house.clock.advance(hours=2)
    assert application.scheduler.due() == []
    application.retention.pursue(number)
    assert application.scheduler.due() == []


def test_what_is_next_is_the_truth(house: MemoryInstallation) -> None:
    application = house.application
    assert application.scheduler.next("sync").status == "paused"
    application.configurations.change(ADMIN, {"retention": {"enabled": True, "hour": 4}})
    assert application.scheduler.next("retention").status == "scheduler_not_started"
    with house.catalog.write() as unit:
        unit.beat("worker", house.clock.now(), works=True)
    found = application.scheduler.next("retention")
    assert (found.status, found.at) == ("scheduled", house.clock.now().replace(hour=4, minute=15, second=0))
    house.clock.advance(minutes=1)
    assert application.scheduler.next("retention").status == "scheduler_not_started"


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("busy", [True, False], ids=["busy", "quiet"])
def test_space_comes_back_and_not_too_early(tmp_path: Path, busy: bool) -> None:
    """On a real disk: clients of kept generations find everything, then the bytes are gone; in quiet suites, too."""
    clock = Clock(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    settings = load_settings(
        data=tmp_path, generations_kept=1, generation_grace_seconds=3600, collect_grace_seconds=600
    )
    blobs = FilesystemBlobStore(tmp_path / "blobs")
    keyring, queue, catalog = MemoryKeyring(clock.now), MemoryQueue(), SqlCatalog(settings.catalog_url)
    application = assemble(settings, Parts(catalog, blobs, keyring, queue, bytes(32), clock.now, clock.monotonic))
    application.suites.prepare()
    house = MemoryInstallation(application, blobs, keyring, queue, catalog, clock)  # type: ignore[arg-type]
    noise = [f"{number:064x}".encode() * 1000 for number in range(5)]
    packages = {
        number: build_deb("tool", str(number), files={"usr/share/noise": body}, compression="none")
        for number, body in enumerate(noise)
    }
    for data in packages.values():
        house.upload(data, "x.deb", "jammy")
    publish(house, "jammy")
    with catalog.read() as reading:
        paths = {
            int(place.package.key.version): place.pool_path for place in reading.placements(PackageFilter(name="tool"))
        }
    old_release = house.read(Format.DEB, "dists/jammy/Release")
    full = bytes_in(tmp_path / "blobs")
    report = run(house, most=1)
    assert report.tally.bytes_by_number == sum(len(packages[number]) for number in range(4))
    publish(house, "jammy")
    assert house.read(Format.DEB, "dists/jammy/Release") != old_release
    for _ in range(3):
        clock.advance(hours=1)
        application.collector.collect()
    assert bytes_in(tmp_path / "blobs") >= full, "the previous generation is kept"
    assert all(house.read(Format.DEB, path) == packages[number] for number, path in paths.items())
    if busy:
        for _ in range(3):
            application.suites.republish(ADMIN)
            publish(house, "jammy")
            clock.advance(hours=2)
    else:
        clock.advance(days=settings.generation_days)
    application.collector.collect()
    clock.advance(hours=1)
    freed = application.collector.collect().bytes
    assert freed >= report.tally.bytes_by_number
    assert bytes_in(tmp_path / "blobs") < full - report.tally.bytes_by_number + 64_000
    assert house.read(Format.DEB, paths[4]) == packages[4]
    with catalog.read() as reading:
        assert reading.pooled(house.suite("jammy").archive.id, paths[0]) is None
    assert application.verifier.verify(SYSTEM).differences == ()
    # The version is taken for ever; the same bytes may come back.
    with pytest.raises(SameKeyOtherBytes):
        send(house, "tool", "0")
    house.upload(packages[0], "x.deb", "jammy")
    publish(house, "jammy")
    assert blobs.has(digest_of(packages[0]))
    assert house.read(Format.DEB, paths[0]) == packages[0]
    catalog.close()


def test_old_sessions_are_forgotten(house: MemoryInstallation) -> None:
    now = house.clock.now()
    with house.catalog.write() as unit:
        for number in range(3):
            unit.end_session(f"s{number}", now, now + timedelta(hours=number + 1))
    house.clock.advance(hours=2)
    assert run(house, EVERYTHING).tally.sessions_forgotten == 2


def test_old_audit_entries_go_as_far_as_the_setting_says(house: MemoryInstallation) -> None:
    for version in ("1", "2"):
        send(house, "tool", version)
    house.clock.advance(days=100)
    house.application.configurations.change(ADMIN, {"audit_retention_days": 0})
    assert run(house, EVERYTHING).tally.audit_deleted == 0
    house.application.configurations.change(ADMIN, {"audit_retention_days": 90})
    tally = run(house, EVERYTHING).tally
    assert tally.audit_deleted >= 2
    assert tally.audit_kept > 0
    with house.catalog.read() as reading:
        assert not [entry for entry in reading.audit_entries(100) if entry.action == "UPLOAD"]
