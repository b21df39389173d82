"""What the gate holds waits for a person, and nobody gets it before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server, running_server

HOLD = {"Essential": "yes"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("reviews")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx2.Client]:
    with server.client() as signed_in:
        yield signed_in


def push(client: httpx2.Client, name: str, version: str = "1.0", **fields: str) -> httpx2.Response:
    data = build_deb(name, version, fields=fields)
    files = {"file": (f"{name}_{version}_all.deb", data)}
    return client.post("/upload/", files=files, data={"distribution": "bookworm"})


def hold(client: httpx2.Client, name: str) -> dict[str, Any]:
    answer = push(client, name, **HOLD)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    assert body["status"] == "pending_review"
    assert not body["indexed"]
    return body


def index(client: httpx2.Client) -> str:
    return client.get("/apt/main/dists/bookworm/main/binary-amd64/Packages").text


def pool_status(client: httpx2.Client, name: str) -> int:
    return client.get(f"/apt/main/pool/main/{name[0]}/{name}/{name}_1.0_all.deb").status_code


def decide(client: httpx2.Client, name: str, **body: str) -> httpx2.Response:
    return client.post(f"/security/packages/{name}/1.0/decide", json=body)


def test_a_held_package_is_seen_by_reviewers_and_by_nobody_else(client: httpx2.Client) -> None:
    hold(client, "waiting")
    queue = client.get("/security/review-queue").json()
    [row] = [row for row in queue["packages"]["items"] if row["name"] == "waiting"]
    assert row["status"] == "pending_review"
    assert "resists removal" in row["reasons"][0]
    assert client.get("/artifacts/waiting").json()["info"]["versions"]["1.0"]["status"] == "pending_review"
    assert "Package: waiting\n" not in index(client)
    assert pool_status(client, "waiting") == 404


def test_the_same_file_again_waits_once(client: httpx2.Client) -> None:
    before = hold(client, "patient")
    again = push(client, "patient", **HOLD)
    assert (again.status_code, again.json()["status"]) == (201, "pending_review")
    assert again.json()["sha256"] == before["sha256"]
    rows = client.get("/security/review-queue").json()["packages"]["items"]
    assert [row["name"] for row in rows].count("patient") == 1


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("newer-words", {"decision": "approve", "justification": "two of us read it"}),
        ("older-words", {"decision": "accepted", "comment": "two of us read it"}),
        ("action-words", {"action": "accept_risk", "reason": "two of us read it"}),
    ],
)
def test_an_approved_package_can_be_installed_when_the_answer_comes(
    client: httpx2.Client, name: str, body: dict[str, str]
) -> None:
    hold(client, name)
    answer = decide(client, name, **body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["published"] is True
    assert answer.json()["decision"]["justification"] == "two of us read it"
    assert f"Package: {name}\n" in index(client)
    assert pool_status(client, name) == 200
    assert decide(client, name, **body).status_code == 409


def test_a_rejected_package_never_gets_out(client: httpx2.Client) -> None:
    hold(client, "unwanted")
    answer = decide(client, "unwanted", decision="reject", justification="no need for it")
    assert (answer.status_code, answer.json()["new_status"]) == (200, "quarantined")
    assert "Package: unwanted\n" not in index(client)
    assert pool_status(client, "unwanted") == 404
    assert decide(client, "unwanted", decision="approve", justification="after all").status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"decision": "approve"}, 400),
        ({"decision": "approve", "justification": "  "}, 400),
        ({"decision": "perhaps", "justification": "x"}, 400),
        ({"justification": "x"}, 422),
    ],
)
def test_a_decision_needs_a_word_and_a_reason(client: httpx2.Client, body: dict[str, str], status: int) -> None:
    name = "undecided"
    push(client, name, **HOLD)
    assert decide(client, name, **body).status_code == status
    assert pool_status(client, name) == 404


def test_nobody_decides_about_what_was_never_held(client: httpx2.Client) -> None:
    assert decide(client, "never-heard-of", decision="approve", justification="x").status_code == 404


def test_a_held_package_can_be_removed(client: httpx2.Client) -> None:
    hold(client, "regretted")
    answer = client.delete("/artifacts/regretted/1.0")
    assert answer.status_code == 200, answer.text
    assert client.get("/artifacts/regretted").status_code == 404
    assert client.delete("/artifacts/regretted/1.0").status_code == 404
