"""Packages of another server: found, resolved, brought, and known for where they came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.flow.test_cli import Terminal

from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server, running_server

pytestmark = pytest.mark.xdist_group("imports")

DEBS = {
    "curl_8.0-1_amd64.deb": build_deb(
        "curl", "8.0-1", "amd64", fields={"Depends": "libcurl4 (>= 8.0), pager | more-pager, awk"}
    ),
    "curl_7.0-1_amd64.deb": build_deb("curl", "7.0-1", "amd64"),
    "libcurl4_8.0-1_amd64.deb": build_deb("libcurl4", "8.0-1", "amd64", fields={"Depends": "libz1"}),
    "libz1_1.2_amd64.deb": build_deb("libz1", "1.2", "amd64"),
    "more-pager_1_all.deb": build_deb("more-pager", "1"),
    "mawk_1_amd64.deb": build_deb("mawk", "1", "amd64", fields={"Provides": "awk"}),
    "curlew_1_all.deb": build_deb("curlew", "1"),
    "needy_1_all.deb": build_deb("needy", "1", fields={"Depends": "libz1, nobody-has-this (>= 2)"}),
    "tiny_1_all.deb": build_deb("tiny", "1"),
    "lonely_1_all.deb": build_deb("lonely", "1", fields={"Depends": "tiny"}),
}
RPMS = {
    "tool-2.0-1.noarch.rpm": build_rpm("tool", "2.0", "1", requires=["libtool.so()(64bit)", "/usr/bin/shell"]),
    "tool-libs-2.0-1.noarch.rpm": build_rpm("tool-libs", "2.0", "1", provides=["libtool.so()(64bit)"]),
    "shell-1-1.noarch.rpm": build_rpm("shell", "1", "1", files={"usr/bin/shell": b"#!"}),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A server that has packages, and one that imports them."""

    upstream: Server
    server: Server
    client: httpx2.Client

    def post(self, path: str, **body: Any) -> httpx2.Response:
        return self.client.post(f"/import/{path}", json=body, timeout=60)

    def names(self, distribution: str) -> set[str]:
        found = self.client.get("/packages/", params={"distribution": distribution, "per_page": 200}).json()
        return {f"{row['name']} {row['version']}" for row in found["items"]}


def authorized(server: Server) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token()}"}, timeout=60)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    everything = {"ENTREPOT_RATE_LIMITS": "all=9999/minute"}
    with running_server(tmp_path_factory.mktemp("upstream"), **everything) as upstream:
        with authorized(upstream) as client:
            for distribution, files in (("jammy", DEBS), ("almalinux9", RPMS)):
                for name, data in files.items():
                    files_, form = {"file": (name, data)}, {"distribution": distribution}
                    answer = client.post("/upload/", files=files_, data=form)
                    assert answer.status_code == 201, answer.text
        settings = {"ENTREPOT_UPSTREAM_INSIDE": upstream.url.partition("//")[2], **everything}
        with running_server(tmp_path_factory.mktemp("here"), **settings) as server, authorized(server) as client:
            found = Pair(upstream, server, client)
            assert client.get("/import/search", params={"q": "curl"}).status_code == 424
            assert client.get("/import/resolve/curl").status_code == 424
            assert found.post("fetch", name="curl").status_code == 424
            assert found.post("batch", packages=["curl"]).status_code == 424
            for name, kind, place, distribution in (
                ("ours", "apt", "/apt/main", "jammy"),
                ("ours-again", "apt", "/apt/main/", "jammy"),
                ("ours-rpm", "rpm", "/rpm/main/almalinux9/x86_64", "almalinux9"),
            ):
                key = httpx2.get(f"{upstream.url}/{kind}/main/key.asc").text
                source = {"name": name, "type": kind, "url": upstream.url + place, "gpg_key": key}
                answer = client.post("/import/sources", json={**source, "distribution": distribution})
                if name == "ours-again" and answer.status_code != 201:
                    continue
                assert answer.status_code == 201, answer.text
                with client.stream("POST", f"/import/sources/{name}/sync") as events:
                    assert '"done"' in events.read().decode().splitlines()[-2]
            yield found


