"""The example configuration in a real nginx: it sends the packages, and gives away nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server, running_server

_MISSING = missing_programs("nginx")
needs_nginx = pytest.mark.skipif(bool(_MISSING), reason="NGINX IS NOT INSTALLED HERE (Debian: nginx-light)")
pytestmark = pytest.mark.clients

EXAMPLE = Path(__file__).parents[2] / "deploy/nginx.conf"
MAIN = """\
daemon off;
{user}
worker_processes 1;
error_log {folder}/error.log info;
pid {folder}/nginx.pid;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    log_format parts '$request_uri $status $body_bytes_sent $upstream_bytes_received';
    access_log {folder}/access.log parts;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Fronted:
    """An nginx before a server, with one package of each format."""

    url: str
    backend: str
    folder: Path
    deb: bytes
    rpm: bytes
    pool: str

    def log_of(self, path: str) -> list[tuple[int, int, int]]:
        """Status, bytes sent and bytes that came from behind, of each request for a path so far."""
        lines = [line.split() for line in (self.folder / "access.log").read_text().split("\n") if line]
        return [(int(status), int(sent), int(behind)) for uri, status, sent, behind in lines if uri == path]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def rendered(port: int, backend: str, data: Path) -> str:
    """The example with exactly the lines changed that it marks; each must be there."""
    text = EXAMPLE.read_text()
    for old, new in (
        ("server 127.0.0.1:8000;", f"server {backend};"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("server_name packages.example.org;", "server_name localhost;"),
        ("alias /var/lib/entrepot/blobs/;", f"alias {data}/blobs/;"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    folder, port, own_port = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    url, backend = f"http://127.0.0.1:{port}", f"127.0.0.1:{own_port}"
    settings = {"ENTREPOT_ACCEL": "x-accel:/entrepot-blobs", "ENTREPOT_PUBLIC_URL": url}
    server = Server(folder / "data", settings, port=own_port)
    (folder / "site.conf").write_text(rendered(port, backend, server.data))
    with contextlib.ExitStack() as ends:
        server.start(wait=False)
        ends.callback(server.stop)
        ends.enter_context(running_nginx(folder))
        wait_until_ready(url)
        server.url = url
        deb = build_deb("fronted", files={"usr/share/doc/fronted/hello": os.urandom(3 << 20)})
        rpm = build_rpm("fronted-r", files={"usr/share/doc/fronted-r/hello": os.urandom(1 << 20)})
        with server.client() as client:
            name = Maintainer(client).push(deb, "jammy")["filename"]
            Maintainer(client).push(rpm, "almalinux9")
        yield Fronted(url, f"http://{backend}", folder, deb, rpm, f"/apt/main/pool/main/f/fronted/{name}")


@contextlib.contextmanager
def running_nginx(folder: Path) -> Iterator[None]:
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") or "nginx"
    with (folder / "output.log").open("wb") as output:
        command = [program, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        nginx = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield
    finally:
        nginx.terminate()
        nginx.wait(timeout=20)


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(f"{url}/health/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("nginx and the server did not become ready")


@needs_nginx
def test_nginx_sends_the_packages(fronted: Fronted) -> None:
    got = httpx2.get(fronted.url + fronted.pool)
    assert got.content == fronted.deb
    assert got.headers["server"] == "nginx"
    assert "x-accel-redirect" not in got.headers
    status, sent, behind = fronted.log_of(fronted.pool)[-1]
    assert (status, sent) == (200, len(fronted.deb))
    assert behind < 2000, "the server answered with headers alone"
    direct = httpx2.get(fronted.backend + fronted.pool)
    assert (direct.status_code, direct.content) == (200, b"")
    assert direct.headers["x-accel-redirect"].startswith("/entrepot-blobs/")


@needs_nginx
def test_validators_are_the_same_with_and_without_nginx(fronted: Fronted) -> None:
    url = fronted.url + fronted.pool
    got, direct = httpx2.get(url), httpx2.get(fronted.backend + fronted.pool)
    for name in ("etag", "last-modified", "cache-control", "content-type", "x-content-type-options"):
        assert got.headers.get_list(name) == [direct.headers[name]], name
    assert got.headers["etag"] == f'"{hashlib.sha256(fronted.deb).hexdigest()}"'
    for condition in ({"if-none-match": got.headers["etag"]}, {"if-modified-since": got.headers["last-modified"]}):
        assert httpx2.get(url, headers=condition).status_code == 304
    assert httpx2.get(url, headers={"if-none-match": '"other"'}).status_code == 200
    head = httpx2.head(url)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(fronted.deb)))


@needs_nginx
@pytest.mark.parametrize(
    ("wanted", "part"),
    [("bytes=0-99", slice(0, 100)), ("bytes=1000000-", slice(1_000_000, None)), ("bytes=-5", slice(-5, None))],
)
def test_nginx_cuts_ranges(fronted: Fronted, wanted: str, part: slice) -> None:
    url = fronted.url + fronted.pool
    etag = httpx2.head(url).headers["etag"]
    for condition in ({}, {"if-range": etag}):
        answer = httpx2.get(url, headers={"range": wanted} | condition)
        assert (answer.status_code, answer.content) == (206, fronted.deb[part])
        assert fronted.log_of(fronted.pool)[-1][2] < 2000
    other = httpx2.get(url, headers={"range": wanted, "if-range": '"other"'})
    assert (other.status_code, other.content) == (200, fronted.deb)
    assert httpx2.get(url, headers={"range": "bytes=99999999-"}).status_code == 416


@needs_nginx
def test_blobs_cannot_be_asked_for(fronted: Fronted) -> None:
    digest = hashlib.sha256(fronted.deb).hexdigest()
    for path in (
        f"/entrepot-blobs/{digest[:2]}/{digest}",
        f"//entrepot-blobs/{digest[:2]}/{digest}",
        f"/apt/../entrepot-blobs/{digest[:2]}/{digest}",
        f"/apt/main/%2e%2e/%2e%2e/entrepot-blobs/{digest[:2]}/{digest}",
        "/entrepot-blobs/",
        "/entrepot-blobs../secret.key",
        "/entrepot-blobs/../secret.key",
        "/entrepot-blobs/..%2fsecret.key",
        "/entrepot-blobs",
    ):
        answer = httpx2.get(fronted.url + path, headers={"x-accel-redirect": path})
        assert answer.status_code in (400, 404), path
        assert fronted.deb not in answer.content


@needs_nginx
@pytest.mark.skipif(bool(missing_programs("apt-get", "dpkg")), reason="APT IS NOT INSTALLED HERE")
def test_apt_installs_through_nginx(tmp_path: Path, fronted: Fronted) -> None:
    apt = AptRoot(tmp_path)
    served = httpx2.get(f"{fronted.url}/apt/main/jammy.sources").text
    assert f"URIs: {fronted.url}/apt/main\n" in served
    apt.add_source(served)
    apt.update().checked()
    apt.install("fronted").checked()
    assert apt.installed() == {"fronted": "1.0"}


@needs_nginx
@pytest.mark.skipif(bool(missing_programs("dnf", "rpm")) or os.geteuid() != 0, reason="DNF AND root ARE NEEDED")
def test_dnf_installs_through_nginx(tmp_path: Path, fronted: Fronted) -> None:
    dnf = DnfRoot(tmp_path)
    dnf.add_repo(httpx2.get(f"{fronted.url}/rpm/main/almalinux9.repo").text)
    dnf.install("fronted-r").checked()
    assert dnf.installed() == {"fronted-r": "1.0-1"}


def test_other_front_servers_get_the_path_of_the_file(tmp_path: Path) -> None:
    with running_server(tmp_path, ENTREPOT_ACCEL="x-sendfile") as server, server.client() as client:
        deb = build_deb("sent")
        name = Maintainer(client).push(deb, "jammy")["filename"]
        path = f"/apt/main/pool/main/s/sent/{name}"
        for headers in ({}, {"range": "bytes=1-2"}):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.content) == (200, b"")
            assert Path(answer.headers["x-sendfile"]).read_bytes() == deb
            assert "content-length" not in answer.headers or answer.headers["content-length"] == "0"
        assert "x-sendfile" not in client.head(path).headers
        assert client.get("/apt/main/dists/jammy/InRelease").content.startswith(b"-----BEGIN PGP SIGNED MESSAGE-----")
