"""The settings document through the main API (contract 4.12)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.people import Office, open_office

pytestmark = pytest.mark.xdist_group("configuration")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("configuration"), ENTREPOT_RATE_LIMITS="") as found:
        yield found


def read(office: Office) -> dict[str, Any]:
    answer = office.admin.get("/settings")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_defaults_are_those_of_the_contract(office: Office) -> None:
    found = read(office)
    assert found["sync"] == {"enabled": True, "hour": 3, "minute": 0, "timezone": "UTC"}
    assert (found["retention"]["package_days"], found["retention"]["audit_days"]) == (0, 90)
    assert found["cve_policy"]["critical"] == "block"
    assert found["rate_limits"]["upload"] == "20/minute"
    assert found["validation"]["max_upload_size_mb"] == 500


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
def test_flat_and_nested_names_reach_the_same_place(office: Office, prefix: str, end: str) -> None:
    flat = office.admin.patch(f"{prefix}/settings{end}", json={"retention_days": 90, "ldap_url": "ldaps://a.example"})
    assert flat.status_code == 200, flat.text
    found = flat.json()
    assert (found["retention"]["package_days"], found["retention"]["import_cleanup_days"]) == (90, 90)
    assert found["retention_days"] == 90
    assert found["ldap"]["url"] == found["ldap_url"] == "ldaps://a.example"
    deep = office.admin.patch("/settings", json={"retention": {"package_days": 0}, "ldap": {"base_dn": "dc=example"}})
    assert deep.json()["retention"]["import_cleanup_days"] == 90
    assert deep.json()["ldap"]["url"] == "ldaps://a.example"
    assert read(office) == deep.json()
    back = office.admin.patch("/settings", json={"retention": None, "ldap": None}).json()
    assert (back["retention"]["import_cleanup_days"], back["ldap"]["url"]) == (0, "")


@pytest.mark.parametrize("mask", ["***", "\u2022" * 8])
def test_secrets_are_masked_and_a_mask_leaves_them(office: Office, mask: str) -> None:
    secret = "correct-horse-battery"
    answer = office.admin.patch("/settings", json={"smtp_password": secret, "webhook": {"secret": secret}})
    assert secret not in answer.text
    assert (answer.json()["email"]["smtp_password"], answer.json()["webhook_secret"]) == ("***", "***")
    again = office.admin.patch("/settings", json={"smtp_password": mask, "smtp_user": "mailer"})
    assert again.json()["smtp_password"] == "***"
    with sqlite3.connect(office.server.data / "entrepot.db") as database:
        stored = database.execute("SELECT value FROM fact WHERE name = 'configuration'").fetchone()[0]
    assert secret not in stored
    assert len(json.loads(stored)["email"]["smtp_password"]) > 60
    assert all(secret not in json.dumps(entry) for entry in office.audited("SETTINGS_CHANGE"))
    emptied = office.admin.patch("/settings", json={"smtp_password": "", "webhook_secret": ""})
    assert emptied.json()["smtp_password"] == ""


@pytest.mark.parametrize(
    ("given", "status", "named"),
    [
        ({"colour": "blue"}, 400, "colour"),
        ({"email": {"smtp_hots": "x"}}, 400, "email.smtp_hots"),
        ({"retention_days": -1}, 400, "retention.package_days"),
        ({"sync": {"hour": 24}}, 400, "sync.hour"),
        ({"sync_timezone": "Mars/Olympus"}, 400, "sync.timezone"),
        ({"cve_policy": {"high": "panic"}}, 400, "cve_policy.high"),
        ({"webhook_url": "ftp://example.org"}, 400, "webhook.url"),
        ({"webhook_url": "http://user:secret@example.org/"}, 400, "webhook.url"),
        ({"ldap_url": "http://example.org"}, 400, "ldap.url"),
        ({"rate_limits": {"upload": "many"}}, 400, "rate_limits"),
        ({"rate_limits": {"cake": "1/day"}}, 400, "cake"),
        ({"retention_days": 1, "retention": {"package_days": 2}}, 400, "retention.package_days"),
        ({"retention_days": "ninety"}, 422, "retention"),
        ({"sync": {"enabled": "yes"}}, 422, "sync"),
        ({"sync": 3}, 422, "sync"),
        ([1], 422, "object"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(office: Office, given: Any, status: int, named: str) -> None:
    before = read(office)
    answer = office.admin.patch("/settings", json=given)
    assert answer.status_code == status, answer.text
    assert named in answer.text
    assert read(office) == before


def test_each_change_is_audited_by_names(office: Office) -> None:
    office.admin.patch("/settings", json={"sync_hour": 5, "email": {"smtp_host": "mail.example"}})
    entry = office.audited("SETTINGS_CHANGE")[0]
    assert (entry["user"], entry["detail"]["settings"]) == ("admin", ["email.smtp_host", "sync.hour"])