def test_search(pair: Pair) -> None:
    found = pair.client.get("/import/search", params={"q": "curl"}).json()
    rows = [(row["name"], row["version"]) for row in found["results"]]
    assert rows == [("curl", "8.0-1"), ("curl", "7.0-1"), ("curlew", "1"), ("libcurl4", "8.0-1")]
    assert found["count"] == 4
    first = found["results"][0]
    assert first["depends"] == ["libcurl4 (>= 8.0)", "pager | more-pager", "awk"]
    assert (first["source_id"], first["distro"], first["arch"], first["format"]) == ("ours", "jammy", "amd64", "deb")
    assert len(first["sha256"]) == 64
    assert pair.client.get("/import/search", params={"q": "curl", "limit": 2}).json()["count"] == 2
    for conditions, count in (
        ({"format": "rpm"}, 0),
        ({"arch": "all"}, 1),
        ({"source_id": "ours-rpm"}, 0),
        ({"source_id": "ours"}, 4),
        ({"distro": "jammy"}, 4),
        ({"distribution": "focal"}, 0),
    ):
        assert pair.client.get("/import/search", params={"q": "CURL", **conditions}).json()["count"] == count, (
            conditions
        )
    assert pair.client.get("/import/search", params={"q": "100%_"}).json()["count"] == 0
    assert pair.client.get("/import/search", params={"q": ""}).status_code == 422
    assert pair.client.get("/import/search", params={"q": "x", "limit": 101}).status_code == 422
    assert pair.client.get("/import/search", params={"q": "x", "source_id": "nowhere"}).status_code == 404
    # Built in, and never synchronised.
    assert pair.client.get("/import/search", params={"q": "x", "source_id": "ubuntu-jammy"}).status_code == 424


def test_resolve(pair: Pair) -> None:
    found = pair.client.get("/import/resolve/curl").json()
    assert (found["success"], found["unresolved"]) == (True, []), found
    assert found["packages"][0]["name"] == "curl"
    assert {row["name"] for row in found["packages"]} == {"curl", "libcurl4", "libz1", "more-pager", "mawk"}
    assert found["total_deps"] == 4
    assert next(row for row in found["packages"] if row["name"] == "mawk")["virtual"]
    assert pair.client.get("/import/resolve/curl", params={"version": "7.0-1"}).json()["total_deps"] == 0
    assert pair.client.get("/import/resolve/curl", params={"version": "9"}).status_code == 404
    assert pair.client.get("/import/resolve/nothing").status_code == 404
    needy = pair.client.get("/import/resolve/needy").json()
    assert not needy["success"]
    assert needy["unresolved"] == ["nobody-has-this (>= 2) (for needy)"]
    tool = pair.client.get("/import/resolve/tool", params={"distro": "almalinux9"}).json()
    assert {row["name"] for row in tool["packages"]} == {"tool", "tool-libs", "shell"}, tool


def test_a_package_comes_in_with_all_that_it_needs(pair: Pair) -> None:
    answer = pair.post("fetch", name="curl", distribution="jammy")
    body = answer.json()
    assert answer.status_code == 201, body
    assert (body["status"], body["name"], body["version"]) == ("published", "curl", "8.0-1"), body
    assert [row["name"] for row in body["imported"]][-1] == "curl"
    assert {row["name"] for row in body["imported"]} == {"curl", "libcurl4", "libz1", "more-pager", "mawk"}
    assert (body["skipped"], body["failed"], body["source_id"]) == ([], [], "ours")
    assert body["validation"]["deps_missing"] == []
    assert {"curl 8.0-1", "libcurl4 8.0-1", "libz1 1.2"} <= pair.names("jammy")
    here = pair.client.get("/artifacts/curl").json()
    rows = [row for row in here["history"] if row["action"] == "IMPORT"]
    assert {row["result"] for row in rows} == {"START", "SUCCESS"}
    done = next(row for row in rows if row["result"] == "SUCCESS")
    assert (done["user"], done["detail"]["source"], done["detail"]["group"]) == ("admin", "ours", "curl")
    again = pair.post("fetch", name="curl", distribution="jammy")
    assert again.status_code == 200, again.text
    assert again.json()["duplicate"]
    assert len(again.json()["skipped"]) == 5
    # Bytes are exactly those of the other server.
    assert body["sha256"] == pair.client.get("/import/search", params={"q": "curl"}).json()["results"][0]["sha256"]


