"""What clients do with errata and rollouts: dnf and zypper act on updateinfo, apt on phases."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot.testing.advisories import affected, osv
from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import running_server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(os.geteuid() != 0, reason="CLIENTS INSTALL INTO A ROOT AS root ONLY"),
]
NEEDS_DNF = pytest.mark.skipif(bool(missing_programs("dnf", "rpm")), reason="DNF IS NOT INSTALLED HERE")

NewSuite = Callable[..., str]


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Maintainer]:
    """With a server of its own: where advisories are known, packages of unknown distributions have to wait."""
    with running_server(tmp_path / "server") as server, server.client() as client:
        yield Maintainer(client)


def issued(maintainer: Maintainer, suite: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = maintainer.client.post(f"/distributions/{suite}/errata", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@NEEDS_DNF
def test_dnf_lists_notices_and_takes_security_updates_alone(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("rpm")
    for name in ("e-bug", "e-hole"):
        maintainer.push(build_rpm(name, "1.0"), suite)
    dnf = DnfRoot(tmp_path, architecture="x86_64")
    dnf.add_repo(maintainer.repo(suite), suite)
    dnf.install("e-bug", "e-hole").checked()
    assert "e-hole" not in dnf.dnf("updateinfo", "list").checked().stdout
    for name in ("e-bug", "e-hole"):
        maintainer.push(build_rpm(name, "1.1"), suite)
    hole = issued(
        maintainer,
        suite,
        {
            "severity": "high",
            "title": "e-hole: <fewer> holes & no more",
            "cves": ["CVE-2026-11111"],
            "packages": [{"name": "e-hole", "version": "1.1-1"}],
        },
    )
    bug = issued(maintainer, suite, {"code": "FIX-7", "packages": [{"name": "e-bug", "version": "1.1-1"}]})
    assert (hole["kind"], bug["kind"]) == ("security", "bugfix")
    listed = dnf.dnf("--refresh", "updateinfo", "list", "--security").checked().stdout
    assert f"{hole['code']} Important/Sec. e-hole-1.1-1" in listed.replace("  ", " ")
    assert "FIX-7" not in listed
    assert "CVE-2026-11111 Important/Sec." in dnf.dnf("updateinfo", "list", "cves").checked().stdout
    shown = dnf.dnf("updateinfo", "info", hole["code"]).checked().stdout
    assert "e-hole: <fewer> holes & no more" in shown
    dnf.dnf("upgrade", "--security", "-y").checked()
    assert dnf.installed() == {"e-bug": "1.0-1", "e-hole": "1.1-1"}
    answer = maintainer.client.patch(f"/distributions/{suite}/errata/FIX-7", json={"cves": ["CVE-2026-22222"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["kind"] == "bugfix"
    assert maintainer.client.delete(f"/distributions/{suite}/errata/{hole['code']}").status_code == 200
    assert hole["code"] not in dnf.dnf("--refresh", "updateinfo", "list", "--all").checked().stdout


def test_apt_downloads_nothing_of_it_and_the_feed_is_under_the_signature(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("deb")
    maintainer.push(build_deb("e-deb", "1.1"), suite)
    issued(maintainer, suite, {"cves": ["CVE-2026-33333"], "packages": [{"name": "e-deb", "version": "1.1"}]})
    feed = maintainer.client.get(f"/apt/main/dists/{suite}/errata.json")
    record = json.loads(feed.text)["errata"][0]
    assert record["upstream"] == ["CVE-2026-33333"]
    assert record["affected"][0]["ranges"][0]["events"] == [{"introduced": "0"}, {"fixed": "1.1"}]
    assert "errata.json" in maintainer.client.get(f"/apt/main/dists/{suite}/Release").text
    apt = AptRoot(tmp_path)
    apt.add_source(maintainer.sources(suite), suite)
    apt.update().checked()
    maintainer.remove("e-deb", "1.1", suite)
    assert maintainer.client.get(f"/apt/main/dists/{suite}/errata.json").status_code == 404


def test_apt_offers_an_update_to_the_share_of_machines_that_a_rollout_says(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("deb")
    maintainer.push(build_deb("e-phased", "1.0"), suite)
    maintainer.push(build_deb("e-plain", "1.0"), suite)
    maintainer.push(build_deb("e-phased", "2.0"), suite)
    url = f"/distributions/{suite}/rollouts"
    body = {"packages": [{"name": "e-phased", "version": "2.0"}], "steps": [{"percentage": 30, "hours": 1}]}
    begun = maintainer.client.post(url, json=body)
    assert begun.status_code == 201, begun.text
    assert maintainer.client.post(url, json=body).status_code == 409
    packages = maintainer.client.get(f"/apt/main/dists/{suite}/main/binary-amd64/Packages").text
    assert packages.count("Phased-Update-Percentage: 30") == 1
    apt = AptRoot(tmp_path)
    apt.add_source(maintainer.sources(suite), suite)
    apt.update().checked()
    apt.install("e-phased=1.0", "e-plain=1.0").checked()
    offered = 0
    machines = 60
    for number in range(machines):
        machine = ("-o", f"APT::Machine-ID={number:032x}")
        offered += "Inst e-phased [1.0] (2.0" in apt.run("apt-get", "-s", *machine, "dist-upgrade").checked().stdout
    assert 0.1 * machines < offered < 0.55 * machines
    number = begun.json()["id"]
    assert maintainer.client.post(f"{url}/{number}/finish").json()["percentage"] == 100
    apt.update().checked()
    assert "Inst e-phased [1.0] (2.0" in apt.run("apt-get", "-s", "dist-upgrade").checked().stdout
    assert maintainer.client.post(f"{url}/{number}/pause").status_code == 400


def test_a_rollout_that_is_stopped_leaves_the_distribution(maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("deb")
    maintainer.push(build_deb("e-stopped", "2.0"), suite)
    url = f"/distributions/{suite}/rollouts"
    number = maintainer.client.post(url, json={"packages": [{"name": "e-stopped", "version": "2.0"}]}).json()["id"]
    assert maintainer.client.post(f"{url}/{number}/pause").json()["state"] == "paused"
    assert maintainer.client.post(f"{url}/{number}/resume").json()["next_at"] is not None
    assert maintainer.client.post(f"{url}/{number}/stop").json()["state"] == "stopped"
    packages = maintainer.client.get(f"/apt/main/dists/{suite}/main/binary-amd64/Packages").text
    assert "e-stopped" not in packages
    elsewhere = maintainer.client.post(f"/distributions/jammy/rollouts/{number}/pause")
    assert elsewhere.status_code == 404


@NEEDS_DNF
def test_dnf_hears_of_security_updates_that_nobody_wrote_about(tmp_path: Path, apart: Maintainer) -> None:
    maintainer, client = apart, apart.client
    suite = maintainer.create("told", "rpm", ecosystem="AlmaLinux:9")
    assert client.patch("/settings", json={"security_errata": "on"}).status_code == 200
    maintainer.push(build_rpm("e-told", "1.0"), suite)
    dnf = DnfRoot(tmp_path, architecture="x86_64")
    dnf.add_repo(maintainer.repo(suite), suite)
    dnf.install("e-told").checked()
    record = osv(
        "ALSA-2031:0001",
        affected("AlmaLinux:9", "e-told", ("fixed", "1.1-1")),
        upstream=["CVE-2031-4444"],
        database_specific={"severity": "IMPORTANT"},
    )
    sent = client.post("/security/feeds/told", content=record, params={"kind": "osv"})
    assert sent.status_code in (200, 202), sent.text
    _until(lambda: "CVE-2031-4444" in client.get("/security/vulnerabilities", params={"distribution": suite}).text)
    maintainer.push(build_rpm("e-told", "1.1"), suite)
    _until(lambda: bool(client.get(f"/distributions/{suite}/errata").json()["errata"]))
    [told] = client.get(f"/distributions/{suite}/errata").json()["errata"]
    assert (told["kind"], told["packages"][0]["name"]) == ("security", "e-told")
    _until(lambda: told["code"] in dnf.dnf("--refresh", "updateinfo", "list", "--security").checked().stdout)
    dnf.dnf("upgrade", "--security", "-y").checked()
    assert dnf.installed() == {"e-told": "1.1-1"}


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.3)
