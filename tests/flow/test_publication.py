"""From upload to published bytes, through the assembled application on parts in memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from entrepot.adapters.catalog.records import PackageFilter
from entrepot.domain.formats.deb.packages_index import PackageEntry, parse_entries
from entrepot.domain.formats.deb.release_reader import parse_release
from entrepot.domain.model.actor import SYSTEM, Actor, Role
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.package import Concern, Format
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.errors import EntrepotError, NotFound, PermissionDenied, SameKeyOtherBytes
from entrepot.main import CHECKS
from entrepot.services.intake.checks.base import Subject, Surroundings
from entrepot.services.intake.promotions import PromotionRequest
from entrepot.services.intake.receipts import ReceiptStatus
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb, build_rpm

RIVALS = 50


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path) as found:
        yield found


def index(installation: MemoryInstallation, codename: str = "jammy") -> dict[str, PackageEntry]:
    """What the index in force names, by path; the index is the one that the signed Release lists."""
    release = installation.read(Format.DEB, f"dists/{codename}/Release")
    assert release is not None
    listed = {file.path: file.digests["sha256"] for file in parse_release(release).files}
    digest = listed["main/binary-amd64/Packages"]
    text = installation.read(Format.DEB, f"dists/{codename}/main/binary-amd64/by-hash/SHA256/{digest}")
    assert text is not None
    assert digest_of(text) == digest
    return {entry.filename: entry for entry in parse_entries([text])}


def verified(installation: MemoryInstallation) -> None:
    report = installation.application.verifier.verify(SYSTEM)
    assert report.differences == ()


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """What ``work`` gave or raised, released by one barrier."""
    barrier = threading.Barrier(count)
    outcomes: list[object] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        try:
            outcomes[number] = work(number)
        except EntrepotError as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_an_uploaded_deb_is_in_the_signed_index_and_its_bytes_are_served(installation: MemoryInstallation) -> None:
    data = build_deb("hello")
    receipt = installation.upload(data, "hello_1.0_all.deb", "jammy")
    assert receipt.status is ReceiptStatus.ACCEPTED
    assert receipt.revision is not None
    assert installation.wait_published("jammy").published_revision >= receipt.revision
    [(path, entry)] = index(installation).items()
    assert entry.sha256 == digest_of(data)
    assert installation.read(Format.DEB, path) == data
    verified(installation)


def test_an_uploaded_rpm_is_named_by_primary_and_served(installation: MemoryInstallation) -> None:
    data = build_rpm("hello")
    assert installation.upload(data, "hello.rpm", "almalinux9").status is ReceiptStatus.ACCEPTED
    installation.wait_published("almalinux9")
    with installation.catalog.read() as reading:
        [placement] = reading.placements(PackageFilter(name="hello"))
    assert installation.read(Format.RPM, f"almalinux9/x86_64/{placement.pool_path}") == data
    verified(installation)


def test_until_it_is_published_a_package_cannot_be_downloaded(tmp_path: Path) -> None:
    with memory_installation(tmp_path, works=False) as installation:
        installation.upload(build_deb("hello"), "hello_1.0_all.deb", "jammy")
        with installation.catalog.read() as reading:
            [placement] = reading.placements(PackageFilter(name="hello"))
        assert not placement.published
        assert installation.read(Format.DEB, placement.pool_path) is None
        installation.application.publisher.publish(placement.suite.id)
        assert installation.read(Format.DEB, placement.pool_path) is not None


def test_a_held_package_is_in_no_index_and_no_pool(installation: MemoryInstallation) -> None:
    data = build_deb("takeover", fields={"Essential": "yes"})
    assert installation.upload(data, "takeover_1.0_all.deb", "jammy").status is ReceiptStatus.HELD
    installation.upload(build_deb("hello"), "hello_1.0_all.deb", "jammy")
    installation.wait_published("jammy")
    assert [path.rpartition("/")[2] for path in index(installation)] == ["hello_1.0_all.deb"]
    assert installation.read(Format.DEB, "pool/main/t/takeover/takeover_1.0_all.deb") is None
    verified(installation)


def test_deleted_packages_leave_the_index_but_older_generations_keep_their_files(
    installation: MemoryInstallation,
) -> None:
    data = build_deb("hello")
    installation.upload(data, "hello_1.0_all.deb", "jammy")
    installation.wait_published("jammy")
    [path] = index(installation)
    installation.application.movements.remove(ADMIN, "hello")
    installation.wait_published("jammy")
    assert index(installation) == {}
    assert installation.read(Format.DEB, path) == data, "a client in mid-update may still ask for it"
    verified(installation)


def test_content_is_collected_once_no_kept_generation_names_it(tmp_path: Path) -> None:
    """No worker here: the scheduler would collect by itself in between."""
    with memory_installation(tmp_path, works=False) as installation:
        application, data = installation.application, build_deb("hello")
        suite = installation.suite("jammy")
        installation.upload(data, "hello_1.0_all.deb", "jammy")
        application.publisher.publish(suite.id)
        [path] = index(installation)
        application.movements.remove(ADMIN, "hello")
        for _ in range(5):
            application.suites.republish(ADMIN)
            application.publisher.publish(suite.id)
            installation.clock.advance(hours=3)
        application.collector.collect()
        assert installation.blobs.has(digest_of(data)), "it has only just lost its last name"
        installation.clock.advance(hours=3)
        application.collector.collect()
        with installation.catalog.read() as reading:
            assert reading.pooled(suite.archive.id, path) is None
        assert not installation.blobs.has(digest_of(data))
        verified(installation)


def test_a_version_stays_what_it_was_even_after_its_deletion(installation: MemoryInstallation) -> None:
    data, other = build_deb("hello"), build_deb("hello", files={"etc/other": b"other\n"})
    installation.upload(data, "hello_1.0_all.deb", "jammy")
    installation.application.movements.remove(ADMIN, "hello")
    with pytest.raises(SameKeyOtherBytes) as refused:
        installation.upload(other, "hello_1.0_all.deb", "jammy")
    assert refused.value.facts == {"incoming_sha256": digest_of(other), "existing_sha256": digest_of(data)}
    assert installation.upload(data, "hello_1.0_all.deb", "jammy").status is ReceiptStatus.ACCEPTED
    installation.wait_published("jammy")
    verified(installation)


def test_the_release_date_never_goes_back_with_the_clock(installation: MemoryInstallation) -> None:
    dates = []
    for number, hours in enumerate((0, 24, -48, 1)):
        installation.clock.advance(hours=hours)
        installation.upload(build_deb(f"hello{number}"), "hello_1.0_all.deb", "jammy")
        installation.wait_published("jammy")
        release = installation.read(Format.DEB, "dists/jammy/Release")
        assert release is not None
        dates.append(parse_release(release).fields.date)
    assert dates == sorted(dates)


def test_who_may_not_upload_leaves_nothing_behind(installation: MemoryInstallation) -> None:
    with pytest.raises(PermissionDenied):
        installation.upload(build_deb("hello"), "hello.deb", actor=Actor("reader", frozenset({Role.READER})))
    assert not installation.blobs.has(digest_of(build_deb("hello")))


def test_of_equal_uploads_at_once_one_is_new(installation: MemoryInstallation) -> None:
    data = build_deb("hello")
    receipts = at_once(RIVALS, lambda _number: installation.upload(data, "hello_1.0_all.deb", "jammy").status)
    assert Counter(receipts) == {ReceiptStatus.ACCEPTED: 1, ReceiptStatus.DUPLICATE: RIVALS - 1}
    installation.wait_published("jammy")
    assert len(index(installation)) == 1
    verified(installation)


def test_of_different_bytes_under_one_key_one_wins_and_is_served(installation: MemoryInstallation) -> None:
    rivals = [build_deb("hello", files={"etc/rival": b"%d\n" % number}) for number in range(RIVALS)]
    outcomes = at_once(RIVALS, lambda number: installation.upload(rivals[number], "hello_1.0_all.deb", "jammy").status)
    winners = [number for number, outcome in enumerate(outcomes) if outcome is ReceiptStatus.ACCEPTED]
    assert len(winners) == 1
    assert sum(isinstance(outcome, SameKeyOtherBytes) for outcome in outcomes) == RIVALS - 1
    installation.wait_published("jammy")
    [(path, entry)] = index(installation).items()
    assert entry.sha256 == digest_of(rivals[winners[0]])
    assert installation.read(Format.DEB, path) == rivals[winners[0]]
    verified(installation)


def test_uploads_and_deletions_at_once_end_in_what_was_acknowledged(installation: MemoryInstallation) -> None:
    def turn(number: int) -> bool:
        """Whether the package should be there in the end."""
        name, data = f"package{number}", build_deb(f"package{number}")
        for _ in range(3):
            installation.upload(data, "x.deb", "jammy")
            installation.application.movements.remove(ADMIN, name, "1.0", distribution="jammy")
        if number % 2:
            installation.upload(data, "x.deb", "jammy")
        return bool(number % 2)

    outcomes = at_once(8, turn)
    installation.wait_published("jammy")
    names = {path.rpartition("/")[2].partition("_")[0] for path in index(installation)}
    assert names == {f"package{number}" for number, kept in enumerate(outcomes) if kept is True}
    verified(installation)


def test_promotion_and_deletion_at_once_are_each_whole_or_nothing(installation: MemoryInstallation) -> None:
    movements = installation.application.movements

    def race(name: str) -> list[object]:
        def work(turn: int) -> object:
            if turn:
                return movements.remove(ADMIN, name)
            return installation.application.transfers.promotions.promote(
                ADMIN, PromotionRequest(name, "jammy", "noble")
            )

        return at_once(2, work)

    for number in range(10):
        name = f"package{number}"
        installation.upload(build_deb(name), "x.deb", "jammy")
        promoted, removed = race(name)
        assert isinstance(removed, EntrepotError) is False
        assert isinstance(promoted, NotFound) or not isinstance(promoted, EntrepotError)
        with installation.catalog.read() as reading:
            live = [placement.suite.codename for placement in reading.placements(PackageFilter(name=name))]
        assert live in ([], ["noble"]), "a promotion that came second may stay; the source is empty"
    installation.wait_published("jammy")
    installation.wait_published("noble")
    assert index(installation) == {}
    verified(installation)


class Scanner:
    """A slow check that finds something in what its test says, or fails as it says."""

    name = "scanner"
    slow = True
    anew = False

    def __init__(self) -> None:
        self.finds: set[str] = set()
        self.open = threading.Event()
        self.inspected: list[str] = []

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        self.open.wait(60)
        self.inspected.append(subject.digest)
        assert around.blobs.has(subject.digest)
        if subject.digest in self.finds:
            finding = Concern("scanner.found", "something that should not be there")
            return CheckOutcome(self.name, CheckResult.FINDINGS, "found", concerns=(finding,))
        return CheckOutcome(self.name, CheckResult.CLEAN, "clean")


@pytest.fixture
def scanner() -> Scanner:
    return Scanner()


@pytest.fixture
def scanned(tmp_path: Path, scanner: Scanner) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path, checks=(*CHECKS, scanner)) as found:
        try:
            yield found
        finally:
            scanner.open.set()


def test_a_slow_check_is_waited_for_before_anything_is_published(scanned: MemoryInstallation, scanner: Scanner) -> None:
    receipt = scanned.upload(build_deb("hello"), "hello_1.0_all.deb", "jammy")
    assert receipt.status is ReceiptStatus.INSPECTING
    assert receipt.admission_id is not None
    scanned.wait_published("jammy")
    assert index(scanned) == {}
    scanner.open.set()
    _settled(scanned, receipt.admission_id)
    assert scanned.application.intake.receipt(receipt.admission_id).status is ReceiptStatus.ACCEPTED
    assert len(index(scanned)) == 1
    verified(scanned)


def test_what_a_slow_check_finds_is_held(scanned: MemoryInstallation, scanner: Scanner) -> None:
    data = build_deb("hello")
    scanner.finds.add(digest_of(data))
    receipt = scanned.upload(data, "hello_1.0_all.deb", "jammy")
    scanner.open.set()
    assert receipt.admission_id is not None
    _settled(scanned, receipt.admission_id)
    assert scanned.application.intake.receipt(receipt.admission_id).status is ReceiptStatus.HELD
    assert index(scanned) == {}


def test_of_two_contents_that_are_inspected_under_one_key_one_is_published(
    scanned: MemoryInstallation, scanner: Scanner
) -> None:
    rivals = [build_deb("hello", files={"etc/rival": b"%d\n" % number}) for number in range(2)]
    receipts = [scanned.upload(rival, "hello_1.0_all.deb", "jammy") for rival in rivals]
    scanner.open.set()
    for receipt in receipts:
        assert receipt.admission_id is not None
        _settled(scanned, receipt.admission_id)
    statuses = [scanned.application.intake.receipt(receipt.admission_id or 0).status for receipt in receipts]
    assert sorted(statuses) == [ReceiptStatus.ACCEPTED, ReceiptStatus.REFUSED]
    [entry] = index(scanned).values()
    assert entry.sha256 == digest_of(rivals[statuses.index(ReceiptStatus.ACCEPTED)])
    verified(scanned)


def _settled(installation: MemoryInstallation, admission_id: int) -> None:
    for _ in range(600):
        if installation.application.intake.receipt(admission_id).status is not ReceiptStatus.INSPECTING:
            installation.wait_published("jammy")
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"the inspection does not end: {installation.queue.failures}")
