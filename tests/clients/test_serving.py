"""Repository content over HTTP: validators, ranges, caches, and nothing but what is published."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from entrepot.domain.formats.deb.release_reader import parse_release
from entrepot.main import assemble, real_parts
from entrepot.settings import load_settings
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server, running_server

pytestmark = pytest.mark.clients

NewSuite = Callable[..., str]
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Site:
    """A distribution of each format with one package in it."""

    deb_suite: str
    rpm_suite: str
    package: bytes
    pool: str
    release: str
    indexes: tuple[str, ...]
    immutable: tuple[str, ...]

    @property
    def all_paths(self) -> tuple[str, ...]:
        return (self.pool, self.release, *self.indexes, *self.immutable)


@pytest.fixture(scope="module")
def site(maintainer: Maintainer) -> Site:
    deb_suite, rpm_suite = maintainer.create("serving-deb"), maintainer.create("serving-rpm", "rpm")
    package = build_deb("served", files={"usr/share/served/data": bytes(range(256)) * 4096}, compression="none")
    name = maintainer.push(package, deb_suite)["filename"]
    maintainer.push(build_rpm("served-r"), rpm_suite)
    top = f"/apt/main/dists/{deb_suite}"
    release = parse_release(maintainer.file(f"{top}/Release"))
    by_hash = [f"{top}/main/binary-amd64/by-hash/SHA256/{file.digests['sha256']}" for file in release.files[:3]]
    base = f"/rpm/main/{rpm_suite}/x86_64"
    repomd = maintainer.file(f"{base}/repodata/repomd.xml").decode()
    hrefs = [f"{base}/{href}" for href in re.findall(r'location href="([^"]+)"', repomd)]
    return Site(
        deb_suite,
        rpm_suite,
        package,
        f"/apt/main/pool/main/s/served/{name}",
        f"{top}/InRelease",
        (f"{top}/Release", f"{top}/Release.gpg", f"{top}/main/binary-amd64/Packages.xz", f"{base}/repodata/repomd.xml"),
        (*by_hash, *hrefs, f"{base}/Packages/s/served-r-1.0-1.noarch.rpm"),
    )


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx2.Client]:
    """A stranger."""
    with httpx2.Client(base_url=server.url, headers={"accept-encoding": "identity"}) as client:
        yield client


def test_head_says_what_get_says(http: httpx2.Client, site: Site) -> None:
    for path in site.all_paths:
        got, head = http.get(path), http.head(path)
        assert (got.status_code, head.status_code, head.content) == (200, 200, b""), path
        of_one_answer = {"date": "", "x-request-id": ""}
        assert {**got.headers, **of_one_answer} == {**head.headers, **of_one_answer}
        assert int(got.headers["content-length"]) == len(got.content)


def test_every_file_has_strong_validators_and_honours_them(http: httpx2.Client, site: Site) -> None:
    for path in site.all_paths:
        got = http.get(path)
        tag = got.headers["etag"]
        assert tag == f'"{hashlib.sha256(got.content).hexdigest()}"'
        for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = http.get(path, headers={"if-none-match": condition})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), condition
            assert again.headers["cache-control"] == got.headers["cache-control"]
        assert http.get(path, headers={"if-none-match": '"other"'}).content == got.content
        since = {"if-modified-since": formatdate(4_000_000_000, usegmt=True), "if-none-match": '"other"'}
        assert http.get(path, headers=since).status_code == 200, "the tag wins over the date"


def test_dates_of_pool_files_are_honoured(http: httpx2.Client, site: Site) -> None:
    modified = http.head(site.pool).headers["last-modified"]
    earlier = formatdate(parsedate_to_datetime(modified).timestamp() - 1, usegmt=True)
    assert http.get(site.pool, headers={"if-modified-since": modified}).status_code == 304
    assert http.get(site.pool, headers={"if-modified-since": earlier}).status_code == 200


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 99 Foo 2020 00:00:00 GMT", "Sat, 01 Jan 99999 00:00:00 GMT", ","]
)
def test_malformed_dates_are_ignored(http: httpx2.Client, site: Site, date: str) -> None:
    assert http.get(site.pool, headers={"if-modified-since": date}).status_code == 200
    assert http.get(site.pool, headers={"if-range": date, "range": "bytes=0-1"}).status_code == 200


def test_generations_of_one_second_are_told_apart(
    http: httpx2.Client, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    path = f"/apt/main/dists/{suite}/InRelease"
    before = http.get(path)
    shared_seconds = 0
    for number in range(12):
        maintainer.push(build_deb(f"quick-{suite}-{number}"), suite)
        asked = {"if-modified-since": before.headers["last-modified"]}
        after = http.get(path, headers=asked)
        assert after.status_code == 200
        assert after.content != before.content
        shared_seconds += after.headers["last-modified"] == before.headers["last-modified"]
        tagged = http.get(path, headers=asked | {"if-none-match": before.headers["etag"]})
        assert tagged.status_code == 200
        before = after
    assert shared_seconds, "no two generations fell into one second: the test shows nothing"


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=70000-800000", 70_000, 800_000),
        ("bytes=1000-", 1000, -1),
        ("bytes=-1", -1, -1),
        ("bytes=-5000", -5000, -1),
        ("bytes=0-99999999", 0, -1),
        ("bytes=-99999999", 0, -1),
    ],
)
def test_ranges(http: httpx2.Client, site: Site, wanted: str, first: int, last: int) -> None:
    size = len(site.package)
    first, last = first % size, last % size
    part = http.get(site.pool, headers={"range": wanted})
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
    assert part.content == site.package[first : last + 1]


def test_ranges_of_an_index_that_lies_in_several_blobs(http: httpx2.Client, maintainer: Maintainer) -> None:
    suite = maintainer.create("ranged")
    for number in range(8):
        maintainer.push(build_deb(f"ranged-{number}"), suite)
    path = f"/apt/main/dists/{suite}/main/binary-amd64/Packages.gz"
    whole = http.get(path).content
    for first in range(0, len(whole), 97):
        for length in (1, 96, 300):
            part = http.get(path, headers={"range": f"bytes={first}-{first + length - 1}"})
            assert (part.status_code, part.content) == (206, whole[first : first + length])


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=99999999-999999999", "bytes=-0"])
def test_ranges_beyond_the_end(http: httpx2.Client, site: Site, wanted: str) -> None:
    answer = http.get(site.pool, headers={"range": wanted})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(site.package)}"


@pytest.mark.parametrize(
    "wanted",
    ["bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,5-6", "lines=0-1", "0-1", "bytes=0x1-2", "bytes=--1"],
)
def test_ranges_that_make_no_sense_are_ignored(http: httpx2.Client, site: Site, wanted: str) -> None:
    answer = http.get(site.pool, headers={"range": wanted})
    assert (answer.status_code, answer.content) == (200, site.package)


def test_if_range_gives_a_part_only_of_the_same_file(http: httpx2.Client, site: Site) -> None:
    head = http.head(site.pool).headers
    for condition, status in (
        (head["etag"], 206),
        (head["last-modified"], 206),
        ('"other"', 200),
        (f"W/{head['etag']}", 200),
        (formatdate(1, usegmt=True), 200),
    ):
        answer = http.get(site.pool, headers={"range": "bytes=0-9", "if-range": condition})
        assert answer.status_code == status, condition


def test_a_range_means_nothing_to_head(http: httpx2.Client, site: Site) -> None:
    answer = http.head(site.pool, headers={"range": "bytes=0-9"})
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(site.package)))


def test_caches_keep_what_never_changes_and_ask_again_for_the_rest(http: httpx2.Client, site: Site) -> None:
    for path in (site.pool, *site.immutable):
        assert http.head(path).headers["cache-control"] == FOREVER, path
    for path in (
        site.release,
        *site.indexes,
        f"/apt/main/{site.deb_suite}.sources",
        "/apt/main/key.asc",
        "/apt/main/no",
    ):
        assert http.head(path).headers["cache-control"] == "no-cache", path


def test_bytes_are_sent_as_they_are(http: httpx2.Client, site: Site) -> None:
    for path in site.all_paths:
        answer = http.get(path, headers={"accept-encoding": "gzip, br, zstd, deflate"})
        assert "content-encoding" not in answer.headers
        assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    types = {http.head(path).headers["content-type"] for path in (site.pool, site.immutable[-1])}
    assert types == {"application/vnd.debian.binary-package", "application/x-rpm"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_other_methods_are_refused(http: httpx2.Client, site: Site, method: str) -> None:
    for path in (site.pool, "/rpm/main/nothing"):
        answer = http.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_what_is_not_published_is_not_there(http: httpx2.Client, site: Site) -> None:
    top = f"/apt/main/dists/{site.deb_suite}"
    digest = hashlib.sha256(site.package).hexdigest()
    assert http.get(site.release).status_code == 200
    for path in (
        "/apt/", "/rpm/", "/apt/main", "/apt/main/", "/apt/other/key.asc", "/apt/main/dists", f"{top}", f"{top}/",
        f"{top}/main/binary-amd64", f"{top}/main/binary-amd64/", f"{top}/main/binary-s390x/Packages",
        f"/apt/main/{site.deb_suite}/InRelease",
        f"{top}/by-hash/SHA256/{digest}", f"{top}/by-hash/SHA256/{'0' * 64}", f"{top}/by-hash/MD5Sum/{'0' * 32}",
        f"{top}/InRelease/", "/apt/main/pool/", site.pool + "/", site.pool + "x", site.pool.upper(),
        f"/rpm/main/dists/{site.deb_suite}/InRelease", f"/apt/main/{site.rpm_suite}.repo", "/apt/main/none.sources",
        f"/rpm/main/{site.rpm_suite}/x86_64/repodata/", f"/rpm/main/{site.rpm_suite}/repodata/repomd.xml",
        f"/rpm/main/{site.rpm_suite}/ppc64le/repodata/repomd.xml",
    ):  # fmt: skip
        assert http.get(path).status_code == 404, path


def raw(server: Server, target: bytes) -> tuple[int, bytes]:
    """Status and body for a request target that no library has tidied."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


