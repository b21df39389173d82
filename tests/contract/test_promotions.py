"""Promote, migrate and decide through the main API, both spellings, both formats (contract 4.3, 4.8, D-16)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.debs import build_deb
from entrepot.testing.rpms import build_rpm

pytestmark = pytest.mark.xdist_group("promotions")

_numbers = itertools.count(1)
ENDS = {"from_dist": "jammy", "to_dist": "noble"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("promotions")) as found:
        yield found


@pytest.fixture(scope="module")
def maintainer(office: Office) -> Iterator[httpx2.Client]:
    with office.session(office.hire(role="maintainer")) as client:
        yield client


def fresh(prefix: str = "pkg") -> str:
    """A name that no other test has."""
    return f"{prefix}{next(_numbers)}"


def upload(office: Office, data: bytes, filename: str, distribution: str) -> dict[str, Any]:
    answer = office.admin.post("/upload/", files={"file": (filename, data)}, data={"distribution": distribution})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def deb(office: Office, name: str, version: str = "1.0", arch: str = "all", dist: str = "jammy", **fields: str) -> None:
    upload(office, build_deb(name, version, arch, fields=fields), "x.deb", dist)


def held_deb(office: Office, name: str, dist: str = "jammy") -> None:
    """In its distribution after a person's look; each other distribution wants a look of its own."""
    deb(office, name, dist=dist, Essential="yes")
    answer = office.admin.post(
        f"/security/packages/{name}/1.0/decide", json={"decision": "approve", "justification": "seen"}
    )
    assert answer.status_code == 200, answer.text


def live(office: Office, dist: str, name: str) -> set[tuple[str, str]]:
    """Versions and architectures of a name in a distribution."""
    found = office.admin.get(f"/distributions/{dist}/packages", params={"q": name, "per_page": 200}).json()["packages"]
    return {(row["version"], row["arch"]) for row in found if row["name"] == name}


def seen_by_clients(office: Office, name: str, dist: str = "noble") -> bool:
    text = office.admin.get(f"/apt/main/dists/{dist}/main/binary-amd64/Packages").text
    return f"Package: {name}\n" in text


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("old", [False, True], ids=["package from_dist", "name from_distribution"])
def test_both_spellings_promote(office: Office, prefix: str, end: str, *, old: bool) -> None:
    name = fresh()
    deb(office, name)
    body = (
        {"name": name, "from_distribution": "jammy", "to_distribution": "noble"} if old else {"package": name, **ENDS}
    )
    answer = office.admin.post(f"{prefix}/distributions/promote{end}", json=body)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert {key: done[key] for key in ("status", "package", "name", "version", "arch")} == {
        "status": "ok",
        "package": name,
        "name": name,
        "version": "1.0",
        "arch": "all",
    }
    for end_word, dist in (("from", "jammy"), ("to", "noble")):
        assert {done[end_word], done[f"{end_word}_dist"], done[f"{end_word}_distribution"]} == {dist}
    assert done["promoted"] == [{"name": name, "version": "1.0", "arch": "all"}]
    verdict = done["policy_verdict"]
    assert (verdict["verdict"], verdict["allowed"], verdict["forced"], verdict["reasons"]) == (
        "approved",
        True,
        False,
        [],
    )
    assert {"structure", "cve"} <= {step["name"] for step in verdict["checks"][0]["steps"]}
    assert seen_by_clients(office, name)
    again = office.admin.post(f"{prefix}/distributions/promote{end}", json=body)
    assert (again.status_code, again.json()["status"], again.json()["promoted"]) == (200, "already_present", [])
    [entry] = [row for row in office.audited("PROMOTE") if row["package"] == name and row["detail"]["count"]]
    assert (entry["result"], entry["suite"], entry["detail"]["from"]) == ("SUCCESS", "noble", "jammy")


def test_an_rpm_goes_the_same_way(office: Office) -> None:
    name = fresh()
    upload(office, build_rpm(name, "1.0", "1", "x86_64"), "x.rpm", "almalinux9")
    body = {"package": name, "from_dist": "almalinux9", "to_dist": "rocky9"}
    done = office.admin.post("/distributions/promote", json=body).json()
    assert (done["status"], done["promoted"]) == ("ok", [{"name": name, "version": "1.0-1", "arch": "x86_64"}])
    assert live(office, "rocky9", name) == {("1.0-1", "x86_64")}


