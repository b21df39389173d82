"""What apt refuses: another key, changed bytes, dates that have passed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.application import Application
from entrepot.domain.formats.deb.release_reader import parse_release
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.package import Format
from entrepot.main import Parts, assemble, real_parts
from entrepot.settings import load_settings
from entrepot.testing.clients import AptRoot, FolderServer, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server

_MISSING = missing_programs("apt-get", "dpkg")
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(bool(_MISSING), reason=f"APT IS NOT INSTALLED HERE ({', '.join(_MISSING)})"),
]

NewSuite = Callable[..., str]
LATER = 4_000_000_000  # a time stamp that a client has not seen yet


@pytest.mark.parametrize("name", ["key.asc", "key.gpg"])
def test_the_key_is_served_armored_and_binary(
    tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite, name: str
) -> None:
    suite = new_suite()
    apt = AptRoot(tmp_path)
    path = apt.key_file(maintainer.file(f"/apt/main/{name}"), name)
    apt.add_line(f"deb [signed-by={path}] {server.url}/apt/main {suite} main")
    assert "W:" not in apt.update().checked().output


def test_another_key_is_refused(tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite()
    maintainer.create(f"stranger-{suite}/{suite}")
    apt = AptRoot(tmp_path)
    path = apt.key_file(maintainer.file(f"/apt/stranger-{suite}/key.asc"))
    apt.add_line(f"deb [signed-by={path}] {server.url}/apt/main {suite} main")
    assert "NO_PUBKEY" in apt.update().output
    assert apt.candidate("anything") is None


def test_no_key_is_refused(tmp_path: Path, server: Server, new_suite: NewSuite) -> None:
    apt = AptRoot(tmp_path)
    apt.add_line(f"deb {server.url}/apt/main {new_suite()} main")
    update = apt.update()
    assert not update.ok
    assert "is not signed" in update.stderr


@pytest.fixture
def mirror(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> Iterator[tuple[Path, AptRoot]]:
    """A copy of a served tree in a folder, and a machine that uses it under the original's key."""
    suite = new_suite()
    pushed = maintainer.push(build_deb(f"mirrored-{suite}"), suite)
    folder = tmp_path / "mirror"
    release = parse_release(maintainer.file(f"/apt/main/dists/{suite}/Release"))
    paths = [f"dists/{suite}/{name}" for name in ("InRelease", "Release", "Release.gpg")]
    paths += [f"dists/{suite}/{file.path}" for file in release.files]
    paths += [f"pool/main/m/mirrored-{suite}/{pushed['filename']}"]
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(maintainer.file(f"/apt/main/{path}"))
    with FolderServer(folder) as http:
        apt = AptRoot(tmp_path / "apt")
        served = maintainer.sources(suite)
        uris = next(line for line in served.split("\n") if line.startswith("URIs:"))
        apt.add_source(served.replace(uris, f"URIs: {http.url}"))
        yield folder, apt


def only(folder: Path, pattern: str) -> Path:
    [path] = folder.rglob(pattern)
    return path


def test_a_copy_of_the_tree_is_a_repository(mirror: tuple[Path, AptRoot]) -> None:
    _folder, apt = mirror
    apt.update().checked()
    [name] = apt.run("apt-cache", "pkgnames").checked().stdout.split()
    apt.install(name).checked()


def test_the_detached_signature_serves_old_clients(mirror: tuple[Path, AptRoot]) -> None:
    folder, apt = mirror
    only(folder, "InRelease").unlink()
    apt.update().checked()
    changed = only(folder, "dists/*/Release")
    changed.write_bytes(changed.read_bytes().replace(b"Origin: Entrepot", b"Origin: Intruder"))
    os.utime(changed, (LATER, LATER))
    assert "BADSIG" in apt.update().output


def test_a_changed_release_is_refused(mirror: tuple[Path, AptRoot]) -> None:
    folder, apt = mirror
    path = only(folder, "InRelease")
    path.write_bytes(path.read_bytes().replace(b"Origin: Entrepot", b"Origin: Intruder"))
    os.utime(path, (LATER, LATER))
    update = apt.update()
    assert not update.ok
    assert "BADSIG" in update.output or "invalid" in update.output