def test_an_rpm_and_its_capabilities(pair: Pair) -> None:
    source = next(row for row in pair.client.get("/import/sources").json()["sources"] if row["name"] == "ours-rpm")
    answer = pair.post("packages", source_id=source["id"], package="tool")
    assert answer.status_code == 201, answer.text
    assert {row["name"] for row in answer.json()["imported"]} == {"tool", "tool-libs", "shell"}
    assert pair.post("packages", package="tool").status_code == 422
    assert pair.post("packages", source_id="nowhere", package="tool").status_code == 404
    assert pair.post("packages", source_id="ours-rpm", package="nothing").status_code == 404


def test_what_is_missing_is_told_and_the_rest_comes(pair: Pair) -> None:
    body = pair.post("fetch", name="needy", distribution="jammy", group="wanted").json()
    assert body["status"] == "published", body
    assert [row["name"] for row in body["failed"]] == ["nobody-has-this"]
    assert any("nobody-has-this" in each for each in body["warnings"])
    groups = pair.client.get("/import/groups").json()["groups"]
    wanted = next(row for row in groups if row["name"] == "wanted")
    assert "needy_1_all.deb" in [row["filename"] for row in wanted["packages"]]
    assert (wanted["distribution"], wanted["imported_by"]) == ("jammy", "admin")
    assert pair.client.delete("/import/groups/wanted").json() == {"deleted": "wanted"}
    assert pair.client.delete("/import/groups/wanted").status_code == 404
    assert pair.client.delete("/import/groups/a b").status_code == 400
    assert "needy 1" in pair.names("jammy")


def test_without_what_it_needs(pair: Pair) -> None:
    body = pair.post("fetch", name="lonely", distribution="jammy", dependencies=False).json()
    assert [row["name"] for row in body["imported"]] == ["lonely"]
    assert body["validation"]["deps_missing"] == ["tiny"]


def test_a_batch_fails_in_parts(pair: Pair) -> None:
    packages = ["curlew", {"name": "curl", "version": "7.0-1"}, "nothing", {"package": "tool"}]
    answer = pair.post("batch", packages=packages, distribution="jammy")
    body = answer.json()
    assert answer.status_code == 200, body
    assert [row["status"] for row in body["results"]] == ["published", "published", "error", "error"], body
    assert (body["status"], body["total"], body["imported"], body["failed"]) == ("partial", 4, 2, 2)
    assert pair.post("batch", packages=[]).status_code == 400
    assert pair.post("batch", packages=["x"] * 51).status_code == 400
    assert pair.post("batch").status_code == 422


def test_events_on_request(pair: Pair) -> None:
    head = {"Accept": "text/event-stream"}
    with pair.client.stream("POST", "/import/fetch", json={"name": "tiny"}, headers=head) as answer:
        assert answer.status_code == 200
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert events[-1]["type"] == "end"
    assert events[-1]["job"]["result"]["imported"][0]["name"] == "tiny"


def test_many_who_ask_for_the_same_wait_for_one(pair: Pair) -> None:
    assert pair.client.delete("/packages/libz1", params={"distribution": "jammy"}).status_code in (200, 404)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: pair.post("fetch", name="shell", distribution="almalinux8"), range(6)))
    assert {answer.status_code for answer in answers} <= {200, 201}, [answer.text for answer in answers]
    audit = pair.client.get("/artifacts/shell").json()["history"]
    mine = [row for row in audit if row["action"] == "IMPORT" and row.get("distribution") == "almalinux8"]
    assert [row["result"] for row in mine].count("SUCCESS") == 1, mine


def test_the_command_line(pair: Pair, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, pair.server.url)
    terminal.run("login", pair.server.url, "-u", pair.server.admin, "--password-stdin", typed=pair.server.password)
    assert "curlew" in terminal.run("upstream", "search", "curl")
    assert "libcurl4" in terminal.run("upstream", "resolve", "curl=8.0-1", "--to", "noble")
    said = terminal.run("import", "curlew=1", "--to", "noble", "--no-deps")
    assert "published" in said, said
    assert "curlew 1" in pair.names("noble")
    terminal.run("import", "nothing", "--to", "noble", code=5)
