"""Sources over the API: what can be said about them, and a synchronisation from our own server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server, running_server

pytestmark = pytest.mark.xdist_group("sources")

APT = {
    "name": "ubuntu-focal",
    "type": "apt",
    "url": "http://archive.ubuntu.com/ubuntu",
    "distribution": "focal",
    "components": ["main", "universe"],
}
RPM = {"name": "epel9", "type": "rpm", "url": "https://dl.fedoraproject.org/pub/epel/9/Everything/x86_64/"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A server that has packages, and one that looks at it."""

    upstream: Server
    client: httpx2.Client
    keys: dict[str, str]

    def add(self, **more: Any) -> httpx2.Response:
        return self.client.post("/import/sources", json=more)

    def sync(self, source: object) -> list[dict[str, Any]]:
        """Events, by the route that streams."""
        with self.client.stream("POST", f"/import/sources/{source}/sync", timeout=60) as answer:
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            return [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running_server(tmp_path_factory.mktemp("upstream")) as upstream:
        upload(upstream, "hello_1.0_all.deb", build_deb("hello", "1.0", fields={"Provides": "greeter"}), "jammy")
        upload(upstream, "tool-1.0-1.noarch.rpm", build_rpm("tool", "1.0", "1"), "almalinux9")
        keys = {kind: httpx2.get(f"{upstream.url}/{kind}/main/key.asc").text for kind in ("apt", "rpm")}
        settings = {
            "ENTREPOT_UPSTREAM_INSIDE": upstream.url.partition("//")[2],
            "ENTREPOT_RATE_LIMITS": "all=9999/minute",
        }
        with (
            running_server(tmp_path_factory.mktemp("here"), **settings) as server,
            httpx2.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token()}"}) as client,
        ):
            yield Pair(upstream, client, keys)


def upload(server: Server, name: str, data: bytes, distribution: str) -> None:
    head = {"Authorization": f"Bearer {server.token()}"}
    files, form = {"file": (name, data)}, {"distribution": distribution}
    answer = httpx2.post(f"{server.url}/upload/", headers=head, timeout=60, files=files, data=form)
    assert answer.status_code == 201, answer.text


