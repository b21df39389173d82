"""Machines of apt and dnf on snapshots, on older states and on environments that move."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def ask(maintainer: Maintainer, method: str, path: str, status: int = 200, **more: Any) -> dict[str, Any]:
    answer = maintainer.client.request(method, path, **more)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def freeze(maintainer: Maintainer, suite: str, name: str) -> dict[str, Any]:
    return ask(maintainer, "POST", "/snapshots", 201, json={"distribution": suite, "name": name})


def test_apt_installs_what_was_then_and_what_is_now(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("deb")
    maintainer.push(build_deb("s-tool", "1.0"), suite)
    then = ask(maintainer, "GET", "/snapshots/contents", params={"of": suite})["state"]["time"]
    time.sleep(1.1)  # times in addresses are whole seconds
    maintainer.push(build_deb("s-tool", "2.0"), suite)
    maintainer.remove("s-tool", "1.0", suite)
    sources = maintainer.sources(suite)
    later = ask(maintainer, "GET", "/snapshots/contents", params={"of": suite})["state"]["time"]
    for view, version in ((f"snapshot/{then}", "1.0"), (f"snapshot/{later}", "2.0"), ("", "2.0")):
        apt = AptRoot(tmp_path / (view or "now").replace("/", "-"))
        apt.add_source(sources.replace("/apt/main", f"/apt/main/{view}".rstrip("/")), suite)
        apt.update().checked()
        apt.install("s-tool").checked()
        assert apt.installed() == {"s-tool": version}
    assert maintainer.client.get(f"/apt/main/snapshot/20200101T000000Z/dists/{suite}/InRelease").status_code == 404


def test_an_environment_moves_forward_and_back_under_one_address(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("deb", valid_days=7)
    maintainer.push(build_deb("s-app", "1.0"), suite)
    first = freeze(maintainer, suite, "monday")
    assert freeze(maintainer, suite, "again")["content_id"] == first["content_id"]
    ask(maintainer, "POST", "/environments", 201, json={"name": f"prod-{suite}"})
    env = f"/environments/prod-{suite}"
    monday = {"targets": [{"distribution": suite, "snapshot": "monday"}]}
    ask(maintainer, "POST", f"{env}/point", json=monday)
    sources = maintainer.client.get(f"/apt/main/env/prod-{suite}/{suite}.sources").text
    apt = AptRoot(tmp_path)
    apt.add_source(sources, suite)
    apt.update().checked()
    assert apt.candidate("s-app") == "1.0"
    assert "Valid-Until" not in maintainer.client.get(f"/apt/main/env/prod-{suite}/dists/{suite}/InRelease").text

    time.sleep(1.1)  # apt compares the seconds of Release: going back must work when these differ
    maintainer.push(build_deb("s-app", "2.0"), suite)
    apt.update().checked()
    assert apt.candidate("s-app") == "1.0", "what is pushed reaches the environment by a move only"
    assert freeze(maintainer, suite, "tuesday")["content_id"] != first["content_id"]
    tuesday = {"targets": [{"distribution": suite, "snapshot": "tuesday"}], "reason": "tested"}
    plan = ask(maintainer, "POST", f"{env}/plan", json=tuesday)
    (change,) = plan["changes"]
    line = {"change": "upgraded", "name": "s-app", "arch": "all", "component": "main"}
    assert change["difference"]["changes"] == [line | {"from_versions": [], "to_versions": ["2.0"]}]
    assert plan["harmless"]
    ask(maintainer, "POST", f"{env}/point", json=tuesday)
    apt.update().checked()
    apt.install("s-app").checked()
    assert apt.installed() == {"s-app": "2.0"}
    ask(maintainer, "POST", f"{env}/rollback", json={"reason": "no"})
    apt.update().checked()
    assert apt.candidate("s-app") == "2.0", "it is installed"
    assert apt.versions("s-app") == ["1.0"]
    moves = ask(maintainer, "GET", f"{env}/history")["items"]
    assert [one["snapshot"]["name"] for one in moves] == ["monday", "tuesday", "monday"]

    refused = maintainer.client.delete(f"/snapshots/{suite}/monday")
    assert refused.status_code == 409
    assert f"prod-{suite}" in refused.text
    ask(maintainer, "DELETE", f"/snapshots/{suite}/again")


def test_a_move_that_takes_away_what_others_need_is_refused_with_names(
    maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("deb")
    maintainer.push(build_deb("s-lib", "1.0"), suite)
    maintainer.push(build_deb("s-user", "1.0", depends="s-lib (>= 1.0)"), suite)
    freeze(maintainer, suite, "whole")
    maintainer.remove("s-lib", "1.0", suite)
    freeze(maintainer, suite, "torn")
    name = f"qa-{suite}"
    ask(maintainer, "POST", "/environments", 201, json={"name": name, "protected": True})
    whole = {"targets": [{"distribution": suite, "snapshot": "whole"}]}
    torn = {"targets": [{"distribution": suite, "snapshot": "torn"}], "reason": "really"}
    assert maintainer.client.post(f"/environments/{name}/point", json=whole).status_code == 400, "it is protected"
    ask(maintainer, "POST", f"/environments/{name}/point", json={**whole, "reason": "first"})
    refused = maintainer.client.post(f"/environments/{name}/point", json=torn)
    assert refused.status_code == 409
    assert "s-user 1.0 would lack s-lib" in refused.text
    moved = ask(maintainer, "POST", f"/environments/{name}/point", json={**torn, "override": True})
    assert moved["changes"][0]["would_break"] == [
        {"name": "s-user", "version": "1.0", "arch": "all", "needs": ["s-lib"]}
    ]
    ask(maintainer, "DELETE", f"/environments/{name}/distributions/{suite}", params={"reason": "over"})
    assert maintainer.client.get(f"/apt/main/env/{name}/dists/{suite}/InRelease").status_code == 404
    ask(maintainer, "DELETE", f"/environments/{name}")


@NEEDS_DNF
def test_dnf_sees_a_snapshot_by_the_same_files(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("rpm")
    maintainer.push(build_rpm("s-rpm", "1.0"), suite)
    freeze(maintainer, suite, "golden")
    maintainer.push(build_rpm("s-rpm", "2.0"), suite)
    maintainer.remove("s-rpm", "1.0-1", suite)
    ask(maintainer, "POST", "/environments", 201, json={"name": f"stage-{suite}"})
    target = {"targets": [{"distribution": suite, "snapshot": "golden"}]}
    ask(maintainer, "POST", f"/environments/stage-{suite}/point", json=target)
    for view in ("snapshot/golden", f"env/stage-{suite}"):
        dnf = DnfRoot(tmp_path / view.replace("/", "-"))
        dnf.add_repo(maintainer.client.get(f"/rpm/main/{view}/{suite}.repo").text, suite)
        dnf.makecache().checked()
        dnf.install("s-rpm").checked()
        assert dnf.installed() == {"s-rpm": "1.0-1"}
    difference = ask(maintainer, "GET", "/snapshots/diff", params={"from": f"{suite}@golden", "to": suite})
    assert [(one["change"], one["from_versions"], one["to_versions"]) for one in difference["changes"]] == [
        ("upgraded", ["1.0-1"], ["2.0-1"])
    ]
