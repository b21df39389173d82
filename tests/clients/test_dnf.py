"""The stock dnf against the real server, with the signature of the metadata checked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from entrepot.testing.clients import DnfRoot, FolderServer, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_rpm

_MISSING = missing_programs("dnf", "rpm")
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(bool(_MISSING), reason=f"DNF IS NOT INSTALLED HERE ({', '.join(_MISSING)})"),
    pytest.mark.skipif(os.geteuid() != 0, reason="DNF INSTALLS INTO A ROOT AS root ONLY"),
]

NewSuite = Callable[..., str]


def dnf_root(folder: Path, maintainer: Maintainer, *codenames: str, architecture: str = "x86_64") -> DnfRoot:
    """A machine that is set up with nothing but the files as served."""
    dnf = DnfRoot(folder, architecture=architecture)
    for codename in codenames:
        dnf.add_repo(maintainer.repo(codename), codename)
    return dnf


def content(dnf: DnfRoot, name: str) -> str:
    return (dnf.root / f"usr/share/doc/{name}/hello").read_text()


def test_the_served_repo_file_is_all_a_machine_needs(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("rpm")
    maintainer.push(build_rpm("r-base", files={"usr/share/doc/r-base/hello": b"hello, world\n"}), suite)
    maintainer.push(build_rpm("r-greeter", "2.1", "3", "x86_64", requires=["r-base >= 1.0"]), suite)
    dnf = dnf_root(tmp_path, maintainer, suite)
    assert "repo_gpgcheck=1" in maintainer.repo(suite)
    dnf.makecache().checked()
    dnf.install("r-greeter").checked()
    assert dnf.installed() == {"r-greeter": "2.1-3", "r-base": "1.0-1"}
    assert content(dnf, "r-base") == "hello, world\n"
    dnf.remove("r-greeter", "r-base").checked()
    assert dnf.installed() == {}


def test_an_empty_distribution_makes_a_cache(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    dnf = dnf_root(tmp_path, maintainer, new_suite("rpm"))
    dnf.makecache().checked()
    assert dnf.available() == []


def test_each_architecture_sees_its_own_and_noarch(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("rpm")
    for architecture in ("x86_64", "aarch64", "noarch"):
        maintainer.push(build_rpm(f"r-for-{architecture}", architecture=architecture), suite)
    for architecture in ("x86_64", "aarch64"):
        dnf = dnf_root(tmp_path / architecture, maintainer, suite, architecture=architecture)
        assert dnf.available() == sorted(f"r-for-{each}-0:1.0-1.{each}" for each in ("noarch", architecture))
        dnf.install("r-for-noarch", f"r-for-{architecture}").checked()
        assert set(dnf.installed()) == {"r-for-noarch", f"r-for-{architecture}"}


def test_versions_install_upgrade_and_downgrade(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("rpm")
    for version in ("1.0", "1.10", "1.9"):
        files = {"usr/share/doc/r-multi/hello": f"this is {version}\n".encode()}
        maintainer.push(build_rpm("r-multi", version, files=files), suite)
    dnf = dnf_root(tmp_path, maintainer, suite)
    assert len(dnf.available()) == 3
    dnf.install("r-multi-1.0").checked()
    assert content(dnf, "r-multi") == "this is 1.0\n"
    dnf.upgrade("r-multi").checked()
    assert (dnf.installed(), content(dnf, "r-multi")) == ({"r-multi": "1.10-1"}, "this is 1.10\n")
    dnf.downgrade("r-multi-1.9").checked()
    assert (dnf.installed(), content(dnf, "r-multi")) == ({"r-multi": "1.9-1"}, "this is 1.9\n")


def test_epochs_tildes_and_carets_order_as_rpm_orders_them(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("rpm")
    dnf = dnf_root(tmp_path, maintainer, suite)
    steps = [("1.0~rc1", "1", 0), ("1.0", "1", 0), ("1.0^git1", "1", 0), ("1.0.1", "1", 0), ("1.0", "1", 2)]
    for version, release, epoch in steps:
        options = {"epoch": epoch} if epoch else {}
        maintainer.push(build_rpm("r-ordered", version, release, **options), suite)  # type: ignore[arg-type]
        dnf.install("r-ordered").checked() if not dnf.installed() else dnf.upgrade().checked()
        shown = f"{epoch}:{version}-{release}" if epoch else f"{version}-{release}"
        assert dnf.installed() == {"r-ordered": shown}
    assert len(dnf.available()) == len(steps), "two that differ in their epoch only are two files"


def test_a_removed_package_is_gone_for_clients(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("rpm")
    maintainer.push(build_rpm("r-goes"), suite)
    for version in ("1.0", "2.0"):
        maintainer.push(build_rpm("r-stays", version), suite)
    dnf = dnf_root(tmp_path, maintainer, suite)
    assert len(dnf.available()) == 3
    maintainer.remove("r-goes", distribution=suite)
    maintainer.remove("r-stays", "2.0-1", suite)
    dnf.makecache().checked()
    assert dnf.available() == ["r-stays-0:1.0-1.noarch"]
    assert "No match for argument" in dnf.install("r-goes").output


def test_a_client_with_the_metadata_of_yesterday_still_installs(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite("rpm")
    maintainer.push(build_rpm("r-late"), suite)
    dnf = dnf_root(tmp_path, maintainer, suite)
    dnf.makecache().checked()
    maintainer.remove("r-late", distribution=suite)
    dnf.dnf("--cacheonly", "repoquery", "r-late").checked()
    dnf.dnf("install", "r-late").checked()
    assert dnf.installed() == {"r-late": "1.0-1"}


def test_promotion_and_the_same_package_in_two_distributions(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    testing, stable = new_suite("rpm"), new_suite("rpm")
    shared = build_rpm("r-shared")
    for suite in (testing, stable):
        maintainer.push(shared, suite)
    maintainer.push(build_rpm("r-promoted", "1.9"), testing)
    maintainer.push(build_rpm("r-promoted", "1.10"), testing)
    dnf = dnf_root(tmp_path, maintainer, stable)
    assert dnf.available() == ["r-shared-0:1.0-1.noarch"]
    assert maintainer.promote("r-promoted", testing, stable)["version"] == "1.10-1"
    dnf.install("r-promoted", "r-shared").checked()
    assert dnf.installed() == {"r-promoted": "1.10-1", "r-shared": "1.0-1"}


def test_names_with_every_legal_character(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("rpm")
    names = ["r-libstdc++", "r_under.dot", "R-Upper"]
    for name in names:
        maintainer.push(build_rpm(name, "1.0+git^2~x", "0.1.el9_2"), suite)
    dnf = dnf_root(tmp_path, maintainer, suite)
    dnf.install(*names).checked()
    assert dnf.installed() == dict.fromkeys(names, "1.0+git^2~x-0.1.el9_2")


def test_another_key_is_refused(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("rpm")
    maintainer.create(f"r-stranger-{suite}/{suite}", "rpm")
    dnf = DnfRoot(tmp_path)
    repo = maintainer.repo(suite)
    dnf.add_repo(repo.replace("/rpm/main/key.asc", f"/rpm/r-stranger-{suite}/key.asc"))
    makecache = dnf.makecache()
    assert not makecache.ok
    assert "GPG" in makecache.output


def test_changed_metadata_and_packages_are_refused(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite("rpm")
    pushed = maintainer.push(build_rpm("r-mirrored"), suite)
    folder = tmp_path / "mirror"
    base = f"/rpm/main/{suite}/x86_64"
    repomd = maintainer.file(f"{base}/repodata/repomd.xml")
    names = [part.split(b'"')[0].decode() for part in repomd.split(b'location href="')[1:]]
    names += ["repodata/repomd.xml", "repodata/repomd.xml.asc", f"Packages/r/{pushed['filename']}"]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(maintainer.file(f"{base}/{name}"))
    with FolderServer(folder) as http:
        served = maintainer.repo(suite)
        baseurl = next(line for line in served.split("\n") if line.startswith("baseurl="))
        dnf = DnfRoot(tmp_path / "dnf")
        dnf.add_repo(served.replace(baseurl, f"baseurl={http.url}/"))
        dnf.makecache().checked()
        package = folder / f"Packages/r/{pushed['filename']}"
        data = package.read_bytes()
        package.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        assert not dnf.install("r-mirrored").ok
        assert dnf.installed() == {}
        (folder / "repodata/repomd.xml").write_bytes(repomd.replace(b"<revision>", b"<revision>1"))
        changed = dnf.makecache()
        assert not changed.ok
        assert "GPG" in changed.output
