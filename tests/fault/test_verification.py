"""``entrepot verify`` finds every difference that was planted, and nothing where nothing was."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fault.kills import verify

from entrepot.domain.formats.manifest import parse_manifest
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.digest import Digest
from entrepot.main import assemble, real_parts
from entrepot.settings import load_settings
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import running_server


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a stopped server with a package of each format."""
    folder = tmp_path_factory.mktemp("filled")
    with running_server(folder) as server, server.client() as client:
        for name, data in (("hello.deb", build_deb("hello")), ("hello.rpm", build_rpm("hello"))):
            assert client.post("/upload/", files={"file": (name, data)}).status_code == 201
    return folder / "data"


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "data"
    shutil.copytree(filled, copy)
    yield copy
    shutil.rmtree(copy)


def blob(data: Path, digest: str) -> Path:
    return data / "blobs" / digest[:2] / digest


def ask(data: Path, query: str, *parameters: object) -> list[str]:
    with sqlite3.connect(data / "entrepot.db") as connection:
        found = [str(row[0]) for row in connection.execute(query, parameters)]
    connection.close()
    return found


def package_blob(data: Path) -> Path:
    return blob(data, ask(data, "SELECT digest FROM package WHERE format = 'deb'")[0])


def manifest_blob(data: Path) -> Path:
    query = """SELECT manifest FROM generation JOIN suite ON suite.generation_id = generation.id
        WHERE codename = 'jammy'"""
    return blob(data, ask(data, query)[0])


def pack_blob(data: Path) -> Path:
    manifest = manifest_blob(data)
    return blob(data, min(parse_manifest(manifest.read_bytes(), Digest(manifest.name)).packs()))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "a flipped byte in a package": (lambda data: flip(package_blob(data)), {"blob.content"}),
    "a truncated package": (lambda data: truncate(package_blob(data)), {"blob.size"}),
    "a deleted package": (lambda data: package_blob(data).unlink(), {"store.missing"}),
    "a flipped byte in a pack": (lambda data: flip(pack_blob(data)), {"file.content"}),
    "a truncated pack": (lambda data: truncate(pack_blob(data)), {"store.missing"}),
    "a deleted pack": (lambda data: pack_blob(data).unlink(), {"store.missing"}),
    "a flipped byte in a manifest": (lambda data: flip(manifest_blob(data)), {"manifest.content"}),
    "a truncated manifest": (lambda data: truncate(manifest_blob(data)), {"manifest.content"}),
    "a missing manifest": (lambda data: manifest_blob(data).unlink(), {"store.missing"}),
    "a size changed in the catalog": (
        lambda data: ask(data, "UPDATE package SET size_bytes = size_bytes + 1 WHERE format = 'deb' RETURNING id"),
        {"blob.size", "index.content"},
    ),
    "a digest changed in the catalog": (
        lambda data: ask(data, "UPDATE package SET digest = ? WHERE format = 'deb' RETURNING id", "0" * 64),
        {"store.missing", "index.content"},
    ),
    "a stanza changed in the catalog": (
        lambda data: ask(
            data, "UPDATE fragment SET body = CAST(replace(body, 'Maintainer', 'Moderator') AS BLOB) RETURNING kind"
        ),
        {"index.content"},
    ),
    "a package taken out of a suite in the catalog": (
        lambda data: ask(data, "DELETE FROM content RETURNING id"),
        {"index.content"},
    ),
}


def kinds(data: Path) -> set[str]:
    settings = load_settings(data=data)
    application = assemble(settings, real_parts(settings))
    try:
        return {difference.kind for difference in application.verifier.verify(SYSTEM).differences}
    finally:
        application.catalog.close()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_planted_difference_is_found(data: Path, damage: str) -> None:
    assert kinds(data) == set()
    plant, expected = DAMAGES[damage]
    plant(data)
    assert kinds(data) == expected


def test_the_command_reports_and_its_status_says_whether_all_is_well(data: Path) -> None:
    assert verify(data)["differences"] == []
    flip(package_blob(data))
    [difference] = verify(data)["differences"]
    assert difference["kind"] == "blob.content"
    assert difference["where"] == package_blob(data).name
