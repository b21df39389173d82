"""Folders that debmirror, apt-mirror and reposync have filled become mirrors; nothing is fetched a second time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot.testing.clients import missing_programs, run
from entrepot.testing.mirroring import MirrorScene, mirror_scene
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.repositories import write_rpm_repository

pytestmark = [
    pytest.mark.clients,
    pytest.mark.xdist_group("tree_mirrors"),
    pytest.mark.skipif(bool(missing_programs("gpg", "reprepro")), reason="gpg OR reprepro IS MISSING"),
]
NAMES = ("t-one", "t-two", "t-three")


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = missing_programs(*programs)
    return pytest.mark.skipif(bool(missing), reason=f"{' '.join(missing).upper()} IS NOT INSTALLED")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorScene]:
    with mirror_scene(tmp_path_factory.mktemp("tree-mirrors")) as made:
        yield made


@pytest.fixture(scope="module")
def upstream(scene: MirrorScene) -> Path:
    """What reprepro has made."""
    tree = scene.folder / "debian"
    (tree / "conf").mkdir(parents=True)
    (tree / "conf/distributions").write_text(
        "Codename: stable\nSuite: stable\nComponents: main\nArchitectures: amd64\n"
        f"SignWith: {scene.gpg.fingerprint('upstream')}\n"
    )
    for name in NAMES:
        (tree / f"{name}.deb").write_bytes(build_deb(name, "1.0", architecture="amd64"))
    command = ["reprepro", "-b", str(tree), "-S", "misc", "-P", "optional", "includedeb", "stable"]
    environment = {"GNUPGHOME": str(scene.gpg.home)}
    run([*command, *(str(tree / f"{name}.deb") for name in NAMES)], folder=tree, environment=environment).checked()
    return tree


def fill(scene: MirrorScene, mirror: str, folder: Path, code: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "entrepot", "fill-mirror", mirror, str(folder), "--json"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ENTREPOT_")}
    done = subprocess.run(
        [*command, "--data", str(scene.server.data)], env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return dict(json.loads(done.stdout)) if code == 0 else {}


def check_mirror(scene: MirrorScene, name: str, tree: Path, top: str) -> None:
    """Every file is at the address that it had, and a run over the network fetches none of them."""
    roots = ("Release", "repomd.xml")
    for path in [path for path in tree.rglob("*") if path.is_file() and ".temp" not in path.parts]:
        if path.suffix in (".deb", ".rpm") or path.name in roots:
            answer = scene.get(f"{top}/{path.relative_to(tree)}")
            assert hashlib.sha256(answer.content).digest() == hashlib.sha256(path.read_bytes()).digest(), path
    before = len(scene.upstream.requests)
    assert scene.run(name)["status"] == "done"
    fetched = [line for line in scene.upstream.requests[before:] if ".deb" in line or ".rpm" in line]
    assert fetched == []


def add(scene: MirrorScene, name: str, **source: Any) -> None:
    (scene.folder / name).symlink_to(scene.folder / "debian")  # a source of its own
    url = f"{scene.upstream.url}/{name}"
    scene.client.sources.add(name, "apt", url, gpg_key=scene.key, distribution="stable", **source)
    scene.client.mirrors.add(name, name, every_hours=0)


@needs("debmirror")
def test_a_tree_of_debmirror(tmp_path: Path, scene: MirrorScene, upstream: Path) -> None:
    keyring = tmp_path / "keys.gpg"
    keyring.write_bytes(scene.gpg.certificate("upstream"))
    tree, host = tmp_path / "tree", scene.upstream.url.partition("//")[2]
    command = ["debmirror", str(tree), "--method=http", f"--host={host}", "--root=debian", "--dist=stable"]
    command += ["--section=main", "--arch=amd64", "--nosource", "--rsync-extra=none", "--diff=none"]
    run([*command, f"--keyring={keyring}"], folder=tmp_path).checked()
    add(scene, "by-debmirror")
    spoiled = tmp_path / "spoiled"
    shutil.copytree(tree, spoiled)
    one = next(spoiled.rglob("t-one*.deb"))
    one.write_bytes(one.read_bytes()[:-1] + b"\0")
    fill(scene, "by-debmirror", spoiled, code=3)
    assert scene.get("/apt/by-debmirror/dists/stable/Release").status_code == 404, "nothing is shown of it"
    assert fill(scene, "by-debmirror", tree)["files"] == len(NAMES)
    for name in ("InRelease", "Release.gpg"):
        theirs = (upstream / "dists/stable" / name).read_bytes()
        assert scene.get(f"/apt/by-debmirror/dists/stable/{name}").content == theirs
    check_mirror(scene, "by-debmirror", tree, "/apt/by-debmirror")


@needs("apt-mirror")
def test_a_tree_of_apt_mirror(tmp_path: Path, scene: MirrorScene, upstream: Path) -> None:
    for name in ("mirror", "skel", "var"):
        (tmp_path / name).mkdir()
    place = scene.upstream.url.partition("//")[2]
    for name in ("mirror", "skel"):  # it forgets the port, and wget does not
        (tmp_path / name / place).mkdir()
        (tmp_path / name / "127.0.0.1").symlink_to(place)
    (tmp_path / "mirror.list").write_text(
        f"set base_path {tmp_path}\nset run_postmirror 0\nset nthreads 2\nset _tilde 0\n"
        f"deb [arch=amd64] {scene.upstream.url}/debian stable main\n"
    )
    run(("apt-mirror", str(tmp_path / "mirror.list")), folder=tmp_path).checked()
    tree = tmp_path / "mirror" / place / "debian"
    assert (upstream / "dists/stable/Release").read_bytes() == (tree / "dists/stable/Release").read_bytes()
    add(scene, "by-apt-mirror")
    assert fill(scene, "by-apt-mirror", tree)["files"] == len(NAMES)
    check_mirror(scene, "by-apt-mirror", tree, "/apt/by-apt-mirror")


@needs("createrepo_c")
def test_a_tree_of_createrepo_with_its_own_places(tmp_path: Path, scene: MirrorScene) -> None:
    tree = scene.folder / "rpms"
    packages = {f"deep/er/{name}-1.0-1.noarch.rpm": build_rpm(name, "1.0") for name in NAMES}
    (tree / "deep/er").mkdir(parents=True)
    write_rpm_repository(tree, packages, lambda data: scene.gpg.detach("upstream", data, "--armor"))
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    scene.client.sources.add("rpms", "rpm", f"{scene.upstream.url}/rpms", gpg_key=scene.key, distribution="el9")
    scene.client.mirrors.add("rpms", "rpms", every_hours=0)
    assert fill(scene, "rpms", copy)["files"] == len(NAMES)
    check_mirror(scene, "rpms", copy, "/rpm/rpms/el9")


def test_what_cannot_be_filled_says_so(tmp_path: Path, scene: MirrorScene, upstream: Path) -> None:
    fill(scene, "absent", upstream, code=5)
    add(scene, "on-demand")
    scene.client.mirrors.change("on-demand", download_policy="on_demand")
    fill(scene, "on-demand", upstream, code=2)
    add(scene, "empty", components=["main"])
    fill(scene, "empty", tmp_path, code=3)
