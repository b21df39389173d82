"""States are carried to a server that no network reaches; apt and dnf install and upgrade from it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.flow.test_cli import Terminal

from entrepot.client.api import Client
from entrepot.client.errors import Conflict
from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.clients.result import run
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.gnupg import gnupg
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.repositories import sign_apt, write_apt_repository
from entrepot.testing.server import Server, running_server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.xdist_group("bundles"),
    pytest.mark.skipif(os.geteuid() != 0, reason="CLIENTS INSTALL INTO A ROOT AS root ONLY"),
    pytest.mark.skipif(bool(missing_programs("gpg", "gpgv", "tar", "sha256sum")), reason="gpg OR tar IS MISSING"),
]
NEEDS_DNF = pytest.mark.skipif(bool(missing_programs("dnf", "rpm")), reason="DNF IS NOT INSTALLED HERE")
NEEDS_FTPARCHIVE = pytest.mark.skipif(bool(missing_programs("apt-ftparchive")), reason="apt-ftparchive IS MISSING")


@dataclass(frozen=True, slots=True)
class Side:
    """A server with its maintainer and a shell."""

    server: Server
    maintainer: Maintainer
    shell: Terminal
    client: Client


@dataclass(frozen=True, slots=True)
class Gap:
    """Two servers that never speak with each other, and a folder that is carried."""

    online: Side
    offline: Side
    key: Path
    upstream: FolderServer
    folder: Path


@pytest.fixture(scope="module")
def gap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gap]:
    key, folder = tmp_path_factory.mktemp("keys") / "bundles.asc", tmp_path_factory.mktemp("upstream")
    with (
        FolderServer(folder) as upstream,
        running_server(
            tmp_path_factory.mktemp("online"), ENTREPOT_UPSTREAM_INSIDE=upstream.url.partition("//")[2]
        ) as one,
        running_server(tmp_path_factory.mktemp("offline"), ENTREPOT_BUNDLE_KEYRING=str(key)) as other,
        one.client() as first,
        other.client() as second,
        Client(one.url, one.token()) as client_one,
        Client(other.url, other.token()) as client_other,
    ):
        sides = []
        for server, session, client in ((one, first, client_one), (other, second, client_other)):
            shell = Terminal(tmp_path_factory.mktemp("home"), server.url)
            shell.run("login", server.url, "-u", server.admin, "--password-stdin", typed=server.password)
            sides.append(Side(server, Maintainer(session), shell, client))
        key.write_text(client_one.bundles.key())
        yield Gap(sides[0], sides[1], key, upstream, folder)


def made(gap: Gap, folder: Path, *arguments: str) -> tuple[dict[str, Any], list[Path]]:
    shown = json.loads(gap.online.shell.run("bundle", "create", *arguments, "--to", str(folder), "--json"))
    return shown, [Path(path) for path in shown["paths"]]


def taken(gap: Gap, paths: list[Path], *arguments: str, code: int = 0) -> dict[str, Any]:
    shown = gap.offline.shell.run("bundle", "import", *map(str, paths), *arguments, "--json", code=code)
    return dict(json.loads(shown)) if code == 0 else {}


def filled(seed: int, size: int = 60_000) -> dict[str, Any]:
    """So that a package has a size that counts."""
    return {"files": {f"usr/share/b-{seed}": Random(seed).randbytes(size)}}


def test_apt_installs_from_a_full_bundle_and_upgrades_from_an_increment(tmp_path: Path, gap: Gap) -> None:
    suite = gap.online.maintainer.create("carried", "deb")
    for number in range(12):
        gap.online.maintainer.push(build_deb(f"b-still{number}", "1.0", **filled(number)), suite)
    gap.online.maintainer.push(build_deb("b-app", "1.0", **filled(100)), suite)
    gap.online.maintainer.push(build_deb("b-gone", "1.0"), suite)
    full, paths = made(gap, tmp_path, suite)
    assert full["number"] == 0
    gap.online.shell.run("bundle", "verify", str(paths[0]), "--key", str(gap.key))
    gap.offline.shell.run("bundle", "import", str(paths[0]), code=2)  # there is no such distribution yet
    done = taken(gap, paths, "--create")
    assert (done["published"], done["removed"], done["not_taken"]) == (14, 0, [])

    gap.offline.maintainer.push(build_deb("b-own", "1.0"), suite)
    apt = AptRoot(tmp_path / "machine")
    apt.add_source(gap.offline.maintainer.sources(suite), suite)
    apt.update().checked()
    apt.install("b-app", "b-gone", "b-still3").checked()

    gap.online.maintainer.push(build_deb("b-app", "2.0", **filled(200)), suite)
    gap.online.maintainer.push(build_deb("b-new", "1.0"), suite)
    gap.online.maintainer.remove("b-gone", "1.0", suite)
    gap.online.maintainer.remove("b-app", "1.0", suite)
    increment, more = made(gap, tmp_path, suite, "--since", "latest")
    assert (increment["number"], increment["base"], increment["files"]) == (1, full["id"], 2)
    assert more[0].stat().st_size * 5 < paths[0].stat().st_size, "it has the size of the change"
    done = taken(gap, more)
    assert (done["published"], done["removed"], done["skipped"]) == (2, 2, 12)
    apt.update().checked()
    apt.upgrade().checked()
    assert apt.installed()["b-app"] == "2.0"
    assert apt.versions("b-gone") == [], "what left there left here"
    assert apt.versions("b-own") == ["1.0"], "what is of this server stays"
    apt.install("b-new").checked()

    # The same file at the same address, and nothing is taken twice.
    (row,) = [one for one in gap.offline.client.bundles.all()["items"] if one["id"] == increment["id"]]
    assert row["status"] == "imported"
    again = taken(gap, more)
    assert (again.get("published", 0), again["removed"]) == (0, 0)
    with pytest.raises(Conflict, match="older"):
        gap.offline.client.bundles.take_in(full["id"])


def test_stock_tools_verify_a_bundle(tmp_path: Path, gap: Gap) -> None:
    suite = gap.online.maintainer.create("plain", "deb")
    package = build_deb("p-one", "1.0", **filled(1))
    gap.online.maintainer.push(package, suite)
    _, paths = made(gap, tmp_path, suite, "--volume-size", "1M", "--label", "for the ship")
    run(("tar", "xf", str(paths[0])), folder=tmp_path).checked()
    keyring = tmp_path / "keys.gpg"
    run(("gpg", "--batch", "--dearmor", "-o", str(keyring), str(gap.key)), folder=tmp_path).checked()
    signed = ("SHA256SUMS.asc", "SHA256SUMS")
    run(("gpgv", "--keyring", str(keyring), *signed), folder=tmp_path).checked()
    run(("sha256sum", "--check", "--strict", "SHA256SUMS"), folder=tmp_path).checked()
    files = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [package]
    assert "for the ship" in gap.online.shell.run("bundle", "show", str(paths[0]), "--packages")


def test_a_bundle_in_volumes_that_breaks_off_goes_on_with_what_is_missing(tmp_path: Path, gap: Gap) -> None:
    suite = gap.online.maintainer.create("volumes", "deb")
    for number in range(5):
        gap.online.maintainer.push(build_deb(f"v-{number}", "1.0", **filled(number, 600_000)), suite)
    shown, paths = made(gap, tmp_path, suite, "--volume-size", "1M")
    assert len(paths) == 5
    whole = paths[2].read_bytes()
    # A fetch that broke off goes on where it was.
    paths[2].unlink()
    Path(f"{paths[2]}.part").write_bytes(whole[: len(whole) // 2])
    gap.online.shell.run("bundle", "fetch", shown["id"], "--to", str(tmp_path))
    assert paths[2].read_bytes() == whole
    only = paths[0].rename(tmp_path / "only.tar")
    gap.offline.shell.run("bundle", "import", str(only), "--create", code=4)
    only.rename(paths[0])
    assert gap.offline.client.bundles.one(shown["id"])["missing"]["files"] == 4  # type: ignore[index]
    done = taken(gap, [paths[3]], "--create", "--snapshot", "came")
    assert done["published"] == 5
    states = gap.offline.client.snapshots.all(suite)["items"]
    assert [one["name"] for one in states] == ["came"]


@NEEDS_DNF
def test_dnf_installs_a_snapshot_that_was_carried(tmp_path: Path, gap: Gap) -> None:
    suite = gap.online.maintainer.create("carried-rpm", "rpm")
    gap.online.maintainer.push(build_rpm("b-rpm", "1.0"), suite)
    gap.online.client.snapshots.freeze(suite, "golden")
    gap.online.maintainer.push(build_rpm("b-rpm", "2.0"), suite)
    _, paths = made(gap, tmp_path, f"{suite}@golden")
    gap.offline.maintainer.create("hall", "rpm")
    done = taken(gap, paths, "--into", f"{suite}@golden=hall")
    assert done["published"] == 1
    dnf = DnfRoot(tmp_path / "machine")
    dnf.add_repo(gap.offline.maintainer.client.get("/rpm/main/hall.repo").text, "hall")
    dnf.makecache().checked()
    dnf.install("b-rpm").checked()
    assert dnf.installed() == {"b-rpm": "1.0-1"}


@NEEDS_FTPARCHIVE
def test_a_mirror_is_carried_with_the_signature_of_its_upstream(tmp_path: Path, gap: Gap) -> None:
    packages = {f"m-{name}_1.0_amd64.deb": build_deb(f"m-{name}", "1.0", architecture="amd64") for name in "ab"}
    with gnupg(tmp_path / "gnupg") as gpg:
        gpg.key("upstream")
        date = datetime.now(UTC) - timedelta(hours=1)
        release = write_apt_repository(gap.folder / "debian", packages, date)
        sign_apt(
            release,
            clearsign=lambda data: gpg.clearsign("upstream", data),
            detach=lambda data: gpg.detach("upstream", data, "--armor"),
        )
        certificate = gpg.certificate("upstream", "--armor").decode()
        online = gap.online.client
        online.sources.add("debian", "apt", f"{gap.upstream.url}/debian", gpg_key=certificate, distribution="stable")
        online.mirrors.add("debian", "debian")
        list(online.jobs.follow(online.mirrors.run("debian")["job_id"]))
        _, paths = made(gap, tmp_path, "debian/stable")
        taken(gap, paths, "--create")
        for name in ("InRelease", "Release", "Release.gpg", "main/binary-amd64/Packages"):
            theirs = gap.offline.maintainer.client.get(f"/apt/debian/dists/stable/{name}").content
            assert theirs == release.with_name(name).read_bytes() if "/" not in name else theirs, name
        apt = AptRoot(tmp_path / "machine")
        key = apt.key_file(certificate.encode())
        apt.add_line(f"deb [signed-by={key}] {gap.offline.server.url}/apt/debian stable main")
        apt.update().checked()
        apt.install("m-a").checked()
        assert apt.installed() == {"m-a": "1.0"}
