"""Reviews, decisions and quarantine through the main API (contract 4.6, 4.6.1, D-18)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.debs import build_deb

pytestmark = pytest.mark.xdist_group("decisions")

_numbers = itertools.count(1)
RECORD = {
    *("id", "package", "version", "arch", "decision", "action", "status", "justification", "decided_by", "decided_at"),
    *("expires_at", "expires_in_days", "target_version", "cve_ids", "assigned_to", "assigned_to_type", "assigned_at"),
    *("resolved_at", "resolved_by", "resolution_note", "sla"),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("decisions")) as found:
        yield found


@pytest.fixture(scope="module")
def maintainer(office: Office) -> Iterator[httpx2.Client]:
    with office.session(office.hire(role="maintainer")) as client:
        yield client


def upload(office: Office, name: str, **fields: str) -> httpx2.Response:
    data = build_deb(name, "1.0", "all", fields=fields)
    return office.admin.post("/upload/", files={"file": ("x.deb", data)}, data={"distribution": "bookworm"})


def hold(office: Office, prefix: str = "odd") -> str:
    name = f"{prefix}{next(_numbers)}"
    assert upload(office, name, Essential="yes").json()["status"] == "pending_review"
    return name


def address(name: str, what: str) -> str:
    return f"/security/packages/{name}/1.0/{what}"


def decide(client: httpx2.Client, name: str, decision: str = "approve", **more: Any) -> dict[str, Any]:
    answer = client.post(address(name, "decide"), json={"decision": decision, "justification": "read", **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def pool(name: str) -> str:
    return f"/apt/main/pool/main/{name[0]}/{name}/{name}_1.0_all.deb"


def listed(office: Office, name: str) -> bool:
    text = office.admin.get("/apt/main/dists/bookworm/main/binary-amd64/Packages").text
    return f"Package: {name}\n" in text


def test_the_queue_has_every_field_of_the_contract(office: Office) -> None:
    name = hold(office)
    found = office.admin.get("/security/review-queue", params={"q": name}).json()
    assert {"total", "blocked_count", "review_count", "packages"} <= set(found)
    [row] = found["packages"]["items"]
    wanted = {
        *("name", "version", "arch", "distribution", "pkg_format", "imported_at", "imported_by", "status"),
        *(
            "worst_severity",
            "cve_counts",
            "total_cve",
            "kev_count",
            "high_epss_count",
            "cve_results",
            "decision",
            "sla",
        ),
    }
    assert wanted <= set(row)
    assert row["sla"]["has_sla"] is False
    assert office.admin.get("/security/review-queue", params={"severity": "bad"}).status_code == 400
    unknown = office.admin.get("/security/review-queue", params={"distribution": "nowhere"})
    assert (unknown.status_code, "nowhere" in unknown.text) == (400, True)
    assert office.admin.get("/security/review-queue", params={"per_page": 201}).status_code == 422


@pytest.mark.parametrize("other", ["reject", "deny", "nonsense", ["approve"], None])
def test_a_decision_that_contradicts_itself_is_none(office: Office, other: Any) -> None:
    name = hold(office)
    both = {"decision": "approve", "action": other, "justification": "x"}
    answer = office.admin.post(address(name, "decide"), json=both)
    assert (answer.status_code, "say different things" in answer.text) == (400, True)
    alike = {"decision": "approve", "action": "approved", "justification": "x"}
    assert office.admin.post(address(name, "decide"), json=alike).status_code == 200


@pytest.mark.parametrize(
    ("body", "action", "status", "published"),
    [
        ({"decision": "approved", "justification": "x"}, "accept_risk", "accepted_risk", True),
        ({"action": "accept_risk", "reason": "x"}, "accept_risk", "accepted_risk", True),
        ({"decision": "deny", "comment": "x"}, "reject", "quarantined", False),
        ({"action": "exception", "comment": "x", "expires_in_days": 5}, "exception", "exception", True),
        (
            {"action": "upgrade_required", "reason": "x", "target_version": "2"},
            "upgrade_required",
            "upgrade_required",
            False,
        ),
    ],
)
def test_every_action_has_its_record(
    office: Office, body: dict[str, Any], action: str, status: str, *, published: bool
) -> None:
    name = hold(office)
    answer = office.admin.post(address(name, "decide"), json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["action"], found["new_status"], found["published"]) == (action, status, published)
    record = found["decision"]
    assert set(record) >= RECORD
    assert (record["package"], record["status"], record["justification"]) == (name, status, "x")
    assert record["sla"]["has_sla"] == (action == "exception")
    assert record["target_version"] == body.get("target_version")
    assert listed(office, name) == published
    seen = office.admin.get(address(name, "decision")).json()
    assert seen["decision"] == record
    again = office.admin.post(address(name, "decide"), json=body)
    assert again.status_code == 409


def test_quarantine_takes_a_package_away_before_the_answer(office: Office, maintainer: httpx2.Client) -> None:
    name = f"bad{next(_numbers)}"
    assert upload(office, name).status_code == 201
    assert office.admin.get(pool(name)).status_code == 200
    answer = maintainer.post(address(name, "quarantine"), json={"reason": "broken into"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["file_moved"], answer.json()["deb_moved"]) == (
        "quarantined",
        True,
        True,
    )
    assert office.admin.get(pool(name)).status_code == 404
    assert not listed(office, name)
    again = upload(office, name)
    assert (again.status_code, again.json()["status"]) == (422, "quarantined")
    assert office.admin.get(pool(name)).status_code == 404
    download = f"/artifacts/{name}/versions/1.0/download"
    with office.session(office.hire(role="uploader")) as other:
        assert other.get(download).status_code in {403, 404}
    assert maintainer.post(address(name, "quarantine")).status_code == 200
    assert maintainer.post(address("never-heard-of", "quarantine")).status_code == 404
    decide(maintainer, name)
    assert listed(office, name)
    assert office.admin.get(pool(name)).status_code == 200


def test_decisions_are_found_changed_and_revoked(office: Office, maintainer: httpx2.Client) -> None:
    name = hold(office)
    record = decide(maintainer, name, "exception", expires_in_days=3, cve_ids=["CVE-2026-1"])["decision"]
    assert (record["expires_in_days"], record["cve_ids"]) == (3, ["CVE-2026-1"])
    number = record["id"]
    listing = office.admin.get("/security/decisions", params={"package": name}).json()
    assert [one["id"] for one in listing["decisions"]] == [number]
    assert listing["count"] == 1
    place = f"/security/decisions/{number}"
    with office.session(office.hire(role="maintainer")) as other:
        assert other.put(place, json={"expires_in_days": 9}).status_code == 403
        assert other.delete(place).status_code == 403
    assert maintainer.put(place, json={"action": "reject"}).status_code == 400
    assert maintainer.put(place, json={"expires_in_days": 9}).json()["expires_in_days"] == 9
    resolved = maintainer.post(address(name, "decision/resolve"), json={"resolution_note": "1.1 is out"})
    assert resolved.json()["decision"]["resolution_note"] == "1.1 is out"
    assert maintainer.post(address(name, "decision/resolve"), json={}).status_code == 409
    gone = office.admin.delete(place)
    assert (gone.status_code, gone.json()["withdrawn"], gone.json()["decision"]["status"]) == (200, True, "revoked")
    assert not listed(office, name)
    assert office.admin.delete(place).status_code == 409
    [row] = office.admin.get("/security/review-queue", params={"q": name}).json()["packages"]["items"]
    assert row["decision"]["id"] == number


def test_work_is_handed_to_people_and_groups(office: Office, maintainer: httpx2.Client) -> None:
    rita = office.hire(role="maintainer")
    group = office.admin.post("/groups", json={"name": f"team{next(_numbers)}"}).json()["group"]
    office.admin.post(f"/groups/{group['id']}/members", json={"username": rita})
    name, other = hold(office), hold(office)
    assert maintainer.patch(address(name, "assign"), json={"assigned_to": rita}).status_code == 200
    body = {"assigned_to": group["name"], "assigned_to_type": "group"}
    assert maintainer.patch(address(other, "assign"), json=body).status_code == 200
    assert maintainer.patch(address(other, "assign"), json={"assigned_to": "nobody-here"}).status_code == 400
    with office.session(rita) as client:
        rows = client.get("/security/review-queue", params={"assigned": "mine"}).json()["packages"]["items"]
        assert {row["name"] for row in rows} == {name, other}
        decide(client, name)
        mine = client.get("/security/decisions/mine").json()["decisions"]
        assert [one["package"] for one in mine] == [name]
        number = mine[0]["id"]
        assert client.patch(f"/security/decisions/{number}/assign", json={"assigned_to": None}).status_code == 200
        loose = client.get("/security/decisions/unassigned").json()["decisions"]
        assert number in {one["id"] for one in loose}


def test_an_auditor_reads_and_an_administrator_checks(office: Office, maintainer: httpx2.Client) -> None:
    decide(maintainer, hold(office), "exception", expires_in_days=2)
    with office.session(office.hire(role="auditor")) as auditor:
        report = auditor.get("/security/report").json()
        assert report["decisions"]["exception"]["in_force"] >= 1
        assert report["expiring_soon"]
        assert auditor.post("/security/check-sla").status_code == 403
    checked = office.admin.post("/security/check-sla").json()
    assert {"expired", "expiring_soon", "notified", "expired_list", "expiring_list"} <= set(checked)
    assert checked["expiring_soon"] >= 1


def test_two_people_where_the_settings_want_it(office: Office, maintainer: httpx2.Client) -> None:
    office.admin.patch("/settings", json={"decisions": {"four_eyes_distributions": {"bookworm": True}}})
    try:
        name = hold(office)
        body = {"decision": "approve", "justification": "mine"}
        refused = office.admin.post(address(name, "decide"), json=body)
        assert (refused.status_code, refused.json()["error"]) == (403, "review.four_eyes")
        assert not listed(office, name)
        decide(maintainer, name)
    finally:
        office.admin.patch("/settings", json={"decisions": None})
    assert listed(office, name)


def test_what_is_in_quarantine_is_listed_apart(office: Office) -> None:
    name, asked = f"plain{next(_numbers)}", {"status": "quarantined"}
    assert upload(office, name).json()["status"] == "published"
    office.admin.post(address(name, "quarantine"), params={"reason": "it calls home"}).raise_for_status()
    for more in ({}, {"distribution": "bookworm"}, {"distribution": "main/bookworm"}):
        found = office.admin.get("/security/packages", params={**asked, "q": name, **more}).json()
        [row] = found["items"]
        assert (found["total"], row["name"], row["status"], row["distribution"]) == (1, name, "quarantined", "bookworm")
        assert (row["decision_action"], "quarantine" in row["actions"]) == ("quarantine", False)
    elsewhere = office.admin.get("/security/packages", params={**asked, "q": name, "distribution": "noble"})
    assert elsewhere.json()["items"] == []
    assert office.admin.get("/security/packages", params={"q": name}).json()["items"] == []
    for wrong in ({"severity": "high"}, {"distribution": "nowhere"}):
        assert office.admin.get("/security/packages", params={**asked, **wrong}).status_code == 400
