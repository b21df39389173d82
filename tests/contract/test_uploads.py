"""``POST /upload/`` keeps its contract (4.4) towards honest, careless and hostile clients."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.actor import Role
from entrepot.services.access.passwords import hash_password
from entrepot.testing.corpora import require_shared
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server, running_server

BOUNDARY = "upload-boundary"
MOST_MEGABYTES = 16
MEMORY_KILOBYTES = 600 << 10
# A virus is found by a scanner, not by the format.
SCANNER_FINDS = {"data-eicar", "data-eicar-deep", "payload-eicar"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("uploads")
    with running_server(folder, ENTREPOT_MAX_UPLOAD_MB=str(MOST_MEGABYTES)) as found:
        with found.client() as client:
            wait_idle(client)
        yield found


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx2.Client]:
    with server.client() as found:
        yield found


def send(client: httpx2.Client, data: bytes, filename: str = "package_1.0_all.deb", **fields: str) -> httpx2.Response:
    return client.post("/upload/", data=fields, files={"file": (filename, data)})


def part(disposition: bytes, body: bytes) -> bytes:
    head = b"--%b\r\nContent-Disposition: form-data; %b\r\n\r\n" % (BOUNDARY.encode(), disposition)
    return head + body + b"\r\n"


def file_part(filename: bytes, body: bytes, field: bytes = b"file") -> bytes:
    return part(b'name="%b"; filename="%b"' % (field, filename), body)


END = f"--{BOUNDARY}--\r\n".encode()


def send_raw(client: httpx2.Client, body: bytes, boundary: str = BOUNDARY) -> httpx2.Response:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return client.post("/upload/", content=body, headers=headers)


def wait_idle(client: httpx2.Client) -> None:
    """Until the first generations of all distributions are there: later differences come from uploads alone."""
    for _ in range(600):
        suites = client.get("/distributions/").json()["distributions"]
        if all(row["revision"] == row["published_revision"] for row in suites):
            return
        time.sleep(0.1)
    raise AssertionError("the distributions are not published")


def staging(server: Server) -> list[Path]:
    """Unfinished bodies; the server's own looks at its health come and go."""
    folder = server.data / "blobs" / "staging"
    for _ in range(1200):
        if not list(folder.iterdir()):
            return []
        time.sleep(0.05)
    return list(folder.iterdir())


def stored(server: Server) -> list[str]:
    """Digests of all content but manifests: a publication that came second leaves its own for the collector."""
    found = []
    for path in (server.data / "blobs").glob("??/*"):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as blob:
            if not blob.read(32)[8:].startswith(b'{"manifest":'):
                found.append(path.name)
    return sorted(found)


def wait_for_later_documents(server: Server) -> None:
    """Until no generation is under way that earlier uploads caused: it would store content of its own."""
    behind = "SELECT count(*) FROM suite WHERE late_revision < published_revision"
    with contextlib.closing(sqlite3.connect(f"file:{server.data / 'entrepot.db'}?mode=ro", uri=True)) as database:
        for _ in range(600):
            if database.execute(behind).fetchone() == (0,):
                return
            time.sleep(0.1)
    raise AssertionError("later documents are not made")


def fingerprint(server: Server, client: httpx2.Client) -> Mapping[str, Any]:
    """Everything that an upload could leave behind."""
    wait_for_later_documents(server)
    packages = client.get("/packages/", params={"per_page": 200}).json()
    suites = client.get("/distributions/").json()["distributions"]
    return {
        "packages": packages["items"],
        "revisions": {(row["archive"], row["codename"], row["format"]): row["revision"] for row in suites},
        "blobs": stored(server),
        "staging": staging(server),
        "outside": sorted(path.name for path in Path("/tmp").glob("hostile-escape*")),
    }


def assert_refused(answer: httpx2.Response, status: int, code: str) -> str:
    """The sentence that was given."""
    body = answer.json()
    assert (answer.status_code, body.get("error")) == (status, code), answer.text
    sentence = body["detail"]["message"] if isinstance(body["detail"], dict) else body["detail"]
    assert isinstance(sentence, str)
    assert len(sentence) > 10
    return sentence


