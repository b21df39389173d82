"""The audit log through the main API (contract 4.2 and 4.3): search, export, verification."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.people import Office, open_office
from tests.contract.test_audit_chain import NOW

from entrepot.adapters.catalog.auditing import chained
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.chain import BEGINNING, hash_of
from entrepot.services.audit.formats import csv_chunks
from entrepot.testing.clients import missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb

pytestmark = pytest.mark.xdist_group("audit")
EXPORT = "/artifacts/audit/export"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("audit")) as found:
        Maintainer(found.admin).push(build_deb("hello", "1.0"), "bookworm")
        yield found


def logs(office: Office, **query: Any) -> dict[str, Any]:
    answer = office.admin.get("/artifacts/audit/logs", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_an_upload_is_found_by_every_condition(office: Office) -> None:
    [row] = logs(office, action="upload", q="HELL")["items"]
    assert (row["package"], row["version"], row["user"], row["result"]) == ("hello", "1.0", "admin", "SUCCESS")
    assert (row["distribution"], row["ip"], row["role"]) == ("bookworm", "127.0.0.1", "admin")
    day = row["timestamp"][:10]
    for query in (
        {"package": "hello"},
        {"user": "admin", "result": "success", "action": "UPLOAD"},
        {"distribution": "bookworm", "action": "Upload", "start": row["timestamp"], "end": row["timestamp"]},
        {"package": "hello", "start": day, "end": day},
        {"package": "hello", "start": row["timestamp"].replace("+", " ")},
    ):
        assert row in logs(office, **query)["items"], query
    assert logs(office, package="hello", end="2020-01-01")["items"] == []
    [known] = [one for one in office.admin.get("/artifacts/hello").json()["history"] if one["action"] == "UPLOAD"]
    assert known.items() <= row.items()


def test_pages_have_the_envelope_and_an_order(office: Office) -> None:
    whole = logs(office, sort="asc", per_page=500)
    assert sorted(row["id"] for row in whole["items"]) == list(range(1, whole["total"] + 1))
    times = [row["timestamp"] for row in whole["items"]]
    assert times == sorted(times)
    page = logs(office, page=2, per_page=2)
    assert (page["page"], page["per_page"], page["pages"]) == (2, 2, -(-page["total"] // 2))
    beyond = office.admin.get("/artifacts/audit/logs?page=9999")
    assert (beyond.status_code, beyond.json()["items"]) == (200, [])
    for query in ("per_page=501", "page=0", "sort=up", "start=yesterday", "end=2026-13-01", f"q={'x' * 201}"):
        assert office.admin.get(f"/artifacts/audit/logs?{query}").status_code == 422, query


def test_an_export_of_json_is_a_chain(office: Office) -> None:
    answer = office.admin.get(EXPORT, params={"format": "json"})
    body = answer.json()
    assert int(answer.headers["x-export-count"]) == body["count"] == len(body["entries"])
    previous = "0" * 64
    for number, entry in enumerate(body["entries"], 1):
        assert (entry["id"], entry["previous"]) == (number, previous)
        assert entry["hash"] == hash_of(entry)
        previous = entry["hash"]
    assert json.loads(body["checkpoint"]["statement"])["hash"] == previous
    noted = logs(office, action="AUDIT_EXPORT")["items"][0]
    assert noted["detail"] == {"count": body["count"], "filters": {}, "format": "json", "signed": False, "upto": number}


def test_what_a_spreadsheet_would_run_is_neutralised(office: Office) -> None:
    answer = office.admin.get(EXPORT, params={"format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert rows[0][:4] == ["id", "timestamp", "action", "result"]
    assert len(rows) == int(answer.headers["x-export-count"]) + 1
    hostile = ["=HYPERLINK(1)", "@sum", "+1", "-1", "'quoted", "\t=1", "\r=1", "\n=1", '"=1"', "a,=1", "plain", ""]
    links = [chained(1, BEGINNING, AuditEntry("UPLOAD", "SUCCESS", Actor(each, frozenset()), NOW)) for each in hostile]
    cells = [row[4] for row in csv.reader(io.StringIO(b"".join(csv_chunks([links])).decode(), newline=""))][1:]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert [cell.removeprefix("'") for cell in cells] == hostile, "the mark can be taken off again"


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_signed_export_is_verified_by_gpgv(office: Office, tmp_path: Path, kind: str, compress: bool) -> None:
    if missing_programs("gpgv", "gpg"):
        pytest.skip("gpgv IS NOT INSTALLED (Debian: gpgv)")
    query = f"format={kind}&user=admin&sign{'&compress' if compress else ''}"
    answer = office.admin.get(f"{EXPORT}?{query}")
    assert answer.headers["content-type"].startswith(
        "application/gzip" if compress else "text/csv" if kind == "csv" else "application/json"
    )
    (tmp_path / "body").write_bytes(answer.content)
    (tmp_path / "body.asc").write_bytes(base64.b64decode(answer.headers["x-gpg-signature"]))
    (tmp_path / "key.asc").write_text(office.admin.get("/artifacts/audit/key").text)
    subprocess.run(["gpg", "--dearmor", "-o", "key.gpg", "key.asc"], cwd=tmp_path, check=True, capture_output=True)
    command = ["gpgv", "--keyring", str(tmp_path / "key.gpg"), "body.asc", "body"]
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / "body").write_bytes(answer.content + b" ")
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode != 0
    text = gzip.decompress(answer.content) if compress else answer.content
    count = int(answer.headers["x-export-count"])
    assert count == (len(json.loads(text)["entries"]) if kind == "json" else len(text.splitlines()) - 1)


def test_an_archive_has_a_file_for_each_day(office: Office) -> None:
    answer = office.admin.get(f"{EXPORT}/archive")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        entries = [json.loads(line) for name in names if name[-16:-8].count("-") for line in archive.open(name)]
        assert b"BEGIN PGP PUBLIC KEY BLOCK" in archive.read("key.asc")
        assert json.loads(archive.read("checkpoints.jsonl").splitlines()[-1])["signature"]
    assert {"checkpoints.jsonl", "key.asc"} < set(names)
    assert len(entries) == int(answer.headers["x-export-count"])
    assert all(hash_of(entry) == entry["hash"] for entry in entries)
    assert office.admin.get(f"{EXPORT}/archive?end=2020-01-01").headers["x-export-count"] == "0"


def test_what_is_known_of_a_person_can_be_taken_away(office: Office) -> None:
    username = office.hire(full_name="Somebody", email="s@example.org")
    office.sign_in(username)
    body = office.admin.get(f"{EXPORT}/user/{username}").json()
    assert (body["account"]["full_name"], body["account"]["email"]) == ("Somebody", "s@example.org")
    assert [entry["action"] for entry in body["entries"]] == ["LOGIN", "USER_CREATE"]
    assert "hash" not in body["account"]
    assert office.admin.get(f"{EXPORT}/user/nobody").status_code == 404
    assert logs(office, action="AUDIT_EXPORT_USER")["items"][0]["detail"]["username"] == username


def test_the_log_is_in_order(office: Office) -> None:
    body = office.admin.get("/artifacts/audit/integrity").json()
    assert (body["status"], body["faults"], body["notes"]) == ("ok", [], [])
    assert body["sealed_upto"] > 0
    assert body["last"] == logs(office)["total"]


def test_what_is_wrong_is_said(office: Office) -> None:
    assert office.admin.get(f"{EXPORT}?format=xml").status_code == 400
    assert office.admin.get(f"{EXPORT}?start=never").status_code == 422
    assert office.admin.get(f"{EXPORT}?sign=perhaps").status_code == 422


def test_a_refusal_is_noted_once_in_a_while(office: Office) -> None:
    username = office.hire(role="reader")
    with office.session(username) as client:
        for _ in range(3):
            assert client.delete("/artifacts/hello").status_code == 403
        assert client.get("/settings").status_code == 403
    found = logs(office, action="access", result="blocked", user=username)["items"]
    assert [row["detail"]["operation"] for row in found] == ["GET /settings", "DELETE /artifacts/{name}"]
    assert found[1]["detail"]["permission"] == "package.delete"
