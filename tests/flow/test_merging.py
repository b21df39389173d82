"""Snapshots that are made from several states: what they hold, what they show, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.flow.carrying import HandMadeWork, ended

from entrepot.domain.formats.deb.packages_index import parse_entries
from entrepot.domain.formats.deb.release_reader import parse_release
from entrepot.domain.jobs.work import Interrupted, JobStatus
from entrepot.domain.model.actor import SYSTEM, Actor, Role
from entrepot.domain.model.package import Format
from entrepot.errors import AlreadyExists, InvalidRequest, MergeRefused, NotFound, PermissionDenied
from entrepot.services.snapshots.choosing import Rule
from entrepot.services.snapshots.environments import Aim
from entrepot.services.snapshots.merging import Merged, MergeRequest
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb, build_rpm

READER = Actor("ruth", frozenset({Role.READER}), "192.0.2.2")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with prepared(tmp_path) as found:
        yield found


@contextmanager
def prepared(folder: Path, url: str = "") -> Iterator[MemoryInstallation]:
    with memory_installation(folder, database_url=url) as found:
        found.application.keeper.stop()  # what it begins by itself would see the clock jump
        for codename in ("stable", "updates"):
            found.application.suites.initialise(ADMIN, codename, Format.DEB, {"architectures": ["amd64"]})
        yield found


def push(house: MemoryInstallation, dist: str, name: str, version: str, architecture: str = "amd64") -> None:
    house.upload(build_deb(name, version, architecture), f"{name}.deb", dist)
    house.wait_published(dist)


def merge(
    house: MemoryInstallation, states: list[str], name: str, rule: Rule = Rule.LATEST, target: str = "stable"
) -> Merged:
    return house.application.merging.merge(ADMIN, MergeRequest(states, target, name, rule))


def held(house: MemoryInstallation, reference: str) -> list[tuple[str, str]]:
    _, rows, total = house.application.snapshots.contents(ADMIN, reference, 0, 100)
    assert total == len(rows)
    return [(one.name, one.version) for one in rows]


def index(house: MemoryInstallation, view: str, name: str = "main/binary-amd64/Packages") -> dict[str, str]:
    """What the signed Release of a view leads to: name and version by path; every path can be fetched."""
    release = house.read(Format.DEB, f"{view}/dists/stable/Release")
    assert release is not None
    listed = {file.path: file.digests["sha256"] for file in parse_release(release).files}
    text = house.read(Format.DEB, f"{view}/dists/stable/main/binary-amd64/by-hash/SHA256/{listed[name]}")
    assert text is not None
    found = {entry.filename: entry.filename.rpartition("/")[2] for entry in parse_entries([text])}
    assert all(house.read(Format.DEB, f"{view}/{path}") for path in found)
    return found


def two_states(house: MemoryInstallation) -> None:
    push(house, "stable", "app", "1.0")
    push(house, "stable", "lib", "1.0")
    push(house, "updates", "app", "2.0")
    push(house, "updates", "new", "1.0", "arm64")


@pytest.mark.parametrize(
    ("rule", "apps"), [(Rule.LATEST, ["2.0"]), (Rule.FIRST, ["1.0"]), (Rule.ALL, ["1.0", "2.0"])], ids=str
)
def test_a_rule_says_what_is_taken(house: MemoryInstallation, rule: Rule, apps: list[str]) -> None:
    two_states(house)
    done = merge(house, ["stable", "updates"], "both", rule)
    wanted = [("app", version) for version in apps]
    assert held(house, "stable@both") == [*wanted, ("lib", "1.0"), ("new", "1.0")]
    assert done.frozen.snapshot.merged_from == ("stable", "updates")
    assert done.selection.counts["versions"] == (0 if rule is Rule.ALL else 1)
    assert sorted(index(house, "snapshot/both").values()) == [
        *(f"app_{version}_amd64.deb" for version in apps),
        "lib_1.0_amd64.deb",
    ]
    release = house.read(Format.DEB, "snapshot/both/dists/stable/Release")
    assert release is not None
    assert b"Architectures: amd64 arm64\n" in release, "what came in widens what is shown"
    assert house.application.verifier.verify(SYSTEM).differences == ()


def test_a_job_merges_and_leaves_nothing_when_it_is_ended_or_dies(house: MemoryInstallation) -> None:
    two_states(house)
    jobs, request = house.application.merge_jobs, MergeRequest(["stable", "updates"], "stable", "both")
    foreseen = ended(house, jobs.begin(ADMIN, request, dry_run=True))
    assert (foreseen.status, foreseen.result["packages"], foreseen.result["snapshot"]) == (JobStatus.DONE, 3, None)
    asked = {**foreseen.parameters, "dry_run": False}
    assert jobs.pursue(HandMadeWork(asked, cancel_after=1)) == {}
    with pytest.raises(Interrupted):
        jobs.pursue(HandMadeWork(asked, die_after=2))
    with pytest.raises(NotFound):
        held(house, "stable@both")
    done = ended(house, jobs.begin(ADMIN, request, dry_run=False))
    assert (done.status, done.result["status"], done.result["counts"]) == (
        JobStatus.DONE,
        "merged",
        {"versions": 1, "bytes": 0, "claimed": 0, "barred": 0},
    ), done.result
    assert held(house, "stable@both") == [("app", "2.0"), ("lib", "1.0"), ("new", "1.0")]
    again = jobs.pursue(HandMadeWork(asked))
    assert again["status"] == "merged", "it died after the snapshot was made, and before it could say so"
    with pytest.raises(AlreadyExists):
        jobs.begin(ADMIN, request, dry_run=False)
    with pytest.raises(PermissionDenied):
        jobs.begin(READER, request, dry_run=True)


def test_it_is_the_same_on_every_database(tmp_path: Path, database_url: str) -> None:
    with prepared(tmp_path, database_url) as house:
        two_states(house)
        house.application.suites.initialise(ADMIN, "other/far", Format.DEB, {"architectures": ["amd64"]})
        push(house, "other/far", "tool", "1.0")
        first = merge(house, ["stable", "updates", "other/far"], "both").frozen.snapshot
        merge(house, ["other/far", "updates", "stable"], "again")
        assert held(house, "stable@both") == [("app", "2.0"), ("lib", "1.0"), ("new", "1.0"), ("tool", "1.0")]
        assert house.application.snapshots.difference(ADMIN, "stable@both", "stable@again").lines == []
        difference = house.application.snapshots.difference(ADMIN, "stable", "stable@both")
        assert [(one.kind, one.name) for one in difference.lines] == [
            ("upgraded", "app"),
            ("added", "new"),
            ("added", "tool"),
        ]
        house.application.snapshots.remove(ADMIN, "stable", "both")
        house.clock.advance(days=30)
        house.application.collector.collect()
        assert rows_apart(house) == 4, "those of the other one"
        assert house.application.snapshots.one(ADMIN, "stable", "again").snapshot.content_id == first.content_id


def test_what_the_rules_of_the_target_do_not_let_in_is_left_out(house: MemoryInstallation) -> None:
    rule = {"concerns": {"control.essential": "allow"}}
    house.application.policies.change_suite(ADMIN, "updates", rule)
    push(house, "stable", "app", "1.0")
    push(house, "updates", "app", "1.5")
    house.upload(build_deb("app", "2.0", "amd64", fields={"Essential": "yes"}), "app.deb", "updates")
    house.wait_published("updates")
    assert held(house, "updates") == [("app", "1.5"), ("app", "2.0")]
    done = merge(house, ["stable", "updates"], "both")
    assert held(house, "stable@both") == [("app", "1.5")], "what is next, not nothing"
    (left,) = done.selection.left_out
    assert (left.name, left.version) == ("app", "2.0")
    assert left.reason.startswith("the rules of stable do not let it in: ")
    assert "ssential" in left.reason
    assert [(one.name, one.version) for one in merge(house, ["updates"] * 2, "x", Rule.ALL).selection.left_out] == [
        ("app", "2.0"),
        ("app", "2.0"),
    ]
    house.application.policies.change_suite(ADMIN, "stable", rule)
    merge(house, ["stable", "updates"], "later")
    assert held(house, "stable@later") == [("app", "2.0")]


def test_a_request_asks_about_few_and_a_job_about_all(
    house: MemoryInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrepot.services.snapshots.merging._MOST_ASKED", 1)
    two_states(house)
    request = MergeRequest(["stable", "updates"], "stable", "both")
    with pytest.raises(MergeRefused, match=r"2 packages are new to stable .* --job"):
        house.application.merging.plan(ADMIN, request)
    done = ended(house, house.application.merge_jobs.begin(ADMIN, request, dry_run=False))
    assert (done.status, done.result["packages"]) == (JobStatus.DONE, 3), done.result


def test_the_suite_itself_does_not_change(house: MemoryInstallation) -> None:
    two_states(house)
    before, published = house.suite("stable"), house.read(Format.DEB, "dists/stable/InRelease")
    merge(house, ["stable", "updates"], "both")
    assert house.suite("stable") == before
    assert house.read(Format.DEB, "dists/stable/InRelease") == published
    assert held(house, "stable") == [("app", "1.0"), ("lib", "1.0")]
    push(house, "stable", "later", "1.0")
    assert held(house, "stable") == [("app", "1.0"), ("later", "1.0"), ("lib", "1.0")]
    assert held(house, "stable@both") == [("app", "2.0"), ("lib", "1.0"), ("new", "1.0")]


def test_the_same_packages_have_the_same_content_id_however_they_came_together(house: MemoryInstallation) -> None:
    two_states(house)
    snapshots = house.application.snapshots
    first = merge(house, ["stable", "updates"], "one").frozen.snapshot
    assert merge(house, ["updates", "stable"], "two").frozen.snapshot.content_id == first.content_id
    assert merge(house, ["stable@one", "stable@two"], "three").frozen.snapshot.content_id == first.content_id
    assert snapshots.difference(ADMIN, "stable@one", "stable@three").lines == []
    same = merge(house, ["stable", "stable"], "same").frozen.snapshot
    assert same.content_id == snapshots.keep(ADMIN, "stable", "plain").snapshot.content_id


def test_a_plan_changes_nothing_and_names_what_differs(house: MemoryInstallation) -> None:
    two_states(house)
    request = MergeRequest(["stable", "updates"], "stable", "both", Rule.LATEST)
    found = house.application.merging.plan(ADMIN, request)
    assert (found.package_count, found.taken_from, found.possible) == (3, [1, 2], True)
    (conflict,) = found.conflicts
    assert (conflict.kind, conflict.name, conflict.architecture) == ("versions", "app", "amd64")
    assert [(one.reference, one.version) for one in conflict.taken] == [("updates", "2.0")]
    assert [(one.reference, one.version) for one in conflict.dropped] == [("stable", "1.0")]
    with pytest.raises(NotFound):
        house.application.snapshots.one(ADMIN, "stable", "both")
    with pytest.raises(PermissionDenied):
        house.application.merging.plan(READER, request)


def test_an_environment_moves_to_it_and_back(house: MemoryInstallation) -> None:
    two_states(house)
    environments, snapshots = house.application.environments, house.application.snapshots
    snapshots.keep(ADMIN, "stable", "plain")
    merge(house, ["stable", "updates"], "both")
    environments.create(ADMIN, "prod", "", protected=False)
    environments.point(ADMIN, "prod", Aim([("stable", "plain")]), "")
    plan = environments.plan(ADMIN, "prod", Aim([("stable", "both")]))
    (change,) = plan.changes
    assert change.difference is not None
    assert [(one.kind, one.name) for one in change.difference.lines] == [("upgraded", "app"), ("added", "new")]
    house.clock.advance(seconds=5)
    environments.point(ADMIN, "prod", Aim([("stable", "both")]), "")
    assert "app_2.0_amd64.deb" in index(house, "env/prod").values()
    environments.roll_back(ADMIN, "prod", None, "")
    assert "app_1.0_amd64.deb" in index(house, "env/prod").values()


def test_what_is_in_quarantine_stays_out_and_the_rule_chooses_among_the_rest(house: MemoryInstallation) -> None:
    two_states(house)
    push(house, "updates", "app", "1.5")
    house.application.snapshots.keep(ADMIN, "updates", "before")
    house.application.decisions.quarantines.quarantine(ADMIN, "app", "2.0", None, "broken into")
    house.wait_idle()
    done = merge(house, ["stable", "updates@before"], "both")
    assert ("app", "1.5") in held(house, "stable@both")
    assert [(one.name, one.version, one.reason) for one in done.selection.left_out] == [
        ("app", "2.0", "it is in quarantine")
    ]


def test_what_the_bytes_of_a_version_are_is_not_guessed(house: MemoryInstallation) -> None:
    house.application.suites.initialise(ADMIN, "other/stable", Format.DEB, {"architectures": ["amd64"]})
    push(house, "stable", "app", "1.0")
    house.upload(build_deb("app", "1.0", "amd64", depends="else"), "app.deb", "other/stable")
    house.upload(build_deb("tool", "1.0", "amd64"), "tool.deb", "other/stable")
    house.wait_idle()
    for rule in (Rule.LATEST, Rule.ALL):
        with pytest.raises(MergeRefused, match=r"app 1\.0 amd64"):
            merge(house, ["stable", "other/stable"], "both", rule)
    with pytest.raises(MergeRefused, match="never changes"):
        merge(house, ["other/stable", "stable"], "both", Rule.FIRST)
    merge(house, ["stable", "other/stable"], "both", Rule.FIRST)
    assert held(house, "stable@both") == [("app", "1.0"), ("tool", "1.0")]
    assert sorted(index(house, "snapshot/both").values()) == ["app_1.0_amd64.deb", "tool_1.0_amd64.deb"]
    with pytest.raises(AlreadyExists):
        merge(house, ["stable", "other/stable"], "both", Rule.FIRST)


def test_rpm_repositories_merge_as_well(house: MemoryInstallation) -> None:
    for codename in ("el9", "el9-fixes"):
        house.application.suites.initialise(ADMIN, codename, Format.RPM, {"architectures": ["x86_64"]})
    house.upload(build_rpm("s-rpm", "1.0"), "a.rpm", "el9")
    house.upload(build_rpm("s-rpm", "2.0"), "b.rpm", "el9-fixes")
    house.wait_idle()
    merge(house, ["el9", "el9-fixes"], "fixed", target="el9")
    assert held(house, "el9@fixed") == [("s-rpm", "2.0-1")]
    assert house.read(Format.RPM, "snapshot/fixed/el9/x86_64/repodata/repomd.xml") is not None
    with pytest.raises(InvalidRequest, match="holds"):
        merge(house, ["stable", "el9"], "mixed")
    with pytest.raises(InvalidRequest, match="2 to 20"):
        merge(house, ["stable"], "one")


def rows_apart(house: MemoryInstallation) -> int:
    with house.catalog.read() as reading:
        suite = house.suite("stable")
        return sum(1 for state in range(1, 10) for _ in reading.contents_at(suite.id, -state))


@pytest.mark.parametrize("when", ["copying", "building", "removed"])
def test_what_broke_off_or_was_let_go_is_collected(
    house: MemoryInstallation, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    two_states(house)
    merging = house.application.merging
    if when == "removed":
        merge(house, ["stable", "updates"], "both")
        house.application.snapshots.remove(ADMIN, "stable", "both")
    else:

        def broken(*_: object, **__: object) -> None:
            raise InterruptedError

        part: Callable[..., object] = broken
        monkeypatch.setattr(merging, "_current" if when == "building" else "_copy", part)
        with pytest.raises(InterruptedError):
            merge(house, ["stable", "updates"], "both")
        monkeypatch.undo()
    assert rows_apart(house) == (0 if when == "copying" else 3)
    house.clock.advance(days=30)
    house.application.collector.collect()
    assert rows_apart(house) == 0
    assert held(house, "stable") == [("app", "1.0"), ("lib", "1.0")]
    merge(house, ["stable", "updates"], "both")
    house.clock.advance(days=30)
    house.application.collector.collect()
    house.clock.advance(days=30)
    house.application.collector.collect()
    assert "app_2.0_amd64.deb" in index(house, "snapshot/both").values(), "what a snapshot keeps stays"
    assert house.application.verifier.verify(SYSTEM).differences == ()
