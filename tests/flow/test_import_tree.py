"""Trees that reprepro and createrepo have made are taken over, whole or with a reason."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.flow.test_cli import Terminal

from entrepot.testing.clients import missing_programs
from entrepot.testing.gnupg import gnupg
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.repositories import write_rpm_repository
from entrepot.testing.server import Server, running_server

NEEDS_REPREPRO = pytest.mark.skipif(bool(missing_programs("reprepro", "gpg")), reason="REPREPRO IS NOT INSTALLED HERE")
NEEDS_CREATEREPO = pytest.mark.skipif(bool(missing_programs("createrepo_c")), reason="CREATEREPO IS NOT INSTALLED HERE")
CONFIGURATION = "Codename: old\nComponents: main\nArchitectures: amd64\nDescription: x\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, server: Server) -> Terminal:
    terminal = Terminal(tmp_path / "home", server.url)
    terminal.run("login", server.url, "-u", server.admin, "--password-stdin", typed=server.password)
    return terminal


@NEEDS_REPREPRO
def test_a_tree_of_reprepro_is_taken_over_and_goes_on_where_it_was(
    tmp_path: Path, server: Server, shell: Terminal
) -> None:
    tree = tmp_path / "tree"
    (tree / "conf").mkdir(parents=True)
    (tree / "conf/distributions").write_text(CONFIGURATION)
    for name in ("r-one", "r-two"):
        path = tmp_path / f"{name}_1.0_amd64.deb"
        path.write_bytes(build_deb(name, "1.0", "amd64"))
        command = ["reprepro", "-b", str(tree), "-S", "misc", "-P", "optional", "includedeb", "old", str(path)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "HOME": str(tmp_path)})
    release = tree / "dists/old/Release"
    with gnupg(tmp_path / "gnupg") as gpg:
        gpg.key("Old Archive")
        key, other = tmp_path / "key.gpg", tmp_path / "other.gpg"
        key.write_bytes(gpg.certificate("Old Archive"))
        gpg.key("Somebody Else")
        other.write_bytes(gpg.certificate("Somebody Else"))
        release.with_name("InRelease").write_bytes(gpg.clearsign("Old Archive", release.read_bytes()))
    shell.run("import-tree", str(tree), "--to", "bookworm", code=2)
    shell.run("import-tree", str(tree), "--to", "bookworm", "--keyring", str(other), code=3)
    one = tree / "pool/main/r/r-one/r-one_1.0_amd64.deb"
    whole = one.read_bytes()
    one.write_bytes(whole[:-1] + b"\0")
    shown = shell.run("import-tree", str(tree), "--to", "bookworm", "--keyring", str(key), code=3)
    assert "r-two" in shown
    assert "r-one" not in shown, "its bytes are not the ones that the index lists"
    one.write_bytes(whole)
    shown = shell.run("import-tree", str(tree), "--to", "bookworm", "--keyring", str(key))
    assert "r-one" in shown
    assert "r-two" not in shown, "it is there"
    with server.client() as client:
        for path in tree.rglob("*.deb"):
            answer = client.get(f"/apt/main/{path.relative_to(tree)}")
            assert answer.content == path.read_bytes(), "the same bytes at the same address"


@NEEDS_CREATEREPO
def test_a_tree_of_createrepo_is_taken_over_unsigned_when_that_is_said(
    tmp_path: Path, server: Server, shell: Terminal
) -> None:
    tree = tmp_path / "tree"
    rpm = build_rpm("c-one", "1.0")
    write_rpm_repository(tree, {"c-one-1.0-1.noarch.rpm": rpm})
    shown = shell.run("import-tree", str(tree), "--to", "almalinux9", "--unsigned")
    assert "c-one" in shown
    with server.client() as client:
        assert client.get("/rpm/main/almalinux9/x86_64/Packages/c/c-one-1.0-1.noarch.rpm").content == rpm


@pytest.mark.skipif(bool(missing_programs("aptly")), reason="APTLY IS NOT INSTALLED HERE")
def test_a_tree_of_aptly_is_taken_over(tmp_path: Path, server: Server, shell: Terminal) -> None:
    (tmp_path / "a-one_1.0_amd64.deb").write_bytes(build_deb("a-one", "1.0", "amd64"))
    (tmp_path / "aptly.conf").write_text(f'{{"rootDir": "{tmp_path}/aptly"}}')
    for command in (
        "repo create old",
        f"repo add old {tmp_path}/a-one_1.0_amd64.deb",
        "publish repo -skip-signing -distribution=old -architectures=amd64 old",
    ):
        words = ["aptly", f"-config={tmp_path}/aptly.conf", *command.split()]
        subprocess.run(words, check=True, capture_output=True)
    tree = tmp_path / "aptly/public"
    assert "a-one" in shell.run("import-tree", str(tree), "--to", "bookworm", "--unsigned")
    (path,) = tree.rglob("*.deb")
    with server.client() as client:
        assert client.get(f"/apt/main/{path.relative_to(tree)}").content == path.read_bytes()
