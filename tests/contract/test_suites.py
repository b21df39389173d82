"""Suites by their whole names: created once, changed by what is named, with every state that machines can be shown."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb

JAMMY = "/suites/deb/main/jammy"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("suites")) as found:
        yield found


@pytest.fixture(scope="module")
def admin(office: Office) -> Iterator[httpx2.Client]:
    with office.server.client() as client:
        yield client


def test_a_suite_is_created_once_and_machines_find_it(admin: httpx2.Client) -> None:
    asked = {"format": "deb", "archive": "team", "codename": "stable", "components": ["main", "extra"]}
    made = admin.post("/suites", json=asked)
    assert made.status_code == 201, made.text
    assert (made.json()["components"], made.json()["archive"]) == (["main", "extra"], "team")
    assert b"Components: main extra" in admin.get("/apt/team/dists/stable/InRelease").content
    again = admin.post("/suites", json=asked)
    assert (again.status_code, again.json()["error"]) == (409, "already_exists")
    assert "deb/team/stable" in again.json()["detail"]
    # The same codename in another format, and in another archive, is another suite.
    assert admin.post("/suites", json={"format": "rpm", "archive": "team", "codename": "stable"}).status_code == 201
    listed = admin.get("/suites", params={"archive": "team"}).json()
    assert sorted(row["format"] for row in listed["suites"]) == ["deb", "rpm"]
    assert admin.get("/suites", params={"archive": "team", "format": "rpm"}).json()["total"] == 1


def test_what_is_not_named_stays(admin: httpx2.Client) -> None:
    before = admin.get(JAMMY).json()
    changed = admin.patch(JAMMY, json={"label": "Ours", "valid_days": 7})
    assert changed.status_code == 200, changed.text
    told = {"label", "valid_days", "revision", "published_revision", "last_updated"}
    assert {name: value for name, value in changed.json().items() if name not in told} == {
        name: value for name, value in before.items() if name not in told
    }
    text = admin.get("/apt/main/dists/jammy/Release").text
    assert "Label: Ours\n" in text
    assert "Valid-Until:" in text


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "word"),
    [
        ("PATCH", "/suites/deb/main/absent", {"label": "x"}, 404, "absent"),
        ("GET", "/suites/rpm/main/jammy", None, 404, "rpm/main/jammy"),
        ("GET", "/suites/apk/main/jammy", None, 422, "format"),
        ("PATCH", JAMMY, {"components": []}, 400, "component"),
        ("PATCH", JAMMY, {"label": "two\nlines"}, 400, "Label"),
        ("PATCH", JAMMY, {"architectures": ["../x"]}, 400, "architectures"),
        ("PATCH", JAMMY, {"architectures": ["amd64", "arm64", "amd64"]}, 400, "architectures: amd64 is named twice"),
        ("PATCH", JAMMY, {"components": ["main", "main"]}, 400, "components: main is named twice"),
        ("PATCH", JAMMY, {"codecs": ["gz", "gz"]}, 400, "codecs: gz is named twice"),
        ("PATCH", JAMMY, {"digests": []}, 400, "sha256"),
        ("PATCH", JAMMY, {"digests": ["sha512"]}, 400, "sha256"),
        ("POST", "/suites", {"format": "rpm", "codename": "x", "digests": ["sha512"]}, 400, "sha256"),
        ("POST", "/distributions/init", {"codename": "x", "components": ["a", "a"]}, 400, "components"),
        ("POST", "/suites", {"format": "deb", "codename": "env"}, 400, "codename"),
        ("POST", "/suites", {"format": "deb", "archive": "Up", "codename": "x"}, 400, "archive"),
        ("POST", "/suites", {"format": "deb", "archive": "a/b", "codename": "x"}, 400, "archive name 'a/b'"),
        ("POST", "/suites", {"codename": "x"}, 422, "format"),
    ],
)
def test_what_cannot_be_is_named_and_changes_nothing(
    admin: httpx2.Client, method: str, path: str, body: dict[str, object] | None, status: int, word: str
) -> None:
    before = admin.get("/suites").json()
    answer = admin.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert word in answer.text
    assert admin.get("/suites").json() == before


def test_every_state_that_is_kept_has_an_address(admin: httpx2.Client) -> None:
    maintainer = Maintainer(admin)
    maintainer.push(build_deb("s-tool", "1.0"), "noble")
    maintainer.push(build_deb("s-tool", "2.0"), "noble")
    found = admin.get("/suites/deb/main/noble/states").json()
    assert found["total"] == len(found["states"]) >= 2
    numbers = [state["generation"] for state in found["states"]]
    assert numbers == sorted(numbers, reverse=True)
    assert found["states"][0]["superseded_at"] is None
    newest = found["states"][0]
    path = newest["url"].removeprefix(str(admin.base_url).rstrip("/"))
    assert "s-tool" in admin.get(f"{path}dists/noble/main/binary-amd64/Packages").text
    contents = admin.get("/snapshots/contents", params={"of": newest["reference"]})
    assert contents.json()["total"] == newest["packages"], contents.text