def test_a_changed_index_is_refused(mirror: tuple[Path, AptRoot]) -> None:
    folder, apt = mirror
    for path in folder.rglob("binary-amd64/Packages*"):
        path.write_bytes(path.read_bytes()[::-1])
    update = apt.update()
    assert not update.ok
    assert "Hash Sum mismatch" in update.output or "unexpected size" in update.output
    assert apt.run("apt-cache", "pkgnames").checked().stdout == ""


def test_a_changed_package_is_refused(mirror: tuple[Path, AptRoot]) -> None:
    folder, apt = mirror
    apt.update().checked()
    [name] = apt.run("apt-cache", "pkgnames").checked().stdout.split()
    path = only(folder, "*.deb")
    data = path.read_bytes()
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    install = apt.install(name)
    assert not install.ok
    assert "Hash Sum mismatch" in install.output
    assert apt.installed() == {}


@pytest.fixture
def ten_days_ago(tmp_path: Path) -> Iterator[Application]:
    """The real parts under a clock that is ten days late, without a worker."""
    settings = load_settings(data=tmp_path / "data", key_algorithm="ed25519")
    parts = real_parts(settings)
    late = Parts(parts.catalog, parts.blobs, parts.keyring, MemoryQueue(), parts.secret, slow_clock)
    application = assemble(settings, late)
    try:
        application.suites.prepare()
        yield application
    finally:
        application.catalog.close()


def slow_clock() -> datetime:
    return datetime.now(UTC) - timedelta(days=10)


def published(application: Application, path: str) -> bytes:
    found = application.published.find(Format.DEB, "main", path, "http://localhost")
    assert found is not None, path
    if found.body is not None:
        return found.body
    return b"".join(application.blobs.read(part.blob, part.offset, part.length) for part in found.file.extents)


def write_tree(application: Application, suite: str, folder: Path) -> None:
    """Put what the server would send for a suite into a folder."""
    release = parse_release(published(application, f"dists/{suite}/Release"))
    for name in ("InRelease", *(file.path for file in release.files)):
        target = folder / "dists" / suite / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(published(application, f"dists/{suite}/{name}"))


@pytest.mark.parametrize(("days", "accepted"), [(5, False), (15, True), (None, True)])
def test_apt_refuses_what_has_expired(
    tmp_path: Path, ten_days_ago: Application, days: int | None, accepted: bool
) -> None:
    options = {} if days is None else {"valid_days": days}
    made = ten_days_ago.suites.initialise(SYSTEM, "old", Format.DEB, options)
    ten_days_ago.publisher.publish(made.suite.id)
    write_tree(ten_days_ago, "old", tmp_path / "tree")
    with FolderServer(tmp_path / "tree") as http:
        apt = AptRoot(tmp_path / "apt")
        path = apt.key_file(published(ten_days_ago, "key.asc"))
        apt.add_line(f"deb [signed-by={path}] {http.url} old main")
        update = apt.update()
    assert update.ok is accepted
    assert ("Release file" in update.output and "is expired" in update.output) is not accepted


def test_a_server_that_was_away_signs_anew_by_itself(tmp_path: Path, ten_days_ago: Application) -> None:
    made = ten_days_ago.suites.initialise(SYSTEM, "old", Format.DEB, {"valid_days": 5})
    ten_days_ago.publisher.publish(made.suite.id)
    expired = published(ten_days_ago, "dists/old/InRelease")
    ten_days_ago.catalog.close()
    server = Server(tmp_path / "data")
    server.start()
    try:
        with server.client() as client:
            maintainer = Maintainer(client)
            deadline = time.monotonic() + 120
            while maintainer.file("/apt/main/dists/old/InRelease") == expired:
                assert time.monotonic() < deadline, "what has expired is still served"
                time.sleep(0.1)
            apt = AptRoot(tmp_path / "apt")
            apt.add_source(maintainer.sources("old"))
            apt.update().checked()
    finally:
        server.stop()