def test_version_and_architecture_are_honoured(office: Office) -> None:
    name = fresh()
    for version, arch in (("1.9", "amd64"), ("1.10", "amd64"), ("1.10", "arm64"), ("1.10~rc1", "amd64")):
        deb(office, name, version, arch)
    promote = f"/artifacts/{name}/promote"
    one = office.admin.post(promote, json={**ENDS, "version": "1.9"})
    assert (one.status_code, one.json()["status"]) == (200, "approved")
    assert live(office, "noble", name) == {("1.9", "amd64")}
    office.admin.post(promote, json={**ENDS, "version": "1.10", "arch": "arm64"})
    assert live(office, "noble", name) == {("1.9", "amd64"), ("1.10", "arm64")}
    newest = office.admin.post(promote, json=ENDS).json()
    assert newest["promoted"] == [{"name": name, "version": "1.10", "arch": "amd64"}]
    assert newest["already_present"] == [{"name": name, "version": "1.10", "arch": "arm64"}]
    for absent in ({"version": "2.0"}, {"version": "1.9", "arch": "arm64"}):
        assert office.admin.post(promote, json={**ENDS, **absent}).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"package": "nothing-of-that-name"}, 404),
        ({"from_dist": "absent"}, 400),
        ({"to_dist": "absent"}, 400),
        ({"to_dist": "jammy"}, 400),
        ({"to_dist": "almalinux9"}, 400),
        ({"package": None}, 422),
        ({"to_dist": 7}, 422),
        ({"to_dist": None}, 422),
        ({"version": 1}, 422),
        ({"force": "yes"}, 422),
        ({"package": "x" * 300}, 422),
    ],
    ids=str,
)
def test_a_promotion_that_cannot_be(office: Office, change: dict[str, Any], status: int) -> None:
    name = fresh()
    deb(office, name)
    answer = office.admin.post("/distributions/promote", json={"package": name, **ENDS, **change})
    assert answer.status_code == status, answer.text
    if change.get("package", name) == name:
        there = office.admin.post(f"/artifacts/{name}/promote", json={**ENDS, **change})
        assert there.status_code == status, there.text
        moved = office.admin.post("/distributions/migrate", json={"packages": [name], **ENDS, **change})
        assert moved.status_code == (status if {"from_dist", "to_dist"} & set(change) else 200)
    assert (
        office.admin.post(
            "/distributions/promote", content=b"{", headers={"content-type": "application/json"}
        ).status_code
        == 400
    )


def test_what_is_held_waits_for_an_administrator(office: Office, maintainer: httpx2.Client) -> None:
    name = fresh()
    held_deb(office, name)
    for path in ("/distributions/promote", f"/artifacts/{name}/promote"):
        answer = maintainer.post(path, json={"package": name, **ENDS, "justification": "needed there"})
        assert answer.status_code == 202, answer.text
        body = answer.json()
        assert (body["status"], body["promoted"], body["policy_verdict"]["verdict"]) == (
            "pending_review",
            [],
            "pending_review",
        )
        assert body["policy_verdict"]["reasons"]
        assert body["policy_verdict"]["findings"][0]["package"] == name
    number = body["pending_promotion_id"]
    assert not live(office, "noble", name)
    listed = maintainer.get("/artifacts/admin/pending-promotions").json()
    rows = [row for row in listed["items"]["items"] if row["package"] == name]
    assert [(row["id"], row["status"], row["from_dist"], row["to_dist"]) for row in rows] == [
        (number, "pending", "jammy", "noble")
    ], "asking twice is one promotion"
    assert (listed["status"], listed["total"]) == ("pending", listed["items"]["total"])
    decide = f"/artifacts/{name}/promote/{number}"
    assert maintainer.post(f"{decide}/approve", json={"justification": "I want"}).status_code == 403
    for blank in ({}, {"justification": "  "}):
        assert office.admin.post(f"{decide}/approve", json=blank).status_code == 400
        assert office.admin.post(f"{decide}/reject", json=blank).status_code == 400
    assert (
        office.admin.post(f"/artifacts/other/promote/{number}/approve", json={"justification": "x"}).status_code == 400
    )
    assert (
        office.admin.post(f"/artifacts/{name}/promote/999999/approve", json={"justification": "x"}).status_code == 404
    )
    assert (
        office.admin.post(f"/artifacts/{name}/promote/{2**70}/approve", json={"justification": "x"}).status_code == 422
    )
    approved = office.admin.post(f"{decide}/approve", json={"justification": "looked at it"})
    assert (approved.status_code, approved.json()["status"]) == (200, "approved")
    assert seen_by_clients(office, name)
    for verb in ("approve", "reject"):
        late = office.admin.post(f"{decide}/{verb}", json={"justification": "again", "reason": "again"})
        assert late.status_code == 409
    [row] = [row for row in office.audited("PROMOTE_APPROVE") if row["package"] == name]
    assert row["detail"]["justification"] == "looked at it"
    done = office.admin.get("/artifacts/admin/pending-promotions", params={"status": "approved"}).json()
    assert number in [row["id"] for row in done["items"]["items"]]