@pytest.mark.parametrize(
    "trick",
    [
        "/apt/main/../../secret.key",
        "/apt/main/pool/../../../keys/deb-main/secret.asc",
        "/apt/main/pool/%2e%2e/%2e%2e/%2e%2e/entrepot.db",
        "/apt/main/pool/%2E%2E%2F%2E%2E%2Fentrepot.db",
        "/apt/main/pool/%252e%252e/entrepot.db",
        "/apt/main/pool/..\\..\\entrepot.db",
        "/apt/main/pool/..%5c..%5centrepot.db",
        "/apt/main/pool/..%c0%af..%c0%afentrepot.db",
        "/apt/%00/key.asc",
        "/apt/main/pool/%00",
        "/apt/main/key.asc%00",
        "/apt/main/key.asc%0a",
        "/apt/main/%ff%fe",
        "/apt/main/blobs/",
        "/apt/../blobs/",
        "/rpm/main/../../data/entrepot.db",
        "/apt/main//etc/passwd",
        "/apt//etc/passwd",
        "/apt/%2fetc/passwd",
        "/apt/main/%2fetc%2fpasswd",
        "/apt/main/" + "a/" * 2000,
        "/apt/main/dists/" + "%41" * 4000,
    ],
)
def test_tricks_with_paths_find_nothing(server: Server, trick: str) -> None:
    assert raw(server, trick.encode()) == (404, b"nothing is published here\n")