def test_a_package_is_published_when_201_arrives(client: httpx2.Client) -> None:
    data = build_deb("published")
    answer = send(client, data, distribution="jammy")
    body = answer.json()
    assert answer.status_code == 201
    assert (body["status"], body["index_status"], body["duplicate"]) == ("published", "indexed", False)
    assert body["sha256"] == hashlib.sha256(data).hexdigest()
    assert (body["package"], body["version"], body["arch"], body["distribution"]) == (
        "published",
        "1.0",
        "all",
        "jammy",
    )
    pool = client.get("/apt/main/pool/main/p/published/published_1.0_all.deb")
    assert pool.content == data
    assert f"{body['sha256']}" in client.get("/apt/main/dists/jammy/main/binary-amd64/Packages").text


def test_the_first_distribution_of_the_format_is_the_default(client: httpx2.Client) -> None:
    assert send(client, build_deb("by-default")).json()["distribution"] == "jammy"
    assert send(client, build_rpm("by-default"), "x.rpm").json()["format"] == "rpm"


def test_the_same_file_again_is_a_duplicate(client: httpx2.Client) -> None:
    data = build_deb("twice")
    assert send(client, data).status_code == 201
    again = send(client, data, filename="other-name.deb")
    assert (again.status_code, again.json()["duplicate"]) == (200, True)


def test_the_same_file_may_enter_a_second_distribution(client: httpx2.Client) -> None:
    data = build_deb("everywhere")
    assert send(client, data, distribution="jammy").status_code == 201
    answer = send(client, data, distribution="noble")
    assert (answer.status_code, answer.json()["duplicate"]) == (201, False)


def test_other_bytes_under_one_key_conflict_and_both_digests_are_named(client: httpx2.Client) -> None:
    data, other = build_deb("rivals"), build_deb("rivals", files={"etc/other": b"other\n"})
    send(client, data)
    answer = send(client, other)
    assert_refused(answer, 409, "duplicate_conflict")
    detail = answer.json()["detail"]
    assert detail["existing_sha256"] == hashlib.sha256(data).hexdigest()
    assert detail["incoming_sha256"] == hashlib.sha256(other).hexdigest()


