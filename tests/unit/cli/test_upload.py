"""Uploads: what is on the wire, how much of it is in memory, and files that are not what they seem."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import multipart
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cli.scripted import Asked, Reply, ScriptedServer, reply

from entrepot.client.api import Client
from entrepot.client.errors import BadFile, TooLarge, Unreachable
from entrepot.client.multipart import FileForm
from entrepot.client.transport import Patience

PUBLISHED = {"status": "published", "package": "p", "version": "1", "arch": "all"}


def parsed(asked: Asked) -> tuple[dict[str, str], dict[str, tuple[str, bytes]]]:
    """Fields and files, as an independent parser reads the body."""
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": asked.headers["content-type"],
        "CONTENT_LENGTH": asked.headers["content-length"],
        "wsgi.input": BytesIO(asked.body),
    }
    forms, files = multipart.parse_form_data(environ, strict=True)
    found = {name: (part.filename, part.raw) for name, part in files.items()}
    for part in files.values():
        part.close()
    return dict(forms.items()), found


def test_the_form_carries_the_file_its_hash_and_where_it_shall_go(server: ScriptedServer, tmp_path: Path) -> None:
    path, content = tmp_path / "p_1_all.deb", os.urandom(700_000)
    path.write_bytes(content)
    server.will(reply(PUBLISHED, 201))
    seen: list[int] = []
    with Client(server.url, "tok") as client:
        answer = client.upload(path, distribution="jammy", component="extra", progress=seen.append)
    assert answer["status"] == "published"
    (asked,) = server.asked
    fields, files = parsed(asked)
    assert fields == {
        "distribution": "jammy",
        "component": "extra",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert files == {"file": ("p_1_all.deb", content)}
    assert asked.headers["authorization"] == "Bearer tok"
    assert "transfer-encoding" not in asked.headers
    assert sum(seen) == len(content)


def test_a_try_that_is_repeated_sends_everything_again(server: ScriptedServer, tmp_path: Path) -> None:
    path, content = tmp_path / "p.deb", os.urandom(600_000)
    path.write_bytes(content)
    server.will(reply({"detail": "later"}, 429, Retry_After="3"), reply(PUBLISHED, 201))
    seen: list[int] = []
    with Client(server.url, patience=Patience(10, lambda _: None)) as client:
        client.upload(path, progress=seen.append)
    assert [parsed(asked)[1]["file"][1] for asked in server.asked] == [content, content]
    assert sum(seen) == len(content)


def test_the_file_is_never_whole_in_memory(server: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "large.deb"
    with path.open("wb") as file:
        file.truncate(96 << 20)
    # Not read by the server, which would keep it; what the client holds is what is measured.
    server.will(Reply(413, b'{"detail": "too large", "error": "body_too_large"}', early=True))
    tracemalloc.start()
    try:
        with Client(server.url) as client, pytest.raises((TooLarge, Unreachable)):
            client.upload(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8 << 20


@pytest.mark.parametrize("kind", ["absent", "folder", "empty", "fifo", "dangling"])
def test_what_is_no_file_is_refused_before_anything_is_sent(server: ScriptedServer, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "p.deb"
    makers: dict[str, Callable[[], None]] = {
        "absent": lambda: None,
        "folder": path.mkdir,
        "empty": path.touch,
        "fifo": lambda: os.mkfifo(path),
        "dangling": lambda: path.symlink_to("nowhere"),
    }
    makers[kind]()
    with Client(server.url) as client, pytest.raises(BadFile, match=r"p\.deb"):
        client.upload(path)
    assert server.asked == []


def test_a_file_that_shrinks_while_it_is_sent_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "p.deb"
    path.write_bytes(bytes(1 << 20))
    form = iter(FileForm(path, {}))
    next(form)
    next(form)
    os.truncate(path, 300_000)
    with pytest.raises(BadFile, match="shorter"):
        list(form)


def test_a_file_that_grows_is_sent_as_long_as_it_was_announced(tmp_path: Path) -> None:
    path = tmp_path / "p.deb"
    path.write_bytes(b"x" * 1000)
    form = FileForm(path, {})
    with path.open("ab") as file:
        file.write(b"y" * 1000)
    body = b"".join(form)
    assert len(body) == int(form.headers["content-length"])
    assert b"y" not in body.split(b"\r\n\r\n", 1)[1]


FILENAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) < 200
)


@settings(max_examples=60, deadline=None)
@given(name=FILENAMES, content=st.binary(min_size=1, max_size=300))
def test_no_file_name_breaks_out_of_its_header(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("names") / name
    path.write_bytes(content)
    form = FileForm(path, {"sha256": "0"})
    asked = Asked(
        "POST",
        "/",
        {"content-type": form.headers["content-type"], "content-length": form.headers["content-length"]},
        b"".join(form),
    )
    fields, files = parsed(asked)
    assert fields == {"sha256": "0"}
    assert list(files) == ["file"]
    assert files["file"][1] == content


def test_a_file_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.deb"))
    path.write_bytes(b"x")
    with pytest.raises(BadFile, match="UTF-8"):
        FileForm(path, {})
