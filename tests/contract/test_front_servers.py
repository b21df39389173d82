"""What a front server says of its client is believed only when the settings name that server."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from entrepot.testing.server import running_server

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7", "Host": "packages.example.org"}


@pytest.mark.parametrize(("trusted", "scheme"), [("127.0.0.1", "https"), ("192.0.2.1", "http"), ("", "http")])
def test_links_follow_a_trusted_front_server(tmp_path: Path, trusted: str, scheme: str) -> None:
    with running_server(tmp_path, ENTREPOT_TRUSTED_PROXIES=trusted) as server:
        text = httpx2.get(f"{server.url}/apt/main/jammy.sources", headers=FORWARDED).text
        assert f"URIs: {scheme}://packages.example.org/apt/main\n" in text
        wrong = {"username": server.admin, "password": "wrong"}
        for _ in range(5):
            httpx2.post(f"{server.url}/auth/token", json=wrong, headers=FORWARDED)
        locked = httpx2.post(f"{server.url}/auth/token", json=wrong, headers=FORWARDED)
        assert locked.status_code == 429
        # Five failures of a stranger lock out that stranger alone, if the server knows who it was.
        good = httpx2.post(f"{server.url}/auth/token", json={"username": server.admin, "password": server.password})
        assert (good.status_code == 200) is (trusted == "127.0.0.1")