@pytest.mark.parametrize(
    ("filename", "fields", "status", "code"),
    [
        ("package.zip", {}, 400, "invalid_request"),
        ("package", {}, 400, "invalid_request"),
        ("package.deb.sh", {}, 400, "invalid_request"),
        ("package.deb", {"distribution": "nowhere"}, 400, "unknown_distribution"),
        ("package.deb", {"distribution": "../jammy"}, 400, "unknown_distribution"),
        ("package.deb", {"distribution": "jammy" * 10_000}, 400, "unknown_distribution"),
        ("package.deb", {"component": "nowhere"}, 400, "invalid_request"),
        ("package.deb", {"distribution": "almalinux9"}, 422, "wrong_format"),
        ("package.rpm", {"distribution": "jammy"}, 422, "wrong_format"),
        ("package.deb", {"sha256": "0" * 64}, 422, "package.digest"),
        ("package.deb", {"sha256": "zz"}, 400, "invalid_request"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    server: Server, client: httpx2.Client, filename: str, fields: dict[str, str], status: int, code: str
) -> None:
    before = fingerprint(server, client)
    assert_refused(send(client, build_deb("misfit"), filename, **fields), status, code)
    assert fingerprint(server, client) == before


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_file_name_is_refused(client: httpx2.Client, name: str) -> None:
    assert_refused(send_raw(client, file_part(name.encode(), build_deb("nameless")) + END), 400, "invalid_request")


@pytest.mark.parametrize("data", [b"", b"!<arch>\n", b"not a package at all", build_deb("cut")[:-20]])
def test_a_bad_file_is_refused_with_its_fault(server: Server, client: httpx2.Client, data: bytes) -> None:
    before = fingerprint(server, client)
    assert_refused(send(client, data), 422, "package.malformed")
    assert fingerprint(server, client) == before


def test_a_request_without_a_file_is_refused(client: httpx2.Client) -> None:
    answer = send_raw(client, part(b'name="distribution"', b"jammy") + END)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "file"]


def test_more_than_the_limit_is_refused_while_it_arrives(server: Server, client: httpx2.Client) -> None:
    before = fingerprint(server, client)
    answer = send(client, bytes((MOST_MEGABYTES << 20) + 1))
    assert_refused(answer, 413, "body_too_large")
    assert fingerprint(server, client) == before


def test_nobody_uploads_without_signing_in(server: Server, client: httpx2.Client) -> None:
    before = fingerprint(server, client)
    with httpx2.Client(base_url=server.url, timeout=30) as stranger:
        answer = send(stranger, build_deb("stranger"))
        assert_refused(answer, 401, "not_signed_in")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert fingerprint(server, client) == before


def test_who_may_only_read_may_not_upload(server: Server, client: httpx2.Client) -> None:
    catalog = SqlCatalog(f"sqlite:///{server.data}/entrepot.db")
    with catalog.write() as unit:
        admin = unit.account(server.admin)
        assert admin is not None
        password = hash_password("Reading-1")
        unit.add_account(
            dataclasses.replace(admin, username="reader", password_hash=password, roles=frozenset({Role.READER}))
        )
    catalog.close()
    session = httpx2.post(f"{server.url}/auth/token", json={"username": "reader", "password": "Reading-1"})
    before = fingerprint(server, client)
    headers = {"Authorization": f"Bearer {session.json()['access_token']}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=30) as reader:
        assert_refused(send(reader, build_deb("by-reader")), 403, "permission_denied")
    assert fingerprint(server, client) == before


GOOD = build_deb("tricks")
TRICKS = {
    "two files": file_part(b"a.deb", GOOD) + file_part(b"b.deb", GOOD) + END,
    "another field": file_part(b"a.deb", GOOD, b"package") + END,
    "many parts": b"".join(part(b'name="x%d"' % n, b"") for n in range(100)) + file_part(b"a.deb", GOOD) + END,
    "no end": file_part(b"a.deb", GOOD),
    "cut in the file": file_part(b"a.deb", GOOD)[:-200],
    "cut in a header": file_part(b"a.deb", GOOD)[:40],
    "nothing": b"",
    "only the end": END,
    "a long header": b"--%b\r\nX: %b\r\n\r\n\r\n" % (BOUNDARY.encode(), b"x" * 100_000) + END,
    "no headers": b"--%b\r\n\r\nx\r\n" % BOUNDARY.encode() + END,
    "no name": b"--%b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" % BOUNDARY.encode() + END,
    "a huge field": part(b'name="distribution"', b"jammy" * (1 << 20)) + file_part(b"a.deb", GOOD) + END,
    "noise": bytes(range(256)) * 64,
}


@pytest.mark.parametrize("trick", TRICKS)
def test_multipart_tricks_are_refused_and_leave_nothing(server: Server, client: httpx2.Client, trick: str) -> None:
    before = fingerprint(server, client)
    answer = send_raw(client, TRICKS[trick])
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["detail"]
    assert fingerprint(server, client) == before


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "text/plain",
        "multipart/mixed; boundary=x",
        f"multipart/form-data; boundary={'x' * 200}",
    ],
)
def test_a_body_of_another_kind_is_refused(client: httpx2.Client, kind: str) -> None:
    answer = client.post("/upload/", content=file_part(b"a.deb", GOOD) + END, headers={"Content-Type": kind})
    assert_refused(answer, 400, "invalid_request")


def test_an_aborted_connection_leaves_no_staging_file(server: Server, client: httpx2.Client) -> None:
    before = fingerprint(server, client)
    head = (
        f"POST /upload/ HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 10000000\r\n\r\n"
    )
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head.encode() + file_part(b"a.deb", bytes(5 << 20)))
    assert fingerprint(server, client) == before