def test_a_rejected_promotion_can_be_asked_for_again(office: Office, maintainer: httpx2.Client) -> None:
    name = fresh()
    held_deb(office, name)
    first = maintainer.post(f"/artifacts/{name}/promote", json=ENDS).json()["pending_promotion_id"]
    rejected = office.admin.post(f"/artifacts/{name}/promote/{first}/reject", json={"reason": "not there"})
    assert (rejected.status_code, rejected.json()["status"]) == (200, "rejected")
    assert not live(office, "noble", name)
    second = maintainer.post(f"/artifacts/{name}/promote", json=ENDS).json()["pending_promotion_id"]
    assert second != first
    statuses = {
        state: office.admin.get("/artifacts/admin/pending-promotions", params={"status": state}).json()["total"]
        for state in ("pending", "approved", "rejected", "blocked", "all")
    }
    assert statuses["all"] == sum(count for state, count in statuses.items() if state != "all")
    assert office.admin.get("/artifacts/admin/pending-promotions", params={"status": "odd"}).status_code == 400
    # What left the source in between cannot be approved.
    office.admin.delete(f"/artifacts/{name}/1.0", params={"distribution": "jammy"})
    gone = office.admin.post(f"/artifacts/{name}/promote/{second}/approve", json={"justification": "x"})
    assert gone.status_code == 404


def test_force_is_for_administrators_with_a_reason(office: Office, maintainer: httpx2.Client) -> None:
    name = fresh()
    held_deb(office, name)
    for path in ("/distributions/promote", f"/artifacts/{name}/promote"):
        forced = {"package": name, **ENDS, "force": True, "justification": "urgent"}
        assert maintainer.post(path, json=forced).status_code == 403
        assert office.admin.post(path, json={**forced, "justification": " "}).status_code == 400
    assert not live(office, "noble", name)
    done = office.admin.post(f"/artifacts/{name}/promote", json=forced)
    assert done.status_code == 200, done.text
    verdict = done.json()["policy_verdict"]
    assert (verdict["verdict"], verdict["forced"], verdict["allowed"]) == ("pending_review", True, True)
    assert live(office, "noble", name)
    [entry] = [row for row in office.audited("PROMOTE") if row["package"] == name]
    assert (entry["detail"]["forced"], entry["detail"]["justification"]) == (True, "urgent")


def test_what_a_person_rejected_is_refused(office: Office, maintainer: httpx2.Client) -> None:
    name = fresh()
    held_deb(office, name)
    number = maintainer.post(f"/artifacts/{name}/promote", json=ENDS).json()["pending_promotion_id"]
    deb(office, name, dist="noble", Essential="yes")
    office.admin.post(f"/security/packages/{name}/1.0/decide", json={"decision": "reject", "justification": "never"})
    for path in ("/distributions/promote", f"/artifacts/{name}/promote"):
        answer = maintainer.post(path, json={"package": name, **ENDS})
        assert answer.status_code == 409, answer.text
        body = answer.json()
        assert body["error"] == body["detail"]["error"] == "policy_blocked"
        assert body["policy_verdict"]["verdict"] == "blocked"
        assert "never" in body["detail"]["message"]
    late = office.admin.post(f"/artifacts/{name}/promote/{number}/approve", json={"justification": "yes"})
    assert late.status_code == 409
    assert not live(office, "noble", name)
    blocked = office.admin.get("/artifacts/admin/pending-promotions", params={"status": "blocked"}).json()
    assert number in [row["id"] for row in blocked["items"]["items"]]


def test_targets_are_the_distributions_of_the_format(office: Office) -> None:
    name = fresh()
    held_deb(office, name)
    found = office.admin.get(f"/artifacts/{name}/promote/targets", params={"from_dist": "jammy"}).json()
    assert (found["package"], found["from_dist"]) == (name, "jammy")
    assert set(found["targets"]) >= {"noble", "focal", "bookworm"}
    assert not {"jammy", "almalinux9"} & set(found["targets"])
    assert found["policy_verdict"]["verdict"] == "pending_review"
    assert office.admin.get(f"/artifacts/{name}/promote/targets").json()["from_dist"] == "jammy"
    for path in (f"/artifacts/absent{name}/promote/targets", f"/artifacts/{name}/promote/targets?from_dist=noble"):
        assert office.admin.get(path).status_code == 404
    assert office.admin.get(f"/artifacts/{name}/promote/targets?from_dist=absent").status_code == 400