def test_a_published_file_has_one_address(server: Server, site: Site) -> None:
    for trick in (
        site.pool.replace("/pool/", "//pool/"),
        site.pool.replace("/pool/", "/./pool/"),
        site.pool.replace("/pool/", "/x/../pool/"),
        site.pool.replace("/pool/", "/pool%2f"),
        site.pool.replace("/main/s/", "/main%2Fs/"),
        site.pool.replace("/apt/", "/apt//"),
    ):
        assert raw(server, trick.encode()) == (404, b"nothing is published here\n"), trick
    escaped = "".join(char if char == "/" else f"%{ord(char):02x}" for char in site.pool.removeprefix("/apt/"))
    assert raw(server, b"/apt/" + escaped.encode())[0] == 200, "apt escapes what it likes, but never a slash"


def test_held_and_removed_content_cannot_be_fetched(
    http: httpx2.Client, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    package = build_deb("pending", fields={"Essential": "yes"})
    files = {"file": ("pending.deb", package)}
    answer = maintainer.client.post("/upload", files=files, data={"distribution": suite})
    assert answer.json()["status"] == "pending_review"
    maintainer.push(build_deb("accepted"), suite)
    digest = hashlib.sha256(package).hexdigest()
    for path in (
        "pool/main/p/pending/pending_1.0_all.deb",
        f"dists/{suite}/by-hash/SHA256/{digest}",
        f"dists/{suite}/main/binary-amd64/by-hash/SHA256/{digest}",
        f"blobs/{digest[:2]}/{digest}",
    ):
        assert http.get(f"/apt/main/{path}").status_code == 404, path
    assert b"pending" not in http.get(f"/apt/main/dists/{suite}/main/binary-amd64/Packages").content


def listed_by_hash(http: httpx2.Client, suite: str) -> dict[str, str]:
    """By-hash addresses of what Release lists now, each with its digest."""
    top = f"/apt/main/dists/{suite}"
    release = parse_release(http.get(f"{top}/Release").content)
    found = {}
    for file in release.files:
        digest = file.digests["sha256"]
        found[f"{top}/{file.path.rpartition('/')[0]}/by-hash/SHA256/{digest}"] = digest
    return found


def test_files_of_superseded_generations_stay_fetchable(
    http: httpx2.Client, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    deb, rpm = new_suite(), new_suite("rpm")
    maintainer.push(build_deb("leaves"), deb)
    maintainer.push(build_rpm("leaves-r"), rpm)
    wanted = listed_by_hash(http, deb)
    base = f"/rpm/main/{rpm}/x86_64"
    repomd = http.get(f"{base}/repodata/repomd.xml").text
    wanted |= {f"{base}/{href}": href[9:73] for href in re.findall(r'location href="([^"]+)"', repomd)}
    maintainer.remove("leaves")
    maintainer.remove("leaves-r")
    for number in range(6):
        maintainer.push(build_deb(f"comes-{number}"), deb)
        maintainer.push(build_rpm(f"comes-r-{number}"), rpm)
    for path, digest in wanted.items():
        answer = http.get(path)
        assert (answer.status_code, hashlib.sha256(answer.content).hexdigest()) == (200, digest), path
    assert http.get("/apt/main/pool/main/l/leaves/leaves_1.0_all.deb").status_code == 200
    assert http.get(f"{base}/Packages/l/leaves-r-1.0-1.noarch.rpm").status_code == 200


def test_collection_takes_what_no_kept_generation_names_and_nothing_else(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "data", generations_kept=2, generation_grace_seconds=0)
    with running_server(tmp_path) as server:
        with server.client() as client:
            maintainer = Maintainer(client)
            suite = maintainer.create("collected")
            maintainer.push(build_deb("for-arm", architecture="arm64"), suite)
            maintainer.push(build_deb("leaves", architecture="amd64"), suite)
            for number in range(4):
                maintainer.push(build_deb(f"comes-{number}", architecture="amd64"), suite)
            kept = listed_by_hash(client, suite)
        server.stop()
        collect(tmp_path, settings.generations_kept)
        server.start()
        with server.client() as client:
            maintainer = Maintainer(client)
            # The index of arm64 is as old as a generation that is gone; now it is superseded, too.
            maintainer.push(build_deb("for-arm-2", architecture="arm64"), suite)
            maintainer.remove("leaves", distribution=suite)
        server.stop()
        server.start()
        with httpx2.Client(base_url=server.url) as http:
            for path, digest in kept.items():
                answer = http.get(path)
                assert (answer.status_code, hashlib.sha256(answer.content).hexdigest()) == (200, digest), path
            assert http.get("/apt/main/pool/main/l/leaves/leaves_1.0_amd64.deb").status_code == 200
        server.stop()
        collect(tmp_path, 0)
        server.start()
        with httpx2.Client(base_url=server.url) as http:
            assert http.get("/apt/main/pool/main/l/leaves/leaves_1.0_amd64.deb").status_code == 404
            for path in listed_by_hash(http, suite):
                assert http.get(path).status_code == 200


def collect(folder: Path, generations_kept: int) -> None:
    """One round of the collector without any grace, while the server is down."""
    settings = load_settings(data=folder / "data", generations_kept=max(1, generations_kept))
    settings = settings.model_copy(
        update={"generations_kept": generations_kept, "generation_grace_seconds": 0, "collect_grace_seconds": 0}
    )
    application = assemble(settings, real_parts(settings))
    application.collector.collect()
    application.catalog.close()


@pytest.mark.parametrize(("program", "first"), [("libdnf (test)", "repomd.xml"), ("ZYpp 17", "repomd.xml.asc")])
def test_a_publication_does_not_part_repomd_from_its_signature(
    http: httpx2.Client, maintainer: Maintainer, new_suite: NewSuite, program: str, first: str
) -> None:
    suite = new_suite("rpm")
    base = f"/rpm/main/{suite}/x86_64/repodata"
    second = "repomd.xml" if first.endswith(".asc") else "repomd.xml.asc"
    client = {"user-agent": program}
    before = {name: http.get(f"{base}/{name}", headers={"user-agent": "early"}).content for name in (first, second)}
    assert http.get(f"{base}/{first}", headers=client).content == before[first]
    maintainer.push(build_rpm(f"between-{suite}"), suite)
    stranger = {name: http.get(f"{base}/{name}", headers={"user-agent": "late"}).content for name in before}
    assert stranger[second] != before[second], "another client sees what is in force"
    assert http.get(f"{base}/{second}", headers=client).content == before[second]
    again = {name: http.get(f"{base}/{name}", headers=client).content for name in (first, second)}
    assert again == stranger, "the next time this client sees it, too"
