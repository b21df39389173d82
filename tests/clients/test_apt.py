"""The stock apt against the real server, signatures and dates checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from entrepot.testing.clients import AptRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb

_MISSING = missing_programs("apt-get", "apt-cache", "dpkg")
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(bool(_MISSING), reason=f"APT IS NOT INSTALLED HERE ({', '.join(_MISSING)})"),
]

NewSuite = Callable[..., str]


def apt_root(
    folder: Path, maintainer: Maintainer, *codenames: str, architectures: tuple[str, ...] = ("amd64",)
) -> AptRoot:
    """A machine that is set up with nothing but the files as served."""
    apt = AptRoot(folder, architectures=architectures)
    for codename in codenames:
        apt.add_source(maintainer.sources(codename), codename)
    return apt


def content(apt: AptRoot, name: str) -> str:
    return (apt.folder / f"usr/share/doc/{name}/hello").read_text()


def test_the_served_sources_file_is_all_a_machine_needs(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    maintainer.push(build_deb("lib-greeting", files={"usr/share/doc/lib-greeting/hello": b"hello, world\n"}), suite)
    maintainer.push(build_deb("greeter", "2.1-3", "amd64", depends="lib-greeting (>= 1.0)"), suite)
    apt = apt_root(tmp_path, maintainer, suite)
    update = apt.update().checked()
    assert "W:" not in update.output
    apt.install("greeter").checked()
    assert apt.installed() == {"greeter": "2.1-3", "lib-greeting": "1.0"}
    assert content(apt, "lib-greeting") == "hello, world\n"
    assert content(apt, "greeter") == "hello from greeter\n"


def test_an_empty_distribution_updates(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite()
    assert "W:" not in apt_root(tmp_path, maintainer, suite).update().checked().output


def test_each_architecture_sees_its_own_and_those_for_all(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite(architectures=["amd64", "arm64", "riscv64"])
    for architecture in ("amd64", "arm64", "all"):
        maintainer.push(build_deb(f"for-{architecture}", architecture=architecture), suite)
    for architecture in ("amd64", "arm64"):
        apt = apt_root(tmp_path / architecture, maintainer, suite, architectures=(architecture,))
        apt.update().checked()
        names = apt.run("apt-cache", "pkgnames", "for-").checked().stdout.split()
        assert sorted(names) == ["for-all", f"for-{architecture}"]
        apt.install(*names).checked()
        assert apt.installed() == {"for-all": "1.0", f"for-{architecture}": "1.0"}
    lonely = apt_root(tmp_path / "riscv64", maintainer, suite, architectures=("riscv64",))
    lonely.update().checked()
    assert lonely.run("apt-cache", "pkgnames", "for-").checked().stdout.split() == ["for-all"]


def test_a_foreign_architecture_is_fetched_beside_the_native_one(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    packages = {each: build_deb("tool", architecture=each) for each in ("amd64", "arm64")}
    for package in packages.values():
        maintainer.push(package, suite)
    apt = apt_root(tmp_path, maintainer, suite, architectures=("amd64", "arm64"))
    apt.update().checked()
    for architecture, package in packages.items():
        [path] = apt.download(f"tool:{architecture}")
        assert path.read_bytes() == package


def test_several_versions_stand_beside_each_other(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite()
    for version in ("1.0", "1.10", "1.9"):
        files = {"usr/share/doc/tool/hello": f"this is {version}\n".encode()}
        maintainer.push(build_deb("tool", version, files=files), suite)
    apt = apt_root(tmp_path, maintainer, suite)
    apt.update().checked()
    assert apt.versions("tool") == ["1.10", "1.9", "1.0"]
    apt.install("tool=1.0").checked()
    assert content(apt, "tool") == "this is 1.0\n"
    apt.upgrade().checked()
    assert (apt.installed(), content(apt, "tool")) == ({"tool": "1.10"}, "this is 1.10\n")
    apt.install("tool=1.9").checked()
    assert (apt.installed(), content(apt, "tool")) == ({"tool": "1.9"}, "this is 1.9\n")
    apt.remove("tool").checked()
    assert apt.installed() == {}


def test_a_new_version_is_an_upgrade_at_the_next_update(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    apt = apt_root(tmp_path, maintainer, suite)
    for version in ("1.0", "1.1", "1:0.9"):
        maintainer.push(build_deb("upgraded", version), suite)
        apt.update().checked()
        apt.install("upgraded").checked() if version == "1.0" else apt.upgrade().checked()
        assert apt.installed() == {"upgraded": version}


def test_a_removed_package_is_gone_for_clients(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite()
    maintainer.push(build_deb("goes"), suite)
    for version in ("1.0", "2.0"):
        maintainer.push(build_deb("stays", version), suite)
    apt = apt_root(tmp_path, maintainer, suite)
    apt.update().checked()
    assert apt.candidate("goes") == "1.0"
    maintainer.remove("goes", distribution=suite)
    maintainer.remove("stays", "2.0", suite)
    apt.update().checked()
    assert apt.candidate("goes") is None
    assert apt.versions("stays") == ["1.0"]
    assert "Unable to locate package goes" in apt.install("goes").stderr


def test_a_client_with_the_lists_of_yesterday_still_downloads(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    maintainer.push(build_deb("goes"), suite)
    apt = apt_root(tmp_path, maintainer, suite)
    apt.update().checked()
    maintainer.remove("goes", distribution=suite)
    maintainer.push(build_deb("other"), suite)
    apt.install("goes").checked()
    assert apt.installed() == {"goes": "1.0"}


def test_versions_order_as_dpkg_orders_them(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite()
    newest_first = ["2:0.1", "1:1.0", "1:1.0~rc2", "1:1.0~rc1+b1", "1.0+dfsg-1", "1.0-1", "1.0~~", "0~0"]
    for version in sorted(newest_first):
        maintainer.push(build_deb("ordered", version), suite)
    apt = apt_root(tmp_path, maintainer, suite)
    apt.update().checked()
    assert apt.versions("ordered") == newest_first
    for version in newest_first:
        apt.install(f"ordered={version}").checked()
        assert apt.installed() == {"ordered": version}


def test_versions_that_differ_in_their_epoch_only_are_two_files(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    packages = {version: build_deb("twice", version) for version in ("1.0", "1:1.0", "2:1.0")}
    for package in packages.values():
        maintainer.push(package, suite)
    apt = apt_root(tmp_path, maintainer, suite)
    apt.update().checked()
    for version, package in packages.items():
        [path] = apt.download(f"twice={version}")
        assert path.read_bytes() == package
        path.unlink()


def test_distributions_share_a_package_and_differ_in_another(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    old, new = new_suite(), new_suite()
    for suite, version in ((old, "1.0"), (new, "2.0")):
        maintainer.push(build_deb("same"), suite)
        maintainer.push(build_deb("differs", version), suite)
    for suite, version in ((old, "1.0"), (new, "2.0")):
        apt = apt_root(tmp_path / suite, maintainer, suite)
        apt.update().checked()
        apt.install("same", "differs").checked()
        assert apt.installed() == {"same": "1.0", "differs": version}
    both = apt_root(tmp_path / "both", maintainer, old, new)
    both.update().checked()
    both.install(f"differs/{old}").checked()
    assert both.installed() == {"differs": "1.0"}
    maintainer.remove("same", distribution=old)
    both.update().checked()
    both.install("same").checked()


def test_promotion_makes_a_package_installable_in_the_target(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    testing, stable = new_suite(), new_suite()
    for version in ("1.9", "1.10"):
        maintainer.push(build_deb("promoted", version), testing)
    apt = apt_root(tmp_path, maintainer, stable)
    apt.update().checked()
    assert apt.candidate("promoted") is None
    assert maintainer.promote("promoted", testing, stable, "1.9")["version"] == "1.9"
    apt.update().checked()
    apt.install("promoted").checked()
    assert apt.installed() == {"promoted": "1.9"}
    assert maintainer.promote("promoted", testing, stable)["version"] == "1.10"
    apt.update().checked()
    apt.upgrade().checked()
    assert apt.installed() == {"promoted": "1.10"}


def test_components_may_have_slashes(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite(components=["main", "updates/main", "contrib/non-free/extra"])
    maintainer.push(build_deb("in-main"), suite)
    maintainer.push(build_deb("in-updates"), suite, "updates/main")
    maintainer.push(build_deb("in-extra"), suite, "contrib/non-free/extra")
    apt = apt_root(tmp_path / "all", maintainer, suite)
    apt.update().checked()
    apt.install("in-main", "in-updates", "in-extra").checked()
    assert set(apt.installed()) == {"in-main", "in-updates", "in-extra"}
    one = AptRoot(tmp_path / "one")
    lines = maintainer.sources(suite).split("\n")
    one.add_source("\n".join("Components: updates/main" if line.startswith("Components:") else line for line in lines))
    one.update().checked()
    assert one.candidate("in-updates") == "1.0"
    assert one.candidate("in-main") is None


def test_names_and_versions_with_every_legal_character(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    packages = {("libc++.1-dev", "1:2.0+git~20240101-1.1~bpo12+1"), ("0ad", "0.0.26"), ("lib3ds", "1.3.0a-b-c-1")}
    for name, version in packages:
        maintainer.push(build_deb(name, version), suite)
    apt = apt_root(tmp_path, maintainer, suite)
    apt.update().checked()
    apt.install(*(name for name, _ in packages)).checked()
    assert apt.installed() == dict(packages)


def test_distribution_fields_reach_apt(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite(origin="Example Org", label="Tools", suite="stable", version="12.5", not_automatic=True)
    maintainer.push(build_deb("shy"), suite)
    apt = apt_root(tmp_path, maintainer, suite)
    apt.update().checked()
    policy = apt.run("apt-cache", "policy").checked().stdout
    assert f"release v=12.5,o=Example Org,a=stable,n={suite},l=Tools,c=main,b=amd64" in policy
    assert "1 http://" in policy, "what is not automatic has priority 1"


def test_one_machine_uses_two_archives_with_keys_of_their_own(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    other = maintainer.create(f"team-{suite}/{suite}")
    maintainer.push(build_deb("two-archives", "1.0"), suite)
    maintainer.push(build_deb("two-archives", "2.0"), other)
    apt = apt_root(tmp_path, maintainer, suite)
    apt.add_source(maintainer.file(f"/apt/{other}.sources").decode(), "other")
    apt.update().checked()
    assert apt.versions("two-archives") == ["2.0", "1.0"]
    assert maintainer.file(f"/apt/team-{suite}/key.asc") != maintainer.file("/apt/main/key.asc")
