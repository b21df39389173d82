"""Machines on a mirror that was written as a plain tree: under the upstream's own signature, at its own addresses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.mirroring import MirrorScene, mirror_scene
from entrepot.testing.packages import build_deb, build_rpm

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(bool(missing_programs("gpg", "apt-ftparchive")), reason="gpg OR apt-ftparchive IS MISSING"),
    pytest.mark.skipif(os.geteuid() != 0, reason="CLIENTS INSTALL INTO A ROOT AS root ONLY"),
]
NEEDS_DNF = pytest.mark.skipif(bool(missing_programs("dnf", "rpm")), reason="DNF IS NOT INSTALLED HERE")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorScene]:
    with mirror_scene(tmp_path_factory.mktemp("exported-mirrors")) as made:
        yield made


def export(scene: MirrorScene, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ENTREPOT_")}
    command = [sys.executable, "-m", "entrepot", "export", *arguments, "--data", str(scene.server.data), "--json"]
    return subprocess.run(command, env=kept, capture_output=True, text=True, check=False)


def exported(scene: MirrorScene, *arguments: str) -> dict[str, Any]:
    done = export(scene, *arguments)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def debs(version: str) -> dict[str, bytes]:
    names = ("e-app", "e-lib")
    return {f"{name}_{version}_amd64.deb": build_deb(name, version, architecture="amd64") for name in names}


def test_apt_installs_from_the_tree_of_a_mirror_with_the_upstreams_key(tmp_path: Path, scene: MirrorScene) -> None:
    upstream = scene.publish_apt("debian", debs("1.0"))
    assert scene.mirror("debian")["status"] == "done"
    folder = tmp_path / "www"
    with FolderServer(folder) as web:
        done = exported(scene, "debian/stable", str(folder), "--site", web.url)
        assert (done["packages"], done["removed"]) == (2, 0)
        for name in ("InRelease", "Release", "Release.gpg", "main/binary-amd64/Packages"):
            assert (folder / "dists/stable" / name).read_bytes() == (upstream / name).read_bytes()
        [path] = folder.glob("pool/**/e-app_1.0_amd64.deb")
        assert path.stat().st_nlink > 1, "a second name, not a copy"
        apt = AptRoot(tmp_path / "machine")
        apt.add_source((folder / "stable.sources").read_text())
        apt.update().checked()
        apt.install("e-app").checked()
        assert apt.installed() == {"e-app": "1.0"}

        again = exported(scene, "debian/stable", str(folder), "--site", web.url)
        assert (again["linked"], again["written"], again["removed"]) == (0, 0, 0)

        scene.publish_apt("debian", debs("2.0"), minutes=5)
        assert scene.run("debian")["status"] == "done"
        exported(scene, "debian/stable", str(folder), "--site", web.url)
        apt.update().checked()
        apt.install("e-app").checked()
        assert apt.installed() == {"e-app": "2.0"}


@NEEDS_DNF
def test_dnf_installs_from_the_tree_of_a_mirror(tmp_path: Path, scene: MirrorScene) -> None:
    repomd = scene.publish_rpm("el9", {"e-rpm-1.0-1.noarch.rpm": build_rpm("e-rpm", "1.0")})
    assert scene.mirror("el9", "rpm")["status"] == "done"
    [row] = [one for one in scene.client.mirrors.all()["mirrors"] if one["name"] == "el9"]
    folder = tmp_path / "www"
    with FolderServer(folder) as web:
        exported(scene, row["distribution"], str(folder), "--site", web.url)
        [file] = folder.glob("*.repo")
        [copy] = folder.glob("*/repodata/repomd.xml")
        assert copy.read_bytes() == repomd.read_bytes()
        dnf = DnfRoot(tmp_path / "machine")
        dnf.add_repo(file.read_text(), "mirror")
        dnf.makecache().checked()
        dnf.install("e-rpm").checked()
        assert dnf.installed() == {"e-rpm": "1.0-1"}


def test_what_was_not_fetched_yet_is_named(tmp_path: Path, scene: MirrorScene) -> None:
    scene.publish_apt("later", {"e-late_1.0_amd64.deb": build_deb("e-late", "1.0", architecture="amd64")})
    assert scene.mirror("later", download_policy="on_demand")["status"] == "done"
    folder = tmp_path / "www"
    done = export(scene, "later/stable", str(folder))
    assert done.returncode == 4
    assert "entrepot mirror change later --immediate" in done.stderr
    assert not folder.exists(), "nothing was written"
