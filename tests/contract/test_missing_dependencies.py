"""What an upload is told about its direct dependencies: real relations of both formats, and never a reason to hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.debs import build_deb
from entrepot.testing.rpms import build_rpm

pytestmark = pytest.mark.xdist_group("missing dependencies")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("missing")) as found:
        push(found, build_deb("lib", "1.5", "amd64"), "jammy")
        push(found, build_deb("postfix", "3", "amd64", fields={"Provides": "mail, smtp (= 2.0)"}), "jammy")
        push(found, build_deb("other-arch", "1", "arm64"), "jammy")
        files = {"usr/bin/lisp": b"#!/bin/sh\n"}
        push(found, build_rpm("lisp", "1.5", "2", provides=["virtual = 3", "libl.so.1()(64bit)"], files=files), "el")
        yield found


def push(office: Office, data: bytes, distribution: str) -> dict[str, Any]:
    kind, codename = ("rpm", "almalinux9") if distribution == "el" else ("deb", distribution)
    answer = office.admin.post("/upload/", files={"file": (f"x.{kind}", data)}, data={"distribution": codename})
    assert answer.status_code == 201, answer.text
    body = dict(answer.json())
    # It informs only.
    assert (body["status"], body["validation"]["passed"]) == ("published", True)
    assert body["pipeline"]["dependencies"] == ("missing" if body["validation"]["deps_missing"] else "satisfied")
    return body


@pytest.mark.parametrize(
    ("depends", "missing"),
    [
        ("lib", []),
        ("lib (>= 1.5), lib:any (<< 2) | gone", ["lib:any"]),
        ("gone | lib (>= 1.10), gone | lib (>= 1.2)", ["gone"]),
        ("lib (>= 2), lib (>= 3)", ["lib"]),
        ("mail, smtp (>= 1)", []),
        ("mail (>= 1), smtp (>> 2.0)", ["mail", "smtp"]),
        ("other-arch", ["other-arch"]),
        ("self-made", []),
    ],
)
def test_a_deb_is_told_what_its_distribution_lacks(office: Office, depends: str, missing: list[str]) -> None:
    name = f"asks-{abs(hash(depends))}"
    data = build_deb(name, "1", depends=depends, fields={"Provides": "self-made"})
    assert push(office, data, "jammy")["validation"]["deps_missing"] == missing


@pytest.mark.parametrize(
    ("requires", "missing"),
    [
        (["lisp >= 1.5", "lisp = 1.5-2", "virtual > 2", "libl.so.1()(64bit)", "/usr/bin/lisp"], []),
        (["lisp > 1.5-2", "virtual < 3", "/usr/bin/scheme"], ["lisp", "virtual", "/usr/bin/scheme"]),
        (["rpmlib(Whatever) <= 4.0"], []),
        (["(scheme or lisp)", "(scheme if lisp >= 9)", "(lisp with virtual)"], []),
        (["(scheme and lisp)"], ["(scheme and lisp)"]),
        (["/usr/libexec/own", "own-made"], []),
    ],
)
def test_an_rpm_is_told_what_its_distribution_lacks(office: Office, requires: list[str], missing: list[str]) -> None:
    name = f"asks-{abs(hash(tuple(requires)))}"
    data = build_rpm(
        name, "1", "1", requires=requires, provides=["own-made"], files={"usr/libexec/own": b"#!/bin/sh\n"}
    )
    assert push(office, data, "el")["validation"]["deps_missing"] == missing


def test_what_was_missing_is_shown_with_the_package(office: Office) -> None:
    push(office, build_deb("lacking", "1", depends="gone, lib"), "jammy")
    push(office, build_deb("lacking", "2", depends="lib"), "jammy")
    [row] = office.admin.get("/artifacts/", params={"search": "lacking"}).json()["items"]
    assert (row["latest_version"], row["deps_missing"]) == ("2", [])
    detail = office.admin.get("/artifacts/lacking").json()
    assert detail["info"]["versions"]["1"]["deps_missing"] == ["gone"]
    steps = {step["name"]: step for step in detail["validation_steps"]}
    assert steps["dependencies"]["passed"] is True
    assert "structure" in steps
    rows = office.admin.get("/artifacts/lacking/versions").json()["versions"]
    assert {one["version"]: one["deps_missing"] for one in rows} == {"1": ["gone"], "2": []}
