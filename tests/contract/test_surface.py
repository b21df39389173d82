"""What every answer has in common: ids, headers, methods, bounds, log lines, numbers (contract G1..G16, W-27, W-42)."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.contract.people import Office, open_office

from entrepot.testing.debs import build_deb
from entrepot.testing.server import running_server

pytestmark = pytest.mark.xdist_group("surface")
TOKEN = "scrape-" + "x" * 20


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    settings = {"ENTREPOT_METRICS_TOKEN": TOKEN, "ENTREPOT_LOG_FORMAT": "json", "ENTREPOT_REQUEST_LOG": "all"}
    settings |= {"ENTREPOT_TRUSTED_PROXIES": "127.0.0.1"}
    with open_office(tmp_path_factory.mktemp("surface"), **settings) as found:
        yield found


def logged(office: Office) -> list[dict[str, Any]]:
    """Lines of requests."""
    lines = [json.loads(line) for line in office.server.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]


def numbers(office: Office, token: str = TOKEN) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Samples by name and labels."""
    answer = httpx2.get(f"{office.server.url}/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def raw(office: Office, request: bytes) -> bytes:
    """What the server says to some bytes, up to its end of the connection or a pause."""
    with socket.create_connection(("127.0.0.1", office.server.port), timeout=60) as sock:
        sock.sendall(request)
        return sock.recv(65536)


@pytest.mark.parametrize("path", ["/health/live", "/packages", "/no/such/path", "/", "/apt/main/absent"])
def test_a_request_has_an_id_of_its_own_or_the_one_it_came_with(office: Office, path: str) -> None:
    url = office.server.url + path
    first, second = (httpx2.get(url).headers["x-request-id"] for _ in range(2))
    assert first != second
    assert httpx2.get(url, headers={"X-Request-ID": "build-42.a_b"}).headers["x-request-id"] == "build-42.a_b"
    for bad in ("x" * 65, "a b", "<script>"):
        assert httpx2.get(url, headers={"X-Request-ID": bad}).headers["x-request-id"] != bad


@pytest.mark.parametrize(
    "path", ["/health/live", "/packages", "/no/such/path", "/", "/docs", "/setup", "/openapi.json"]
)
def test_every_answer_has_the_headers_that_protect_browsers(office: Office, path: str) -> None:
    headers = httpx2.get(office.server.url + path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy or "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "strict-transport-security" not in headers
    secure = httpx2.get(office.server.url + path, headers={"X-Forwarded-Proto": "https"}).headers
    assert "max-age" in secure["strict-transport-security"]
    foreign = httpx2.get(office.server.url + path, headers={"Origin": "https://elsewhere.example"}).headers
    assert not [name for name in foreign if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/health", "/health/live", "/packages", "/", "/docs", "/distributions", "/settings/"])
def test_head_is_get_without_a_body(office: Office, path: str) -> None:
    got, head = office.admin.get(path), office.admin.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    anonymous = httpx2.get(office.server.url + path), httpx2.head(office.server.url + path)
    assert anonymous[0].status_code == anonymous[1].status_code


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
def test_other_methods_are_told_which_there_are(office: Office, prefix: str) -> None:
    for path, allowed in (
        ("/auth/users", "GET, HEAD, OPTIONS, POST"),
        ("/upload/", "OPTIONS, POST"),
        ("/artifacts/hello", "DELETE, GET, HEAD, OPTIONS"),
    ):
        answer = httpx2.put(f"{office.server.url}{prefix}{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.json() == {"detail": "Method Not Allowed", "error": "method_not_allowed"}
        options = httpx2.request("OPTIONS", f"{office.server.url}{prefix}{path}")
        assert (options.status_code, options.headers["allow"], options.content) == (204, allowed, b"")
    content = httpx2.delete(f"{office.server.url}/apt/main/key.asc")
    assert (content.status_code, content.headers["allow"]) == (405, "GET, HEAD")


def test_unknown_paths_are_told_in_json(office: Office) -> None:
    for path in ("/nothing", "/api/nothing", "/api/v1/auth/nothing", "/auth/users/rita/nothing", "/api/v2/packages"):
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            answer = httpx2.request(method, office.server.url + path)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found", "error": "not_found"})


def test_a_head_that_is_too_large_is_refused_and_cut_off(office: Office) -> None:
    long_line = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 33_000)
    assert raw(office, long_line).startswith(b"HTTP/1.1 414 ")
    one_header = b"GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n" % (b"a" * 70_000)
    assert raw(office, one_header).startswith(b"HTTP/1.1 431 ")
    many = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(300)) + b"\r\n"
    assert raw(office, many).startswith(b"HTTP/1.1 431 ")
    endless = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 400_000
    assert raw(office, endless).startswith(b"HTTP/1.1 431 ")
    assert httpx2.get(office.server.url + "/auth/roles", headers={"X": "a" * 20_000}).status_code == 200


@pytest.mark.parametrize("host", [b"evil.example/<script>", b"a b", b"x@y", b"[::1", b"a\tb", b"x:99999999"])
def test_a_malformed_host_header_gets_into_no_answer(office: Office, host: bytes) -> None:
    token = office.server.token().encode()
    for path in (b"/distributions", b"/archives", b"/apt/main/jammy.sources"):
        head = b"GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n"
        answer = raw(office, head % (path, host, token))
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 200 "))
        assert host not in answer


def test_each_request_is_one_line_without_secrets(office: Office) -> None:
    mark = "line-1"
    secret = office.token(role="reader")["token"]
    with office.bearing(secret) as client:
        client.get(f"/packages?q=hello&token={secret}&reset_code=123456", headers={"X-Request-ID": mark})
        client.get("/packages/%0aforged", headers={"X-Request-ID": "line-2"})
        client.get("/apt/main/dists/jammy/InRelease", headers={"X-Request-ID": "line-3"})
    office.sign_in("admin", "Not-the-password-1")
    lines = {line["request_id"]: line for line in logged(office)}
    line = lines[mark]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/packages", 200)
    assert line["query"] == "q=hello&token=***&reset_code=***"
    assert line["principal"].startswith("token:program")
    assert line["address"] == "127.0.0.1"
    assert line["ms"] >= 0
    assert lines["line-2"]["path"] == "/packages/%0aforged"
    assert lines["line-3"]["route"] == "content"
    text = office.server.log.read_text()
    for hidden in (secret, "123456", "Not-the-password-1", office.server.password, TOKEN):
        assert hidden not in text


def test_metrics_are_for_auditors_and_the_token_alone(office: Office) -> None:
    url = f"{office.server.url}/metrics"
    assert httpx2.get(url).status_code == 401
    assert httpx2.get(url, headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 401
    for role, status in (("reader", 403), ("uploader", 403), ("auditor", 200)):
        with office.bearing(office.token(role=role)["token"]) as client:
            assert client.get("/api/v1/metrics/").status_code == status
    # The token opens nothing else.
    assert httpx2.get(f"{office.server.url}/packages", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 401


def test_metrics_count_what_happened(office: Office) -> None:
    before = numbers(office)
    package = {"file": ("counted_1_all.deb", build_deb("counted", "1"))}
    assert office.admin.post("/upload", files=package, data={"distribution": "jammy"}).status_code == 201
    for name in ("a", "b", "c"):
        office.admin.get(f"/artifacts/{name}")
    office.sign_in("admin", "Not-the-password-2")
    assert office.admin.get("/apt/main/dists/jammy/InRelease").status_code == 200
    assert office.admin.get("/apt/main/pool/absent.deb").status_code == 404
    after = numbers(office)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after.get(key, 0) - before.get(key, 0)

    route = {"method": "GET", "route": "/artifacts/{name}", "status": "404"}
    assert grown("entrepot_http_request_seconds_count", **route) == 3
    assert grown("entrepot_uploads_total", outcome="accepted") == 1
    assert grown("entrepot_sign_in_failures_total") == 1
    assert grown("entrepot_content_requests_total", kind="release", status="200") == 1
    assert grown("entrepot_content_requests_total", kind="pool", status="404") == 1
    assert grown("entrepot_content_bytes_total", kind="release") > 500
    assert grown("entrepot_goal_seconds_count", kind="publish", outcome="done") >= 1
    assert after["entrepot_http_requests_in_flight", ()] == 1
    jammy = (("archive", "main"), ("format", "deb"), ("suite", "jammy"))
    for name in ("packages", "bytes", "behind", "generations", "publications_total"):
        assert (f"entrepot_suite_{name}", jammy) in after
    for name in ("stored_packages", "stored_package_bytes", "audit_entries_total", "suites_unpublished"):
        assert (f"entrepot_{name}", ()) in after
    assert ("entrepot_admissions", (("state", "held"),)) in after
    assert after["entrepot_database_seconds", ()] > 0
    assert any(name == "entrepot_build_info" for name, _ in after)


def test_labels_do_not_grow_with_what_strangers_ask(office: Office) -> None:
    before = set(numbers(office))
    for number in range(20):
        httpx2.get(f"{office.server.url}/nothing/{number}")
        httpx2.get(f"{office.server.url}/apt/main/nothing/{number}")
        httpx2.request(f"VERB{number}", f"{office.server.url}/packages")
    new = {key for key in set(numbers(office)) - before if not key[0].endswith("_bucket")}
    assert len(new) <= 12, new


def test_processes_of_one_server_answer_for_each_other(tmp_path: Path) -> None:
    with running_server(tmp_path, "--processes", "3", ENTREPOT_METRICS_TOKEN=TOKEN) as server:
        for _ in range(40):
            assert httpx2.get(f"{server.url}/auth/roles", timeout=60).status_code == 200
        counted, bearer = set(), {"Authorization": f"Bearer {TOKEN}"}
        for _ in range(8):
            text = httpx2.get(f"{server.url}/metrics", headers=bearer, timeout=60).text
            found = re.search(r'entrepot_http_request_seconds_count\{.*route="/auth/roles".*\} ([0-9.]+)', text)
            assert found
            counted.add(float(found[1]))
        assert counted == {40.0}


def test_the_server_lives_while_uploads_stand_still(office: Office) -> None:
    """More of them than there are threads to work in."""
    token = office.server.token()
    head = (
        f"POST /upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 100000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        'Content-Disposition: form-data; name="file"; filename="x_1_all.deb"\r\n\r\n'
    ).encode()
    stalled = [socket.create_connection(("127.0.0.1", office.server.port)) for _ in range(60)]
    try:
        for sock in stalled:
            sock.sendall(head + b"x" * 200_000)
        assert httpx2.get(f"{office.server.url}/health/live", timeout=60).json()["alive"] is True
        assert office.admin.get("/packages", timeout=60).status_code == 200
        assert office.admin.get("/apt/main/key.asc", timeout=60).status_code == 200
    finally:
        for sock in stalled:
            sock.close()
