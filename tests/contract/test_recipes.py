"""What recipes of images install, asked of a server that has some of it, and could have more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from tests.flow.test_cli import Terminal

from entrepot.testing.clients import missing_programs
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.repositories import write_apt_repository
from entrepot.testing.server import Server, running_server

pytestmark = [
    pytest.mark.xdist_group("recipes"),
    pytest.mark.skipif(bool(missing_programs("apt-ftparchive")), reason="APT-UTILS ARE NOT INSTALLED HERE"),
]

TEXT = """ARG BASE=ubuntu:22.04
FROM almalinux:9 AS tools
RUN dnf install -y here-1.0-1 absent-rpm @group
FROM $BASE
RUN apt-get update && apt-get install -y here elsewhere=2.0 elsewhere=9.9 nowhere $(cat more)
COPY --from=tools /usr/bin/tool /usr/bin/
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("upstream")
    packages = {f"elsewhere_{each}_amd64.deb": build_deb("elsewhere", each, "amd64") for each in ("1.0", "2.0")}
    write_apt_repository(folder, packages, datetime.now(UTC), suite="jammy")
    with (
        FolderServer(folder) as upstream,
        running_server(
            tmp_path_factory.mktemp("here"), ENTREPOT_UPSTREAM_INSIDE=upstream.url.partition("//")[2]
        ) as found,
        found.client() as client,
    ):
        about = {"name": "plain", "type": "apt", "url": upstream.url, "distribution": "jammy", "allow_unsigned": True}
        assert client.post("/import/sources", json=about).status_code == 201
        with client.stream("POST", "/import/sources/plain/sync") as events:
            assert '"status": "done"' in events.read().decode()
        for name, data, distribution in (
            ("here.deb", build_deb("here", "1.0", "amd64"), "jammy"),
            ("here.rpm", build_rpm("here", "1.0", "1"), "almalinux9"),
        ):
            answer = client.post("/upload/", files={"file": (name, data)}, data={"distribution": distribution})
            assert answer.status_code == 201, answer.text
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with server.client() as found:
        yield found


def test_what_a_recipe_installs_and_where_it_can_be_had(client: httpx2.Client) -> None:
    body = client.post("/import/analyze-dockerfile", json={"content": TEXT}).json()
    rows = [(row["name"], row["version"], row["status"], row["distribution"]) for row in body["packages_found"]]
    assert rows == [
        ("here", "1.0-1", "available", "almalinux9"),
        ("absent-rpm", None, "unknown", "almalinux9"),
        ("here", None, "available", "jammy"),
        ("elsewhere", "2.0", "importable", "jammy"),
        ("elsewhere", "9.9", "unknown", "jammy"),
        ("nowhere", None, "unknown", "jammy"),
    ]
    assert body["packages_found"][3]["upstream_info"]["source_id"] == "plain"
    counts = {name: body[name] for name in ("total", "available", "missing", "importable", "unknown")}
    assert counts == {"total": 6, "available": 2, "missing": 4, "importable": 1, "unknown": 3}
    assert body["base_image"] == {"image": "ubuntu:22.04", "pkg_manager": "apt", "distribution": "jammy"}
    assert [each["text"] for each in body["unresolved"]] == ["@group", "?"]
    [batch] = body["import_batches"]
    assert batch["packages"] == [
        {"name": "elsewhere", "source_id": "plain", "version": "2.0", "distribution": "jammy"},
    ]
    log = client.get("/artifacts/audit/logs", params={"action": "DOCKERFILE_ANALYZE"}).json()["items"]
    assert log[0]["result"] == "SUCCESS"


def test_another_distribution_is_looked_in_if_somebody_says_so(client: httpx2.Client) -> None:
    given = {"content": "FROM scratch\nRUN apt install here", "distribution": "noble"}
    body = client.post("/import/analyze-dockerfile", json=given).json()
    assert [row["status"] for row in body["packages_found"]] == ["unknown"]
    assert client.post("/import/analyze-dockerfile", json={**given, "distribution": "absent"}).status_code == 400


@pytest.mark.parametrize("content", ["", "  \n", "x" * 500_001, "RUN apt install " + " ".join(map(str, range(600)))])
def test_what_makes_no_sense_is_refused(client: httpx2.Client, content: str) -> None:
    text = f"FROM a\n{content}" if content.startswith("RUN") else content
    assert client.post("/import/analyze-dockerfile", json={"content": text}).status_code == 400


def test_nothing_in_it_is_an_answer(client: httpx2.Client) -> None:
    body = client.post("/import/analyze-dockerfile", json={"content": "FROM scratch\n"}).json()
    assert (body["packages_found"], body["total"], body["base_image"]["pkg_manager"]) == ([], 0, None)


def test_the_command_line_shows_and_brings(server: Server, client: httpx2.Client, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, server.url)
    terminal.run("login", server.url, "-u", server.admin, "--password-stdin", typed=server.password)
    recipe = tmp_path / "Dockerfile"
    recipe.write_text("FROM ubuntu:22.04\nRUN apt-get install -y here elsewhere=1.0\n")
    said = terminal.run("import", "dockerfile", str(recipe))
    assert "plain 1.0" in said, said
    said = terminal.run("import", "dockerfile", str(recipe), "--bring")
    assert "elsewhere" in said, said
    page = client.get("/packages/", params={"distribution": "jammy"}).json()
    assert ("elsewhere", "1.0") in {(row["name"], row["version"]) for row in page["items"]}
    terminal.run("import", "nothing-of-this-name", "--to", "jammy", code=5)
