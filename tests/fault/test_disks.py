"""Full, exhausted and read-only disks, and signing keys that are away: refuse, go on reading, recover by themselves."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.fault.kills import leftovers

from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server, running_server

RELEASE = "/apt/main/dists/jammy/InRelease"
KEPT = "/apt/main/pool/main/k/kept/kept_1.0_all.deb"
_PATIENCE_SECONDS = 90


@contextlib.contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of a few megabytes in memory."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"FILE SYSTEMS CANNOT BE MOUNTED here ({done.stderr.strip()}); full disks are not tried")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def server_on(folder: Path, options: str) -> Iterator[tuple[Server, httpx2.Client, Path]]:
    """A server with its blobs on a small disk and one package published."""
    with (
        small_disk(folder / "disk", options) as disk,
        running_server(folder, ENTREPOT_STORAGE_URL=f"file://{disk}", ENTREPOT_PUBLISH_WAIT_SECONDS="3") as server,
        server.client() as client,
    ):
        assert push(client, "kept").status_code == 201
        yield server, client, disk


def push(client: httpx2.Client, name: str, size_bytes: int = 100) -> httpx2.Response:
    files = {"etc/data": bytes(size_bytes)}
    data = build_deb(name, files=files, compression="none")
    return client.post("/upload/", files={"file": (f"{name}.deb", data)})


def wait_idle(client: httpx2.Client) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        suites = client.get("/distributions/").json()["distributions"]
        if all(row["revision"] == row["published_revision"] for row in suites):
            return
        time.sleep(0.1)
    raise AssertionError("the distributions are not published")


def fill(path: Path, *, leave_bytes: int = 0) -> None:
    """Use up all space but so much."""
    with path.open("wb", buffering=0) as filler:
        with contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        filler.truncate(max(0, filler.tell() - leave_bytes))


def listed(client: httpx2.Client) -> str:
    return client.get("/apt/main/dists/jammy/main/binary-amd64/Packages").text


def assert_reads_go_on(client: httpx2.Client) -> None:
    assert client.get(RELEASE).status_code == 200
    assert client.get(KEPT).status_code == 200
    assert "Package: kept\n" in listed(client)


def test_a_full_disk_refuses_uploads_until_there_is_room_again(tmp_path: Path) -> None:
    with server_on(tmp_path, "size=24m") as (_, client, disk):
        wait_idle(client)
        fill(disk / "filler")
        for number in range(3):
            answer = push(client, f"refused{number}", 1 << 20)
            assert (answer.status_code, answer.json()["error"]) == (507, "store.full"), answer.text
        assert_reads_go_on(client)
        assert leftovers(disk / "staging") == []
        (disk / "filler").unlink()
        assert push(client, "refused1", 1 << 20).status_code == 201
        assert "Package: refused1\n" in listed(client)


def test_a_package_bigger_than_the_disk_leaves_nothing_of_itself(tmp_path: Path) -> None:
    with server_on(tmp_path, "size=24m") as (_, client, disk):
        wait_idle(client)
        before = shutil.disk_usage(disk).used
        assert push(client, "giant", 40 << 20).status_code == 507
        assert leftovers(disk / "staging") == []
        assert shutil.disk_usage(disk).used == before
        assert push(client, "small").status_code == 201


def test_without_inodes_uploads_are_refused_until_there_are_some(tmp_path: Path) -> None:
    with server_on(tmp_path, "size=24m,nr_inodes=600") as (_, client, disk):
        wait_idle(client)
        spare = disk / "spare"
        spare.mkdir()
        with contextlib.suppress(OSError):
            for number in range(1000):
                (spare / str(number)).touch()
        answer = push(client, "refused")
        assert (answer.status_code, answer.json()["error"]) == (507, "store.full"), answer.text
        assert_reads_go_on(client)
        shutil.rmtree(spare)
        assert push(client, "refused").status_code == 201


def test_what_is_stored_but_could_not_be_published_is_published_once_there_is_room(tmp_path: Path) -> None:
    with server_on(tmp_path, "size=24m") as (_, client, disk):
        wait_idle(client)
        before = client.get(RELEASE).content
        data = build_deb("early")
        fill(disk / "filler", leave_bytes=-(-len(data) // 4096) * 4096)
        answer = client.post("/upload/", files={"file": ("early.deb", data)})
        assert (answer.status_code, answer.json()["indexed"]) == (202, False), answer.text
        assert client.get(RELEASE).content == before
        assert_reads_go_on(client)
        (disk / "filler").unlink()
        wait_idle(client)
        assert "Package: early\n" in listed(client)


def test_a_store_that_cannot_be_written_refuses_uploads_and_serves_what_it_has(tmp_path: Path) -> None:
    with server_on(tmp_path, "size=24m") as (_, client, disk):
        wait_idle(client)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        answer = push(client, "refused")
        assert (answer.status_code, answer.json()["error"]) == (503, "store.unavailable"), answer.text
        assert answer.headers["retry-after"]
        assert_reads_go_on(client)
        assert client.get("/health/ready").status_code == 503
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        assert push(client, "refused").status_code == 201
        assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("damage", ["away", "empty", "noise", "open to all"])
def test_without_its_key_a_suite_keeps_its_old_generation_and_is_never_unsigned(tmp_path: Path, damage: str) -> None:
    with running_server(tmp_path, ENTREPOT_PUBLISH_WAIT_SECONDS="3") as server, server.client() as client:
        assert push(client, "kept").status_code == 201
        wait_idle(client)
        before = client.get(RELEASE).content
        keys, safe = server.data / "keys", tmp_path / "keys"
        shutil.copytree(keys, safe)
        spoil(keys, damage)
        answer = push(client, "early")
        assert answer.status_code in (202, 503), answer.text
        assert client.get(RELEASE).content == before
        assert_reads_go_on(client)
        shutil.rmtree(keys)
        shutil.copytree(safe, keys)
        wait_idle(client)
        assert "Package: early\n" in listed(client)
        assert b"BEGIN PGP SIGNATURE" in client.get(RELEASE).content


def spoil(keys: Path, damage: str) -> None:
    for key in (path for path in keys.iterdir() if path.is_file()):
        match damage:
            case "away":
                key.unlink()
            case "empty":
                key.write_bytes(b"")
            case "noise":
                key.write_bytes(b"\x99" * 500)
            case _:
                key.chmod(0o644)
