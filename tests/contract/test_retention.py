"""Retention through the main API (contract 4.3, 4.12)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.debs import build_deb

pytestmark = pytest.mark.xdist_group("retention")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("retention")) as found:
        for version in ("1.0", "2.0", "10.0"):
            files = {"file": ("tool.deb", build_deb("tool", version))}
            assert found.admin.post("/upload", files=files, data={"distribution": "jammy"}).status_code == 201
        yield found


def versions(office: Office) -> list[str]:
    found: list[str] = office.admin.get("/artifacts/tool").json()["versions"]
    return found


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_preview_changes_nothing(office: Office, prefix: str, end: str) -> None:
    answer = office.admin.get(f"{prefix}/artifacts/admin/gc-preview{end}", params={"max_versions": 1})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert {
        *("ran_at", "max_versions", "min_age_days", "dry_run", "packages_checked"),
        *("versions_deleted", "versions_skipped", "details"),
    } <= set(found)
    assert (found["dry_run"], found["versions_deleted"], found["packages_checked"]) == (True, 2, 1)
    assert [row["version"] for row in found["details"]] == ["2.0", "1.0"]
    assert office.admin.get("/artifacts/admin/gc-preview").json()["versions_deleted"] == 0, "the setting keeps ten"
    assert versions(office) == ["10.0", "2.0", "1.0"]


def test_a_pinned_version_is_shown_and_skipped_until_it_is_unpinned(office: Office) -> None:
    answer = office.admin.post("/artifacts/tool/1.0/pin", json={"reason": "on the ships"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "status": "pinned",
        "package": "tool",
        "version": "1.0",
        "architectures": ["all"],
        "changed": True,
    }
    assert office.admin.post("/artifacts/tool/1.0/pin").json()["changed"] is False
    detail = office.admin.get("/artifacts/tool/1.0").json()
    assert (detail["pinned"], detail["pin"]["reason"], detail["pin"]["pinned_by"]) == (True, "on the ships", "admin")
    assert office.admin.get("/artifacts/tool").json()["info"]["versions"]["1.0"]["pinned"] is True
    preview = office.admin.get("/artifacts/admin/gc-preview", params={"max_versions": 1}).json()
    assert (preview["versions_deleted"], preview["versions_skipped"]) == (1, 1)
    gone = office.admin.delete("/artifacts/tool/1.0/pin")
    assert (gone.status_code, gone.json()["status"], gone.json()["changed"]) == (200, "unpinned", True)
    assert office.admin.get("/artifacts/tool/1.0").json()["pin"] is None
    assert office.admin.post("/artifacts/tool/9.9/pin").status_code == 404
    assert office.admin.delete("/artifacts/tool/9.9/pin").status_code == 404
    assert office.admin.post("/artifacts/tool/1.0/pin", json={"reason": 3}).status_code == 422


@pytest.mark.parametrize("query", [{"max_versions": -1}, {"max_versions": "many"}, {"min_age_days": 10**9}])
def test_a_bad_number_is_refused(office: Office, query: dict[str, Any]) -> None:
    for method, path in (("GET", "gc-preview"), ("POST", "version-gc")):
        assert office.admin.request(method, f"/artifacts/admin/{path}", params=query).status_code == 422


def test_what_is_removed_is_gone_for_clients_and_audited(office: Office) -> None:
    young = office.admin.post("/artifacts/admin/version-gc", params={"max_versions": 1, "min_age_days": 1})
    assert (young.status_code, young.json()["versions_deleted"], young.json()["versions_skipped"]) == (200, 0, 2)
    answer = office.admin.post("/artifacts/admin/version-gc", params={"max_versions": 2})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["status"], found["dry_run"], found["versions_deleted"]) == ("ok", False, 1)
    assert found["freed_bytes"] == found["details"][0]["size_bytes"] > 0
    assert versions(office) == ["10.0", "2.0"]
    rows = office.audited("VERSION_GC")
    assert [(row["package"], row["version"]) for row in rows if row["package"]] == [("tool", "1.0")]
    assert rows[0]["detail"]["deleted"] == 1


def test_a_run_of_retention_by_hand(office: Office) -> None:
    office.admin.patch("/settings", json={"versioning": {"max_versions_per_package": 1}})
    before = office.admin.get("/settings/retention").json()
    assert (before["running"], before["schedule"], before["next_run"]) == (False, "paused", None)
    assert (before["preview"]["dry_run"], before["preview"]["version_gc"]["versions_deleted"]) == (True, 1)
    answer = office.admin.post("/settings/run-retention")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok"), answer.text
    result = answer.json()["result"]
    assert set(result["audit_logs"]) == {"deleted", "kept", "freed_bytes"}
    assert set(result["packages"]) == {"deleted", "freed_bytes", "packages"}
    assert {"ran_at", "revoked_tokens_purged", "total_freed_bytes", "pending_promotions_gc"} <= set(result)
    assert (result["version_gc"]["versions_deleted"], result["packages"]["deleted"]) == (1, 0)
    assert versions(office) == ["10.0"]
    assert office.audited("RETENTION")[0]["user"] == "admin"
    after = office.admin.get("/settings/retention").json()
    assert (after["last"]["status"], after["last"]["version_gc"]["versions_deleted"]) == ("ok", 1)
    office.admin.patch("/settings", json={"versioning": None})


def test_the_next_synchronisation_is_the_truth(office: Office) -> None:
    found = office.admin.get("/settings/next-sync").json()
    assert found["status"] == "scheduled"
    assert datetime.fromisoformat(found["next_run"]).hour == 3
    office.admin.patch("/settings", json={"sync_enabled": False})
    assert office.admin.get("/settings/next-sync").json() == {"next_run": None, "status": "paused"}
    office.admin.patch("/settings", json={"sync": None})


def test_a_plan_counts_at_once(office: Office) -> None:
    office.admin.patch("/settings", json={"retention": {"enabled": True, "hour": 4, "timezone": "Asia/Tokyo"}})
    found = office.admin.get("/settings/retention").json()
    assert found["schedule"] == "scheduled"
    assert datetime.fromisoformat(found["next_run"]).hour == 19
    office.admin.patch("/settings", json={"retention": {"minute": 30, "hour": 5}})
    again = datetime.fromisoformat(office.admin.get("/settings/retention").json()["next_run"])
    assert (again.hour, again.minute) == (20, 30)
    office.admin.patch("/settings", json={"retention": None})
    assert office.admin.get("/settings/retention").json()["schedule"] == "paused"
