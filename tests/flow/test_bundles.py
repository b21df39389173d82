"""Bundles from one server to another: their order, the gate, an end before the end, and other versions."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.flow.carrying import Gap, ended, gap, work_for

from entrepot.adapters.catalog.bundles import Bundle, BundleStatus
from entrepot.domain.bundles.archive import END, Archive, header_of, padding_of
from entrepot.domain.bundles.head import MANIFEST, Head, read_head
from entrepot.domain.bundles.lists import read_sums, write_sums
from entrepot.domain.jobs.work import Interrupted, JobStatus
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.package import Format
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.errors import (
    BundleBaseMissing,
    BundleIncomplete,
    BundleReplayed,
    BundleTooNew,
    InvalidRequest,
    NotFound,
    PackageQuarantined,
    UnknownDistribution,
)
from entrepot.services.bundles.signing import KEY
from entrepot.services.bundles.targets import ImportWish
from entrepot.services.intake.decisions.acts import Choice
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN

RELEASE = "dists/bookworm/Release"


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[Gap]:
    with gap(tmp_path) as found:
        yield found


def begin(sides: Gap, bundle: Bundle, **wish: object) -> None:
    sides.offline.application.bundle_imports.begin(ADMIN, bundle.id, ImportWish(**wish))  # type: ignore[arg-type]


def test_increments_come_in_their_order_and_nothing_goes_back_by_itself(sides: Gap) -> None:
    sides.push("one")
    sides.push("two")
    full, full_volumes = sides.make()
    sides.push("three")
    first, first_volumes = sides.make(base=full.id)
    sides.online.application.movements.remove(ADMIN, "two", "1.0", None, "bookworm")
    sides.online.wait_published("bookworm")
    second, second_volumes = sides.make(base="latest")
    assert [(one.place, one.base, one.chain) for one in (full, first, second)] == [
        (0, "", full.id),
        (1, full.id, full.id),
        (2, first.id, full.id),
    ]
    assert (first.file_count, second.file_count) == (1, 0)
    for volumes in (full_volumes, first_volumes, second_volumes):
        sides.receive(volumes[0])
    for bundle, base in ((first, full), (second, first)):
        with pytest.raises(BundleBaseMissing, match=base.id):
            begin(sides, bundle)
    assert sides.take_in(full).result["published"] == 2
    assert sides.take_in(first).result["published"] == 1
    done = sides.take_in(second).result
    assert (done["skipped"], done["removed"]) == (2, 1)
    assert sides.contents() == {"one 1.0", "three 1.0"}
    for bundle in (full, first):
        with pytest.raises(BundleReplayed, match=second.id):
            begin(sides, bundle)
    assert sides.take_in(first, older=True).status is JobStatus.DONE
    assert sides.contents() == {"one 1.0", "two 1.0", "three 1.0"}


def test_the_gate_of_the_receiving_side_decides(sides: Gap) -> None:
    sides.push("fine")
    odd = build_deb("odd", "1.0", "all", fields={"Essential": "yes"})
    held = sides.online.upload(odd, "odd_1.0_all.deb", "bookworm")
    assert held.admission_id is not None
    sides.online.application.reviews.decide(ADMIN, "odd", "1.0", Choice(DecisionAction.ACCEPT_RISK, "ours, and wanted"))
    sides.online.wait_published("bookworm")
    _, done = sides.carry()
    assert done.result["published"] == 1
    assert done.result["pending_review"] == 1
    assert "odd 1.0" in str(done.result["not_taken"])
    assert sides.contents() == {"fine 1.0"}
    with sides.offline.catalog.read() as reading:
        entries = [link.entry for link in reading.audit_chain(0, 1000)]
    told = next(entry.detail["told"] for entry in entries if entry.package == "odd" and entry.action == "IMPORT")
    assert isinstance(told, dict)
    assert told["reason"] == "ours, and wanted", "it is shown, and decides nothing"


def test_a_version_with_other_bytes_is_refused_before_anything_changes(sides: Gap) -> None:
    for name in ("aaa", "mine"):
        sides.push(name)
    theirs = build_deb("mine", "1.0", "all", files={"usr/share/other": b"x"})
    sides.offline.upload(theirs, "mine_1.0_all.deb", "bookworm")
    before = sides.offline.suite("bookworm").revision
    _, done = sides.carry()
    assert done.status is JobStatus.ERROR
    assert "mine" in str(done.result["error"])
    assert sides.offline.suite("bookworm").revision == before
    assert sides.contents() == {"mine 1.0"}


def test_machines_see_nothing_before_the_end_and_a_killed_import_goes_on(sides: Gap) -> None:
    for number in range(4):
        sides.push(f"k{number}")
    bundle, volumes = sides.make()
    sides.receive(volumes[0])
    before = sides.offline.read(Format.DEB, RELEASE)
    imports, publisher = sides.offline.application.bundle_imports, sides.offline.application.publisher
    with pytest.raises(Interrupted):
        imports.pursue(work_for(sides.offline, bundle, die_after=2))
    assert len(sides.contents()) == 2
    sides.offline.upload(build_deb("own", "1.0", "all"), "own_1.0_all.deb", "bookworm")
    assert not publisher.publish(sides.offline.suite("bookworm").id).changed
    assert [goal.key for goal in publisher.unmet()] == []
    assert sides.offline.read(Format.DEB, RELEASE) == before

    result = imports.pursue(work_for(sides.offline, bundle))
    assert (result["published"], result["skipped"]) == (2, 2)
    suite = sides.offline.wait_published("bookworm")
    with sides.offline.catalog.read() as reading:
        numbers = [one.number for one in reading.generations(suite.id)]
    assert sides.contents() == {"k0 1.0", "k1 1.0", "k2 1.0", "k3 1.0", "own 1.0"}
    assert numbers[0] - numbers[-1] <= 1, "one step from the old state to the new one"


@pytest.mark.parametrize("abandoned", [False, True])
def test_what_came_in_goes_out_when_an_import_ends_before_its_end(sides: Gap, abandoned: bool) -> None:
    sides.push("old")
    sides.carry()
    for number in range(3):
        sides.push(f"c{number}")
    bundle, volumes = sides.make(base="latest")
    sides.receive(volumes[0])
    imports = sides.offline.application.bundle_imports
    if abandoned:  # as when its worker was lost, and the job given up
        with pytest.raises(Interrupted):
            imports.pursue(work_for(sides.offline, bundle, die_after=3))
        imports.release_abandoned()
    else:
        imports.pursue(work_for(sides.offline, bundle, cancel_after=3))
    assert sides.contents() == {"old 1.0"}
    sides.offline.wait_published("bookworm")
    assert sides.offline.application.bundles.one(ADMIN, bundle.id).status is BundleStatus.ARRIVING
    assert sides.take_in(bundle).result["published"] == 3


def test_an_increment_whose_base_was_let_go_here_asks_for_a_full_bundle(sides: Gap) -> None:
    data = sides.push("gone")
    sides.carry()
    sides.push("next")
    bundle, volumes = sides.make(base="latest")
    sides.receive(volumes[0])
    sides.offline.blobs.remove(digest_of(data))
    with pytest.raises(BundleIncomplete, match="full bundle"):
        begin(sides, bundle)


def test_the_collector_keeps_what_a_bundle_needs_and_no_more(sides: Gap) -> None:
    data = sides.push("kept")
    bundle, volumes = sides.make()
    online = sides.online
    online.application.movements.remove(ADMIN, "kept", "1.0", None, "bookworm")
    online.wait_published("bookworm")
    sides.receive(volumes[0])
    for side in (online, sides.offline):
        for _ in range(3):
            side.clock.advance(days=40)
            side.application.collector.collect()
        assert side.blobs.has(digest_of(data))
    volume = online.application.bundles.volume(ADMIN, bundle.id, 1)
    assert b"".join(volume.read(0, volume.size_bytes)) == volumes[0]
    assert b"".join(volume.read(700, 2000)) == volumes[0][700:2000]
    for side in (online, sides.offline):
        side.application.bundles.remove(ADMIN, bundle.id)
        for _ in range(3):
            side.clock.advance(days=40)
            side.application.collector.collect()
        assert not side.blobs.has(digest_of(data))


def test_volumes_on_a_disk_of_the_server_need_not_be_sent(tmp_path: Path, sides: Gap) -> None:
    folders = sides.offline.application.bundle_folders
    sides.push("disk")
    bundle, (volume,) = sides.make()
    for name, data in (("whole.tar", volume), ("broken.tar", volume[:-2000])):
        (tmp_path / "media" / name).write_bytes(data)
    for name in ("../other/x", "/etc/passwd", ""):
        with pytest.raises(InvalidRequest, match="files: one to four names"):
            folders.begin(ADMIN, [name])
    with pytest.raises(NotFound):
        folders.begin(ADMIN, ["absent.tar"])
    broken = ended(sides.offline, folders.begin(ADMIN, ["broken.tar"]))
    assert (broken.status, broken.result["code"]) == (JobStatus.ERROR, "bundle.malformed")
    done = ended(sides.offline, folders.begin(ADMIN, ["whole.tar"]))
    assert done.result == {"bundle": bundle.id, "missing": 0, "missing_bytes": 0}
    assert sides.take_in(bundle).result["published"] == 1


def test_what_came_into_quarantine_is_handed_out_no_more(sides: Gap) -> None:
    data = sides.push("bad")
    sides.push("good")
    bundle, _ = sides.make()
    sides.online.application.decisions.quarantines.quarantine(ADMIN, "bad", "1.0", None, "it calls home")
    with pytest.raises(PackageQuarantined, match=digest_of(data)):
        sides.online.application.bundles.volume(ADMIN, bundle.id, 1)
    sides.online.wait_published("bookworm")
    fresh, _ = sides.make()
    assert fresh.file_count == 1


def test_states_go_where_somebody_says(sides: Gap) -> None:
    sides.push("one")
    sides.online.application.suites.initialise(ADMIN, "team/special", Format.DEB, {"components": ["main", "extra"]})
    sides.online.upload(build_deb("two", "1.0", "all"), "two_1.0_all.deb", "team/special")
    sides.online.wait_idle()
    bundle, volumes = sides.make("bookworm", "team/special")
    sides.receive(volumes[0])
    with pytest.raises(UnknownDistribution, match="team/special"):
        begin(sides, bundle)
    done = sides.take_in(bundle, create=True, into={"bookworm": "jammy"}, snapshot="came")
    assert done.result["published"] == 2
    assert (sides.contents("jammy"), sides.contents("team/special")) == ({"one 1.0"}, {"two 1.0"})
    assert sides.offline.suite("team/special").options.components == ("main", "extra")
    found, _ = sides.offline.application.snapshots.page(ADMIN, None, 0, 10)
    assert {(one.suite.codename, one.snapshot.name) for one in found} == {("jammy", "came"), ("special", "came")}


def rewritten(sides: Gap, volume: bytes, change: dict[str, object]) -> bytes:
    """The volume as another version would have written it: other members, more files, the same signer."""
    archive = Archive(io.BytesIO(volume))
    head, members = read_head(archive, lambda _sums, _signature: None)
    files = [(member, archive.read_all(1 << 20)) for member in members]
    row = {**json.loads(head.small[MANIFEST]), **change}
    row["states"][0]["mood"] = "unknown to this version"
    small = {**head.small, MANIFEST: json.dumps(row).encode(), "extra.json": b"{}"}
    sums = {path: digest for path, digest in read_sums(head.sums).items() if path not in head.small}
    text = write_sums({**{path: digest_of(data) for path, data in small.items()}, **sums})
    signature = sides.online.keyring.signer(KEY).detach(text)
    body = b"".join(header_of(one.path, len(data), 0) + data + padding_of(len(data)) for one, data in files)
    return Head(text, signature, small).to_bytes() + body + END


def test_a_bundle_of_another_version_is_taken_as_long_as_it_can_be_understood(sides: Gap) -> None:
    sides.push("one")
    _, (volume,) = sides.make()
    with pytest.raises(BundleTooNew, match="holograms"):
        sides.receive(rewritten(sides, volume, {"requires": ["packages", "holograms"]}))
    received = sides.receive(rewritten(sides, volume, {"weather": {"mild": True}}))
    assert received.lack.whole
    assert sides.take_in(received.bundle).result["published"] == 1
