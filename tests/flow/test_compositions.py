"""Packages that came in before anybody looked into them get their lists, whatever breaks off in between."""

from __future__ import annotations

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2

from entrepot.services.sbom import Asked
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server

METADATA = "opt/tool/lib/python3/site-packages/requests-2.31.0.dist-info/METADATA"
CARRIED = {METADATA: b"Name: requests\nVersion: 2.31.0\n"}
REQUESTS = "pkg:pypi/requests@2.31.0"
_PATIENCE_SECONDS = 60


def forget(path: Path) -> None:
    """As a database of an earlier version has it."""
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM bundled")
        database.execute("DELETE FROM composition")
    database.close()


def known(path: Path) -> int:
    with sqlite3.connect(path) as database:
        [(count,)] = database.execute("SELECT count(*) FROM composition")
    database.close()
    return int(count)


def inside(document: dict[str, Any], name: str) -> tuple[str, list[str]]:
    """What a list says of how it was made, and what it says is carried."""
    [one] = [each for each in document["components"] if each["name"] == name]
    [word] = [each["value"] for each in one["properties"] if each["name"] == "entrepot:inventory"]
    return word, [each["purl"] for each in one.get("components", [])]


def send(client: httpx2.Client, name: str) -> int:
    data = build_deb(name, files=CARRIED)
    return client.post("/upload/", files={"file": (f"{name}.deb", data)}).status_code


def test_a_server_that_is_killed_meanwhile_looks_into_all_of_them(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start()
    database = server.data / "entrepot.db"
    names = [f"tool-{number}" for number in range(24)]
    try:
        with server.client() as client:
            with ThreadPoolExecutor(8) as many:
                sent = [many.submit(send, client, name) for name in names]
            assert [one.result() for one in sent] == [201] * len(names)
            data = build_rpm("tool-r", files=CARRIED)
            answer = client.post("/upload/", files={"file": ("r.rpm", data)}, data={"distribution": "fedora"})
            assert answer.status_code == 201, answer.text
            version = answer.json()["version"]
            headers = client.headers
        server.stop()
        forget(database)
        server.start(wait=False)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while known(database) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        server.kill()
        server.start()
        while known(database) < len(names) + 1:
            assert time.monotonic() < deadline, known(database)
            time.sleep(0.05)
        with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
            for name in (names[0], names[-1]):
                document = client.get(f"/sbom/{name}/1.0", params={"format": "cyclonedx"}).json()
                assert inside(document, name) == ("complete", [REQUESTS])
            document = client.get(f"/sbom/tool-r/{version}", params={"format": "cyclonedx"}).json()
            assert inside(document, "tool-r") == ("complete", [REQUESTS])
    finally:
        server.kill()


def listed(installation: MemoryInstallation, name: str) -> tuple[str, list[str]]:
    found = b"".join(installation.application.sboms.package(ADMIN, Asked(name, "1.0"), "cyclonedx").chunks)
    return inside(json.loads(found), name)


def test_what_is_gone_or_unreadable_keeps_nobody_waiting(tmp_path: Path) -> None:
    with memory_installation(tmp_path, works=False) as installation:
        application, database = installation.application, tmp_path / "entrepot.db"
        data = {name: build_deb(name, files=CARRIED) for name in ("first", "gone", "broken", "last")}
        receipts = {name: installation.upload(each, f"{name}.deb") for name, each in data.items()}
        forget(database)
        assert listed(installation, "last") == ("not made", [])
        with sqlite3.connect(database) as rows:
            rows.execute("UPDATE package SET size_bytes = size_bytes - 60 WHERE name = 'broken'")
        rows.close()
        installation.blobs.remove(receipts["gone"].digest)
        application.compositions.pursue()
        assert application.compositions.unmet() == []
        assert known(database) == 3
        assert listed(installation, "broken")[0].startswith("incomplete: it could not be read: ")
        for name in ("first", "last"):
            assert listed(installation, name) == ("complete", [REQUESTS])
        assert listed(installation, "gone") == ("not made", [])
        installation.upload(data["gone"], "gone.deb")
        assert listed(installation, "gone") == ("complete", [REQUESTS]), "it came again"
