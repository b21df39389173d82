"""Machines of apt and dnf on a snapshot that was made from two distributions."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(os.geteuid() != 0, reason="CLIENTS INSTALL INTO A ROOT AS root ONLY"),
]
NEEDS_DNF = pytest.mark.skipif(bool(missing_programs("dnf", "rpm")), reason="DNF IS NOT INSTALLED HERE")

NewSuite = Callable[..., str]


def merged(maintainer: Maintainer, states: list[str], into: str) -> None:
    body = {"states": states, "into": into, "name": "both"}
    answer = maintainer.client.post("/snapshots/merge", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["snapshot"]["merged_from"] == states


def test_apt_installs_from_what_was_merged(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    stable, updates = new_suite("deb"), new_suite("deb")
    maintainer.push(build_deb("m-lib", "1.0"), stable)
    maintainer.push(build_deb("m-app", "1.0", depends="m-lib (>= 1.0)"), stable)
    maintainer.push(build_deb("m-app", "2.0", depends="m-lib (>= 1.0)"), updates)
    merged(maintainer, [stable, updates], stable)
    apt = AptRoot(tmp_path)
    apt.add_source(maintainer.sources(stable).replace("/apt/main", "/apt/main/snapshot/both"), stable)
    apt.update().checked()
    apt.install("m-app").checked()
    assert apt.installed() == {"m-app": "2.0", "m-lib": "1.0"}
    assert apt.versions("m-app") == ["2.0"]


@NEEDS_DNF
def test_dnf_installs_from_what_was_merged(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    stable, updates = new_suite("rpm"), new_suite("rpm")
    maintainer.push(build_rpm("m-rpm", "1.0"), stable)
    maintainer.push(build_rpm("m-rpm", "2.0"), updates)
    merged(maintainer, [stable, updates], stable)
    dnf = DnfRoot(tmp_path)
    dnf.add_repo(maintainer.client.get(f"/rpm/main/snapshot/both/{stable}.repo").text, stable)
    dnf.makecache().checked()
    dnf.install("m-rpm").checked()
    assert dnf.installed() == {"m-rpm": "2.0-1"}