def test_a_token_for_other_distributions_promotes_nothing(office: Office) -> None:
    name = fresh()
    deb(office, name)
    secret = office.token(role="maintainer", distributions=["focal"])["token"]
    with office.bearing(secret) as program:
        assert program.post("/distributions/promote", json={"package": name, **ENDS}).status_code == 403
        assert program.post("/distributions/migrate", json={**ENDS, "packages": [name]}).status_code == 403
        allowed = program.post("/distributions/promote", json={"package": name, "from": "jammy", "to": "focal"})
        assert allowed.status_code == 200, allowed.text


def test_migration_of_some_names_and_of_all(office: Office) -> None:
    for dist in ("stage", "ready"):
        made = office.admin.post("/distributions/init", json={"codename": dist, "format": "deb"})
        assert made.status_code == 201
    good, held, other, clash = fresh(), fresh(), fresh(), fresh()
    for version, arch in (("1.9", "amd64"), ("1.10", "amd64"), ("1.10", "arm64")):
        deb(office, good, version, arch, "stage")
    held_deb(office, held, "stage")
    deb(office, other, dist="stage")
    ends = {"from_distribution": "stage", "to_distribution": "ready"}
    some = office.admin.post("/api/v1/distributions/migrate/", json={**ends, "packages": [good, "absent", held]})
    assert some.status_code == 200, some.text
    body = some.json()
    assert (body["status"], body["migrated"], body["packages"], body["manifests_updated"]) == ("partial", 3, [good], 3)
    assert (body["from"], body["to"], body["from_dist"], body["to_dist"]) == ("stage", "ready", "stage", "ready")
    assert [(row["name"], row["error"]) for row in body["errors"]] == [("absent", "not_found")]
    assert [(row["name"], row["error"]) for row in body["pending"]] == [(held, "pending_review")]
    assert live(office, "ready", good) == {("1.9", "amd64"), ("1.10", "amd64"), ("1.10", "arm64")}
    assert live(office, "stage", good) == live(office, "ready", good), "the source keeps them"
    number = body["pending"][0]["pending_promotion_id"]
    done = office.admin.post(f"/artifacts/{held}/promote/{number}/approve", json={"justification": "fine"})
    assert done.status_code == 200
    rest = office.admin.post("/distributions/migrate", json=ends).json()
    assert (rest["status"], rest["packages"], rest["already_present"]) == ("ok", [other], 4)
    assert seen_by_clients(office, other, "ready")
    nothing = office.admin.post("/distributions/migrate", json=ends).json()
    assert (nothing["status"], nothing["migrated"], nothing["already_present"]) == ("ok", 0, 5)
    # The same version with other content is known to another archive: it stays out, the others go.
    office.admin.post("/distributions/init", json={"codename": "apart/far", "format": "deb"})
    deb(office, clash, dist="stage")
    deb(office, clash, dist="apart/far", Section="other")
    deb(office, fresh(), dist="stage")
    far = office.admin.post("/distributions/migrate", json={"from_dist": "stage", "to_dist": "apart/far"}).json()
    assert far["status"] == "partial"
    assert [(row["name"], row["error"]) for row in far["errors"]] == [(clash, "duplicate_conflict")]
    assert far["migrated"] == 5
    entries = [row for row in office.audited("MIGRATE") if row["package"] is None]
    assert entries[0]["detail"]["moved"] == 5
    assert len([row for row in office.audited("MIGRATE") if row["package"] == good and row["suite"] == "ready"]) == 3


def test_a_migration_is_one_publication(office: Office) -> None:
    for dist in ("many", "more"):
        office.admin.post("/distributions/init", json={"codename": dist, "format": "rpm"})
    names = [fresh("m") for _ in range(12)]
    for name in names:
        upload(office, build_rpm(name), "x.rpm", "many")

    def row(dist: str) -> dict[str, Any]:
        found = office.admin.get("/distributions/").json()["distributions"]
        return next(one for one in found if one["codename"] == dist)

    before = len([one for one in office.audited("PUBLISH") if one["suite"] == "more"])
    answer = office.admin.post("/distributions/migrate", json={"from_dist": "many", "to_dist": "more"}).json()
    assert (answer["status"], answer["migrated"]) == ("ok", 12)
    after = len([one for one in office.audited("PUBLISH") if one["suite"] == "more"])
    assert after - before <= 2
    assert (row("more")["package_count"], row("many")["package_count"]) == (12, 12)
    assert row("more")["published_revision"] == row("more")["revision"]