def test_a_package_that_needs_a_person_is_stored_and_not_visible(server: Server, client: httpx2.Client) -> None:
    data = require_case(server, "make_bad_debs.py", "data-setuid")
    before = fingerprint(server, client)
    answer = send(client, data, distribution="noble")
    assert (answer.status_code, answer.json()["status"]) == (201, "pending_review")
    digest = hashlib.sha256(data).hexdigest()
    after = fingerprint(server, client)
    assert after["packages"] == before["packages"]
    assert set(after["blobs"]) - set(before["blobs"]) == {digest}
    assert client.get("/apt/main/pool/main/h/hostile-demo/hostile-demo_1.0-1_all.deb").status_code == 404
    assert digest not in client.get("/apt/main/dists/noble/main/binary-amd64/Packages").text


def require_case(server: Server, generator: str, case: str) -> bytes:
    script, folder = require_shared("hostile", generator), server.data.parent / case
    subprocess.run([sys.executable, str(script), str(folder), "--only", case], check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob(f"{case}.*")).read_bytes()


class Case(NamedTuple):
    id: str
    expected: str
    upload_as: str
    data: bytes


def corpus(folder: Path, generator: str) -> Iterator[Case]:
    script = require_shared("hostile", generator)
    command = [sys.executable, str(script), str(folder), "--bomb-size", "1G", "--fuzz", "100", "--seed", "5"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for row in json.loads((folder / "manifest.json").read_text()):
        yield Case(row["id"], row["server"], row["upload_as"], (folder / row["file"]).read_bytes())


def send_case(client: httpx2.Client, case: Case, distribution: str) -> httpx2.Response:
    """The name goes out byte for byte, whatever it does to the headers."""
    name = case.upload_as.encode("utf-8", "surrogateescape")
    fields = part(b'name="distribution"', distribution.encode())
    return send_raw(client, fields + file_part(name, case.data) + END)


@pytest.mark.parametrize(("generator", "codename"), [("make_bad_debs.py", "jammy"), ("make_bad_rpms.py", "almalinux9")])
def test_the_hostile_corpus_ends_as_its_manifest_says(
    server: Server, client: httpx2.Client, tmp_path: Path, generator: str, codename: str
) -> None:
    cases = list(corpus(tmp_path, generator))
    refuse_all(server, client, [case for case in cases if case.expected == "reject"], codename)
    format_ = "deb" if codename == "jammy" else "rpm"
    for number, case in enumerate(case for case in cases if case.expected == "accept"):
        # The honest ones share a name and version; each gets an archive of its own.
        distribution = f"case{number}/{codename}"
        client.post("/distributions/init", json={"codename": distribution, "format": format_}).raise_for_status()
        answer = send_case(client, case, distribution)
        assert (answer.status_code, answer.json()["status"]) == (201, "published"), (case.id, answer.text)
    client.post("/distributions/init", json={"codename": f"held/{codename}", "format": format_}).raise_for_status()
    for case in cases:
        if case.expected == "hold" and case.id not in SCANNER_FINDS:
            answer = send_case(client, case, f"held/{codename}")
            assert answer.status_code in (201, 422), (case.id, answer.text)
            assert answer.json().get("status", "refused") in ("pending_review", "refused"), (case.id, answer.text)
        if case.expected in ("normalise", "no5xx"):
            answer = send_case(client, case, codename)
            assert answer.status_code < 500, (case.id, answer.text)
    suites = client.get("/distributions/").json()["distributions"]
    assert {row["package_count"] for row in suites if row["archive"] == "held"} == {0}
    assert staging(server) == []
    assert list(Path("/tmp").glob("hostile-escape*")) == []
    assert peak_kilobytes(server) < MEMORY_KILOBYTES


def refuse_all(server: Server, client: httpx2.Client, cases: list[Case], distribution: str) -> None:
    assert len(cases) > 100
    before = fingerprint(server, client)
    for case in cases:
        answer = send_case(client, case, distribution)
        assert answer.status_code == 422, (case.id, answer.text)
        body = answer.json()
        assert body["error"].startswith("package."), (case.id, body)
        assert len(body["detail"]) > 10, (case.id, body)
    assert fingerprint(server, client) == before


def peak_kilobytes(server: Server) -> int:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])
