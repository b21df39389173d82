"""Distributions through the main API, field by field (contract 4.8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.debs import build_deb

pytestmark = pytest.mark.xdist_group("distributions")

_FIELDS = {
    **dict.fromkeys(("codename", "name", "full_name", "os", "version", "format", "badge", "color"), str),
    **dict.fromkeys(("package_manager", "repo_url_path", "description"), str),
    **dict.fromkeys(("package_count", "total_size"), int),
    **dict.fromkeys(("components", "architectures"), list),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("distributions")) as found:
        yield found


def listed(office: Office, **params: str) -> dict[str, dict[str, Any]]:
    answer = office.admin.get("/distributions/", params=params)
    assert answer.status_code == 200, answer.text
    return {row["codename"]: row for row in answer.json()["distributions"]}


def test_a_row_has_the_fields_of_the_contract(office: Office) -> None:
    for row in listed(office).values():
        assert {name: type(row[name]) for name in _FIELDS} == _FIELDS
        assert row["format"] in ("deb", "rpm")
        assert row["color"].startswith("#")
    jammy = listed(office, format="deb")["jammy"]
    assert (jammy["os"], jammy["version"], jammy["package_manager"]) == ("ubuntu", "22.04", "apt")
    assert {row["format"] for row in listed(office, format="rpm").values()} == {"rpm"}
    with office.bearing("made.up.token") as stranger:
        assert stranger.get("/distributions/").status_code == 401


def test_counts_follow_what_is_there(office: Office) -> None:
    before = listed(office)["focal"]
    assert (before["package_count"], before["total_size"], before["last_updated"]) == (0, 0, None)
    data = build_deb("counted", "1")
    office.admin.post("/upload/", files={"file": ("x.deb", data)}, data={"distribution": "focal"}).raise_for_status()
    after = listed(office)["focal"]
    assert (after["package_count"], after["total_size"]) == (1, len(data))
    assert after["last_updated"]


def test_one_is_made_once_and_published_anew_after_that(office: Office) -> None:
    wanted = {
        "codename": "field-test",
        "format": "deb",
        "description": "for tests",
        "architectures": ["riscv64"],
        "components": ["main", "extra"],
    }
    first = office.admin.post("/distributions/init", json=wanted)
    assert first.status_code == 201, first.text
    body = first.json()
    assert (body["status"], body["repo_format"]) == ("ok", "all")
    assert (body["codename"], body["description"]) == ("field-test", "for tests")
    assert [(row["codename"], row["ok"], type(row["output"])) for row in body["results"]] == [("field-test", True, str)]
    assert all(isinstance(body[kind], dict) for kind in ("apt", "rpm", "apk"))
    assert office.admin.post("/distributions/init", json=wanted).status_code == 200
    row = listed(office)["field-test"]
    assert (row["architectures"], row["components"], row["package_count"]) == (["riscv64"], ["main", "extra"], 0)
    assert row["description"] == "for tests"


def test_without_a_codename_all_are_published_anew(office: Office) -> None:
    body = office.admin.post("/distributions/init").json()
    assert {row["codename"] for row in body["results"]} >= {"jammy", "almalinux9"}
    assert all(row["ok"] for row in body["results"])


@pytest.mark.parametrize("wrong", [{"codename": "../x"}, {"codename": "good", "format": "zip"}])
def test_what_cannot_be_made_is_refused(office: Office, wrong: dict[str, str]) -> None:
    assert office.admin.post("/distributions/init", json=wrong).status_code == 400
    with office.session(office.hire(role="maintainer")) as client:
        assert client.post("/distributions/init", json={"codename": "mine"}).status_code == 403


def test_whose_advisories_speak_of_its_packages_can_be_said(office: Office) -> None:
    def row(name: str) -> object:
        rows = office.admin.get("/distributions/").json()["distributions"]
        return next(each["ecosystem"] for each in rows if each["codename"] == name)

    assert row("jammy") == "Ubuntu:22.04:LTS"
    for said, known in (("Debian:12", "Debian:12"), (None, "Debian:12"), ("none", ""), ("", "")):
        given = {"codename": "internal"} if said is None else {"codename": "internal", "ecosystem": said}
        assert office.admin.post("/distributions/init", json=given).status_code in {200, 201}
        assert row("internal") == known
    answer = office.admin.post("/distributions/init", json={"codename": "internal", "ecosystem": "npm"})
    assert answer.status_code == 400
    assert "Debian:12" in answer.json()["detail"]
