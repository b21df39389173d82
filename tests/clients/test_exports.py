"""Machines of apt and dnf on trees that were exported, behind the plainest of web servers."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(os.geteuid() != 0, reason="CLIENTS INSTALL INTO A ROOT AS root ONLY"),
]
NEEDS_DNF = pytest.mark.skipif(bool(missing_programs("dnf", "rpm")), reason="DNF IS NOT INSTALLED HERE")

NewSuite = Callable[..., str]


def run(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ENTREPOT_")}
    command = [sys.executable, "-m", "entrepot", "export", *arguments, "--data", str(server.data)]
    done = subprocess.run(command, env=kept, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


def export(server: Server, *arguments: str) -> dict[str, Any]:
    done = run(server, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def files_of(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(".entrepot/")}


def test_apt_installs_from_an_exported_folder_and_a_second_run_costs_what_changed(
    tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("deb", valid_days=7, contents=False)
    first = maintainer.push(build_deb("x-tool", "1.0"), suite)
    maintainer.push(build_deb("x-other", "1.0"), suite)
    folder = tmp_path / "www"
    with FolderServer(tmp_path / "www") as web:
        done = export(server, suite, str(folder), "--site", web.url)
        assert (done["packages"], done["removed"]) == (2, 0)
        path = folder / f"pool/main/x/x-tool/{first['filename']}"
        digest = first["sha256"]
        assert path.samefile(server.data / "blobs" / digest[:2] / digest), "a second name, not a copy"
        apt = AptRoot(tmp_path / "machine")
        apt.add_source((folder / f"{suite}.sources").read_text())
        apt.update().checked()
        apt.install("x-tool").checked()
        assert any("/by-hash/SHA256/" in line for line in web.requests)

        again = export(server, suite, str(folder), "--site", web.url)
        assert (again["linked"], again["written"], again["removed"]) == (0, 0, 0)

        before = files_of(folder)
        maintainer.push(build_deb("x-tool", "2.0"), suite)
        maintainer.remove("x-other", "1.0", suite)
        third = export(server, suite, str(folder), "--site", web.url)
        assert third["waiting"] > 0, "files that a client may still ask for stay"
        after = files_of(folder)
        gone = {name for name in before if name not in after}
        assert not gone
        apt.update().checked()
        apt.upgrade().checked()
        assert apt.installed() == {"x-tool": "2.0"}

        last = export(server, suite, str(folder), "--site", web.url, "--delete-after", "0")
        assert last["removed"] == third["waiting"]
        assert not (folder / "pool/main/x/x-other").exists()
        apt.update().checked()
    served = {
        name: maintainer.client.get(f"/apt/main/{name}").content
        for name in files_of(folder)
        if not name.endswith(".sources")
    }
    assert served == {name: data for name, data in files_of(folder).items() if not name.endswith(".sources")}
    actions = maintainer.client.get("/artifacts/audit/logs", params={"action": "EXPORT"}).text
    assert suite in actions


def test_snapshots_environments_and_other_suites_share_a_folder_and_its_packages(
    tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite, other = new_suite("deb", valid_days=7, contents=False), new_suite("deb", contents=False)
    for one in (suite, other):
        maintainer.push(build_deb("y-tool", "1.0"), one)
    maintainer.client.post("/snapshots", json={"distribution": suite, "name": "golden"}).raise_for_status()
    maintainer.push(build_deb("y-tool", "2.0"), suite)
    folder = tmp_path / "www"
    assert export(server, f"{suite}@golden", str(folder))["packages"] == 1
    assert export(server, other, str(folder))["packages"] == 1
    root = (folder / f"dists/{suite}/InRelease").read_text()
    assert "Valid-Until" not in root, "a snapshot does not expire"
    with FolderServer(folder) as web:
        apt = AptRoot(tmp_path / "machine")
        key = apt.key_file((folder / "key.asc").read_bytes())
        apt.add_line(f"deb [signed-by={key}] {web.url} {suite} main")
        apt.update().checked()
        assert apt.versions("y-tool") == ["1.0"]
        maintainer.remove("y-tool", "1.0", suite)
        export(server, suite, str(folder), "--delete-after", "0")
        assert sorted(path.name for path in folder.rglob("*.deb")) == ["y-tool_1.0_all.deb", "y-tool_2.0_all.deb"]
        apt.update().checked()
        assert apt.versions("y-tool") == ["2.0"]
        export(server, f"{suite}@golden", str(folder))
        fresh = AptRoot(tmp_path / "fresh")  # the other one keeps the newer state that it has seen
        fresh.add_line(f"deb [signed-by={key}] {web.url} {suite} main")
        fresh.update().checked()
        assert fresh.versions("y-tool") == ["1.0"]


def test_a_run_that_was_cut_off_is_begun_again_and_leaves_nothing_unknown(
    tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("deb", contents=False)
    for number in range(4):
        maintainer.push(build_deb(f"z-{number}", "1.0"), suite)
    folder = tmp_path / "www"
    export(server, suite, str(folder))
    whole = files_of(folder)
    packages = sorted(folder.rglob("*.deb"))
    packages[0].unlink()
    packages[1].unlink()
    shutil.copy(packages[2], packages[1])  # a file of its own, and of another size than the package
    packages[1].write_bytes(b"half")
    (folder / ".entrepot/stage/file").write_bytes(b"half")
    (folder / f"dists/{suite}/InRelease").write_bytes(b"old")
    export(server, suite, str(folder))
    assert files_of(folder) == whole
    assert not list((folder / ".entrepot/stage").iterdir())


def test_folders_of_others_are_left_alone(
    tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("deb", contents=False)
    maintainer.push(build_deb("w-tool", "1.0"), suite)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter").write_text("dear")
    refused = run(server, suite, str(tmp_path / "mine"))
    assert refused.returncode == 2
    assert "is not empty" in refused.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]
    assert run(server, f"{suite}@nothing", str(tmp_path / "x")).returncode == 5
    assert not (tmp_path / "x").exists()


@NEEDS_DNF
def test_dnf_installs_from_an_exported_folder(
    tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("rpm")
    maintainer.push(build_rpm("x-rpm", "1.0"), suite)
    maintainer.push(build_rpm("x-arch", "1.0", architecture="x86_64"), suite)
    folder = tmp_path / "www"
    folder.mkdir()
    with FolderServer(folder) as web:
        export(server, suite, str(folder), "--site", web.url)
        dnf = DnfRoot(tmp_path / "machine")
        dnf.add_repo((folder / f"{suite}.repo").read_text())
        dnf.install("x-rpm", "x-arch").checked()
        assert dnf.installed() == {"x-rpm": "1.0-1", "x-arch": "1.0-1"}
        maintainer.push(build_rpm("x-rpm", "2.0"), suite)
        maintainer.remove("x-rpm", "1.0-1", suite)
        assert export(server, suite, str(folder), "--site", web.url)["waiting"] > 0
        dnf.upgrade().checked()
        assert dnf.installed() == {"x-rpm": "2.0-1", "x-arch": "1.0-1"}
    served = functools.partial(maintainer.client.get)
    for name, data in files_of(folder).items():
        if name.startswith(f"{suite}/"):
            assert served(f"/rpm/main/{name}").content == data, name
