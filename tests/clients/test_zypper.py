"""The stock zypper against the real server, with the signature of the metadata checked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from entrepot.testing.clients import ZypperRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_rpm

_MISSING = missing_programs("zypper", "rpm")
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(bool(_MISSING), reason=f"ZYPPER IS NOT INSTALLED HERE ({', '.join(_MISSING)})"),
    pytest.mark.skipif(os.geteuid() != 0, reason="ZYPPER INSTALLS INTO A ROOT AS root ONLY"),
]

NewSuite = Callable[..., str]


def zypper_root(folder: Path, maintainer: Maintainer, suite: str) -> ZypperRoot:
    """A machine whose administrator trusts the archive's key and took the file as served."""
    zypper = ZypperRoot(folder)
    zypper.trust(maintainer.file("/rpm/main/key.asc")).checked()
    zypper.add_repo(maintainer.repo(suite), suite)
    return zypper


def test_refresh_install_upgrade_downgrade_and_remove(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("rpm")
    maintainer.push(build_rpm("z-base"), suite)
    for version in ("1.0", "1.9", "1.10"):
        files = {"usr/share/doc/z-tool/hello": f"this is {version}\n".encode()}
        package = build_rpm("z-tool", version, "1", "x86_64", files=files, requires=["z-base"])
        maintainer.push(package, suite)
    zypper = zypper_root(tmp_path, maintainer, suite)
    zypper.refresh().checked()
    assert zypper.available() == ["z-base 1.0-1 noarch", *(f"z-tool {v}-1 x86_64" for v in ("1.0", "1.10", "1.9"))]
    zypper.install("z-tool=1.0").checked()
    assert zypper.installed() == {"z-tool": "1.0-1", "z-base": "1.0-1"}
    zypper.zypper("update").checked()
    assert zypper.installed()["z-tool"] == "1.10-1"
    zypper.install("z-tool=1.9").checked()
    assert (zypper.root / "usr/share/doc/z-tool/hello").read_text() == "this is 1.9\n"
    zypper.remove("z-tool").checked()
    assert zypper.installed() == {"z-base": "1.0-1"}


def test_names_and_versions_with_every_legal_character(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("rpm")
    names = ["z-libstdc++", "z_under.dot"]
    for name in names:
        maintainer.push(build_rpm(name, "1.0+git^2~x", "0.1.el9_2"), suite)
    zypper = zypper_root(tmp_path, maintainer, suite)
    zypper.refresh().checked()
    zypper.install(*names).checked()
    assert zypper.installed() == dict.fromkeys(names, "1.0+git^2~x-0.1.el9_2")


def test_the_key_named_in_the_repo_file_can_be_imported_on_the_way(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("rpm")
    maintainer.push(build_rpm("z-first"), suite)
    zypper = ZypperRoot(tmp_path)
    zypper.add_repo(maintainer.repo(suite))
    refused = zypper.refresh()
    assert not refused.ok
    assert "Signature verification failed for repomd.xml" in refused.output
    zypper.zypper("--gpg-auto-import-keys", "refresh").checked()
    zypper.install("z-first").checked()
    assert zypper.installed() == {"z-first": "1.0-1"}


def test_another_key_is_refused(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("rpm")
    maintainer.create(f"z-stranger-{suite}/{suite}", "rpm")
    zypper = ZypperRoot(tmp_path)
    zypper.trust(maintainer.file(f"/rpm/z-stranger-{suite}/key.asc")).checked()
    zypper.add_repo(maintainer.repo(suite).replace("/rpm/main/key.asc", f"/rpm/z-stranger-{suite}/key.asc"))
    assert not zypper.refresh().ok


def test_changes_are_seen_at_the_next_refresh(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("rpm")
    zypper = zypper_root(tmp_path, maintainer, suite)
    zypper.refresh().checked()
    assert zypper.available() == []
    maintainer.push(build_rpm("z-goes", "1.0~rc1", epoch=1), suite)
    zypper.zypper("refresh").checked()
    assert zypper.available() == ["z-goes 1:1.0~rc1-1 noarch"]
    maintainer.remove("z-goes", distribution=suite)
    zypper.zypper("refresh").checked()
    assert zypper.available() == []