def ours(pair: Pair, kind: str, name: str, **more: Any) -> dict[str, Any]:
    """Our own repositories as somebody else's."""
    place = {"apt": "/apt/main", "rpm": "/rpm/main/almalinux9/x86_64"}[kind]
    body = {"name": name, "type": kind, "url": pair.upstream.url + place, "gpg_key": pair.keys[kind], **more}
    answer = pair.add(**body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_examples_of_the_documents(pair: Pair) -> None:
    first, second = pair.add(**APT), pair.add(**RPM)
    assert (first.status_code, second.status_code) == (201, 201), (first.text, second.text)
    assert (first.json()["id"], second.json()["id"]) == (1, 2)
    assert first.json()["status"] == "never"
    assert pair.add(**APT).status_code == 409
    assert pair.add(**{**APT, "name": "another"}).status_code == 409
    found = pair.client.get("/import/sources").json()
    names = {row["name"]: row for row in found["sources"]}
    assert found["total"] == len(names) >= 40
    assert names["debian-bookworm"]["builtin"]
    assert not names["debian-bookworm"]["enabled"]
    # Without a key nothing is believed.
    assert pair.sync(1)[-1]["status"] == "error"
    assert pair.client.get("/import/sources/ubuntu-focal").json()["error_code"] == "upstream.signature"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"type": "apk"}, 400),
        ({"url": "ftp://example.org/"}, 400),
        ({"url": "http://ada:secret@example.org/"}, 400),
        ({"url": "http://example.org:99999/"}, 400),
        ({"url": "http://[::1"}, 400),
        ({"url": "http://exam\0ple.org/"}, 400),
        ({"distribution": None}, 400),
        ({"distribution": "../x"}, 400),
        ({"components": ["../main"]}, 400),
        ({"gpg_key": "no key"}, 400),
        ({"name": "Capital Letters"}, 400),
        ({"name": None}, 422),
        ({"url": None}, 422),
        ({"components": [1]}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(pair: Pair, more: dict[str, Any], status: int) -> None:
    body = {key: value for key, value in {**APT, "name": "odd", **more}.items() if value is not None}
    answer = pair.add(**body)
    assert answer.status_code == status, answer.text
    assert pair.client.get("/import/sources/odd").status_code == 404


def test_sources_of_the_program_stay_what_they_are(pair: Pair) -> None:
    assert pair.client.delete("/import/sources/debian-bookworm").status_code == 400
    assert pair.client.patch("/import/sources/debian-bookworm", json={"url": "http://x.example/"}).status_code == 400
    changed = pair.client.patch("/import/sources/debian-bookworm", json={"gpg_key": pair.keys["apt"]})
    assert changed.status_code == 400
    assert "none of the keys" in changed.json()["detail"]
    assert pair.client.patch("/import/sources/nginx-jammy", json={"enabled": True}).json()["enabled"]
    assert pair.client.patch("/import/sources/nginx-jammy", json={"enabled": False}).status_code == 200


def test_a_synchronisation_of_apt_from_our_own_server(pair: Pair) -> None:
    source = ours(pair, "apt", "own-apt", distribution="jammy", architectures=["amd64"], security=True)
    told = pair.sync(source["id"])
    assert told[0]["status"] == "started"
    assert [each for each in told if each["status"] == "verifying"]
    assert (told[-1]["status"], told[-1]["count"], told[-1]["source_id"]) == ("done", 1, "own-apt")
    row = pair.client.get("/import/sources/own-apt").json()
    assert (row["status"], row["pkg_count"], row["has_key"], row["error"]) == ("ok", 1, True, None)
    assert pair.sync("own-apt")[-1]["message"].endswith("as before")
    upload(pair.upstream, "other_2.0_amd64.deb", build_deb("other", "2.0", architecture="amd64"), "jammy")
    assert pair.sync("own-apt")[-1]["count"] == 2
    status = {each["source_id"]: each for each in pair.client.get("/import/sync-status").json()["sources"]}
    assert status["own-apt"]["status"] == "ok"
    assert "url" not in status["own-apt"]
    begun = pair.client.post("/import/sync-security")
    assert begun.status_code == 202
    assert begun.json()["sources"] == ["own-apt"]
    schedule = pair.client.get("/import/sync-schedule").json()
    assert schedule["cron"] == "0 3 * * *"
    assert schedule["security_sources"] == [{"id": "own-apt", "label": "own-apt"}]


def test_a_synchronisation_of_rpm_from_our_own_server(pair: Pair) -> None:
    ours(pair, "rpm", "own-rpm", distribution="almalinux9")
    begun = pair.client.post("/import/sync/own-rpm").json()
    assert (begun["status"], begun["source_id"]) == ("running", "own-rpm")
    with pair.client.stream("GET", f"/import/sync/jobs/{begun['job_id']}/stream", timeout=60) as answer:
        told = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert (told[-1]["status"], told[-1]["count"]) == ("done", 1), told
    job = pair.client.get(f"/import/sync/jobs/{begun['job_id']}").json()
    assert (job["status"], job["done_count"], job["error_count"]) == ("done", 1, 0)
    assert pair.client.post(f"/import/sync/jobs/{begun['job_id']}/cancel").status_code == 409
    assert begun["job_id"] in {each["job_id"] for each in pair.client.get("/import/sync/jobs").json()["jobs"]}


def test_another_key_is_refused_and_what_was_there_stays(pair: Pair) -> None:
    ours(pair, "apt", "wrong-key", distribution="noble", gpg_key=pair.keys["rpm"])
    assert pair.sync("wrong-key")[-1]["code"] == "upstream.signature"
    pair.client.patch("/import/sources/wrong-key", json={"gpg_key": pair.keys["apt"]})
    assert pair.sync("wrong-key")[-1]["status"] == "done"


def test_credentials_are_never_shown(pair: Pair) -> None:
    body = {**RPM, "name": "secretive", "distribution": "x", "username": "ada", "password": "not-for-eyes"}
    shown = pair.add(**body).json()
    assert shown["has_credentials"]
    shown = pair.client.patch("/import/sources/secretive", json={"label": "still"}).json()
    assert shown["has_credentials"]
    told = json.dumps(pair.client.get("/import/sources").json())
    log = json.dumps(pair.client.get("/artifacts/audit/logs", params={"per_page": 500}).json())
    assert "not-for-eyes" not in told + log + json.dumps(shown)


def test_a_source_that_is_removed_takes_its_list_along(pair: Pair) -> None:
    ours(pair, "apt", "short-lived", distribution="focal")
    assert pair.client.delete("/import/sources/short-lived").json()["status"] == "deleted"
    assert pair.client.post("/import/sources/short-lived/sync").status_code == 404
    assert pair.client.post("/import/sync", json={"sources": ["short-lived"]}).status_code == 404
