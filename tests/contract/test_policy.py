"""What packages and their checks lead to, as an administrator says: through HTTP, on real uploads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.packages import build_deb, build_rpm

pytestmark = pytest.mark.xdist_group("policy")

POLICY = "/security/policy"
SUITE = "/security/policy/suites/bookworm"
ESSENTIAL = {"Essential": "yes"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("policy")) as found:
        yield found


@pytest.fixture(autouse=True)
def default_policy(office: Office) -> Iterator[None]:
    yield
    office.admin.patch("/settings", json={"cve_policy": None, "epss_policy": None, "gate": None, "validation": None})


def push(office: Office, name: str, distribution: str = "bookworm", **fields: str) -> httpx2.Response:
    files = {"file": (f"{name}_1.0_all.deb", build_deb(name, fields=fields))}
    return office.admin.post("/upload/", files=files, data={"distribution": distribution})


def test_defaults_are_those_of_the_contract(office: Office) -> None:
    found = office.admin.get(POLICY).json()
    wanted = {
        "critical": "block",
        "high": "review",
        "medium": "warn",
        "low": "allow",
        "negligible": "allow",
        "auto_enrich": True,
        "sla_critical_days": 0,
        "sla_high_days": 30,
        "sla_medium_days": 90,
        "epss": {"enabled": True, "block_threshold": 0.9, "review_threshold": 0.5},
        "kev_action": "block",
    }
    assert found | wanted == found
    assert (found["inconclusive"], found["skipped"], found["concerns"]) == (
        {"*": "review"},
        {"*": "allow"},
        {"*": "review"},
    )
    assert (found["cooldown"]["days"], found["licences"]["allow"], found["distributions"]) == (0, [], [])


def test_any_subset_changes_the_one_document(office: Office) -> None:
    change = {"high": "block", "epss": {"enabled": False}, "gpg_required": True, "skipped": {"cve": "review"}}
    answer = office.admin.patch(POLICY, json=change)
    assert answer.status_code == 200, answer.text
    assert answer.json() == office.admin.get(POLICY).json()
    settings = office.admin.get("/settings").json()
    assert (settings["cve_policy"]["high"], settings["cve_policy"]["medium"]) == ("block", "warn")
    assert (settings["epss_policy"]["enabled"], settings["epss_policy"]["review_threshold"]) == (False, 0.5)
    assert settings["validation"]["gpg_required"] is True
    assert settings["gate"]["skipped"] == {"*": "allow", "cve": "review"}
    office.admin.patch("/settings", json={"cve_policy": {"kev_action": "warn"}})
    assert office.admin.get(POLICY).json()["kev_action"] == "warn"
    back = office.admin.patch(POLICY, json={"high": None, "skipped": None, "epss": None}).json()
    assert (back["high"], back["skipped"], back["epss"]["enabled"]) == ("review", {"*": "allow"}, True)


@pytest.mark.parametrize("path", [POLICY, SUITE])
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"panic": "block"}, "panic"),
        ({"panic": None}, "panic"),
        ({"high": "panic"}, "high"),
        ({"high": 5}, "high"),
        ({"epss": {"block_threshold": 2}}, "epss.block_threshold"),
        ({"epss": {"panic": 1}}, "epss.panic"),
        ({"epss": "on"}, "epss"),
        ({"skipped": {"antivirsu": "block"}}, "antivirsu"),
        ({"concerns": {"antivirus.infected": "allow"}}, "malware is always refused"),
        ({"concerns": {"Set-uid!": "allow"}}, "Set-uid!"),
        ({"stale_days": {"*": 3}}, "stale_days"),
        ({"stale_days": {"cve": -1}}, "stale_days.cve"),
        ({"licences": {"deny": ["MIT OR (GPL-2.0)"]}}, "licences.deny.0"),
        ({"cooldown": {"cutoff_at": "2026-01-01T00:00:00"}}, "cooldown.cutoff_at"),
        ({"cooldown": {"days": True}}, "cooldown.days"),
        ({"concerns": {"a.b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}, ""),
    ],
)
def test_an_unknown_key_or_value_is_named_and_nothing_changes(
    office: Office, path: str, change: dict[str, Any], named: str
) -> None:
    before = office.admin.get(path).json()
    answer = office.admin.patch(path, json={"low": "block", **change})
    assert answer.status_code == 400, answer.text
    assert named in answer.json()["detail"]
    assert office.admin.get(path).json() == before


def test_a_change_is_audited_with_before_and_after(office: Office) -> None:
    office.admin.patch(POLICY, json={"medium": "block"})
    [entry] = office.admin.get("/artifacts/audit/logs", params={"per_page": 1}).json()["items"]
    assert (entry["action"], entry["result"]) == ("POLICY_CHANGE", "SUCCESS")
    assert entry["detail"] == {"before": {"medium": "warn"}, "after": {"medium": "block"}}
    office.admin.patch(SUITE, json={"medium": "allow"})
    [entry] = office.admin.get("/artifacts/audit/logs", params={"per_page": 1}).json()["items"]
    assert (entry["action"], entry["distribution"]) == ("POLICY_CHANGE", "bookworm")
    name = "distributions.deb/main/bookworm"
    assert (entry["detail"]["before"], entry["detail"]["after"]) == ({name: None}, {name: {"medium": "allow"}})
    office.admin.patch("/settings", json={"cve_policy": {"medium": "review"}})
    [entry] = office.admin.get("/artifacts/audit/logs", params={"per_page": 1}).json()["items"]
    assert (entry["action"], entry["detail"]["after"]) == ("SETTINGS_CHANGE", {"medium": "review"})


def test_a_distribution_may_have_something_otherwise(office: Office) -> None:
    assert push(office, "held-everywhere", **ESSENTIAL).json()["status"] == "pending_review"
    answer = office.admin.patch(SUITE, json={"concerns": {"control.essential": "warn"}})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["distribution"], body["own"]) == ("bookworm", {"concerns": {"control.essential": "warn"}})
    assert body["concerns"] == {"*": "review", "control.essential": "warn"}
    assert office.admin.get(POLICY).json()["distributions"] == ["main/bookworm"]

    passed = push(office, "passes-here", **ESSENTIAL)
    assert (passed.status_code, passed.json()["status"]) == (201, "published")
    assert "resists removal" in passed.json()["warnings"][0]
    assert push(office, "held-there", "jammy", **ESSENTIAL).json()["status"] == "pending_review"

    promoted = {"package": "passes-here", "from": "bookworm", "to": "jammy"}
    verdict = office.admin.post("/distributions/promote", json=promoted).json()["policy_verdict"]
    assert (verdict["verdict"], verdict["findings"][0]["code"]) == ("pending_review", "control.essential")

    gone = office.admin.delete(SUITE)
    assert (gone.status_code, gone.json()["own"]) == (200, {})
    assert push(office, "held-again", **ESSENTIAL).json()["status"] == "pending_review"


def test_null_lets_a_distribution_have_what_all_have(office: Office) -> None:
    office.admin.patch(SUITE, json={"high": "allow", "cooldown": {"days": 3}})
    body = office.admin.patch(SUITE, json={"high": None}).json()
    assert (body["high"], body["own"]) == ("review", {"cooldown": {"days": 3}})
    assert office.admin.patch(SUITE, json={"cooldown": None}).json()["own"] == {}
    assert office.admin.get(POLICY).json()["distributions"] == []
    assert office.admin.get("/security/policy/suites/nowhere").status_code == 400
    assert office.admin.get(SUITE, params={"format": "rpm"}).status_code == 400


def test_what_is_blocked_is_refused_with_the_whole_body(office: Office) -> None:
    office.admin.patch(POLICY, json={"concerns": {"control.essential": "block"}})
    answer = push(office, "blocked", **ESSENTIAL)
    body = answer.json()
    assert (answer.status_code, body["status"], body["validation"]["passed"]) == (422, "rejected", False)
    assert (body["validation"]["cve_status"], body["indexed"]) == ("blocked", False)
    assert "resists removal" in body["message"]


def test_who_asks_for_a_scanner_that_is_absent_gets_nothing_published(office: Office) -> None:
    office.admin.patch(POLICY, json={"skipped": {"antivirus": "review"}})
    body = push(office, "unscanned").json()
    assert (body["status"], body["warnings"]) == ("pending_review", ["antivirus: nobody was asked"])
    office.admin.patch(POLICY, json={"skipped": {"antivirus": "warn"}})
    body = push(office, "unscanned-too").json()
    assert (body["status"], body["warnings"]) == ("published", ["antivirus: nobody was asked"])


def test_a_signature_may_be_asked_for_in_one_distribution(office: Office) -> None:
    office.admin.patch(SUITE, json={"gpg_required": True})
    assert push(office, "unsigned").json()["status"] == "pending_review"
    assert push(office, "unsigned-there", "jammy").json()["status"] == "published"


def test_licences_lead_to_something_where_packages_say_theirs(office: Office) -> None:
    office.admin.patch(POLICY, json={"licences": {"deny": ["AGPL-*"], "unknown": "warn"}})
    statuses = []
    for name, licence in (("free", "MIT"), ("strict", "MIT AND AGPL-3.0-only"), ("choice", "MIT OR AGPL-3.0-only")):
        files = {"file": (f"{name}-1.0-1.noarch.rpm", build_rpm(name, license=licence))}
        answer = office.admin.post("/upload/", files=files, data={"distribution": "almalinux9"})
        statuses.append((answer.status_code, answer.json()["status"]))
    assert statuses == [(201, "published"), (422, "rejected"), (201, "published")]
    silent = push(office, "silent")
    assert (silent.json()["status"], silent.json()["warnings"]) == (
        "published",
        ["it does not say which licence it has"],
    )


def test_a_change_can_be_tried_before(office: Office) -> None:
    office.admin.patch(SUITE, json={"concerns": {"control.essential": "warn"}})
    assert push(office, "tried", **ESSENTIAL).json()["status"] == "published"
    office.admin.delete(SUITE)
    assert push(office, "tried-too", **ESSENTIAL).json()["status"] == "pending_review"

    def preview(change: dict[str, Any], **query: Any) -> tuple[dict[str, Any], dict[str, str]]:
        before = len(office.audited("POLICY_CHANGE"))
        answer = office.admin.post(f"{POLICY}/preview", json=change, params={"per_page": 500, **query})
        assert answer.status_code == 200, answer.text
        assert len(office.audited("POLICY_CHANGE")) == before
        return answer.json(), {row["name"]: row["effect"] for row in answer.json()["packages"]["items"]}

    body, effects = preview({"concerns": {"control.essential": "block"}})
    assert (effects["tried"], effects["tried-too"]) == ("withdraw", "refuse")
    [row] = [row for row in body["packages"]["items"] if row["name"] == "tried"]
    assert (row["codes"], row["before"], row["after"]) == (["control.essential"], "pending_review", "blocked")
    assert body["counts"]["withdraw"] + body["counts"]["refuse"] == body["packages"]["total"]
    assert (body["complete"], body["checked"] >= 2) == (True, True)
    _, effects = preview({"concerns": {"control.essential": "allow"}})
    assert ("tried" in effects, effects["tried-too"]) == (False, "let_in")
    assert preview({"concerns": {"control.essential": "block"}}, distribution="jammy")[1].get("tried") is None
    first = preview({"concerns": {"control.essential": "block"}}, per_page=1)[0]["packages"]
    assert (len(first["items"]), first["total"]) == (1, body["packages"]["total"])
    assert office.admin.post(f"{POLICY}/preview", json={"panic": 1}).status_code == 400
    assert office.admin.post(f"{POLICY}/preview", json={}, params={"distribution": "nowhere"}).status_code == 400
