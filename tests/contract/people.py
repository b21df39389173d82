"""A real server and the people who use it, for the transcripts of the account routes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from entrepot.testing.server import Server, running_server

PASSWORD = "SecurePass1!"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Office:
    """A server, seen by its administrator and by others."""

    server: Server
    admin: httpx2.Client

    def sign_in(self, username: str, password: str = PASSWORD, address: str = "127.0.0.1") -> httpx2.Response:
        """From one of this machine's loopback addresses."""
        with httpx2.Client(transport=httpx2.HTTPTransport(local_address=address), timeout=30) as client:
            return client.post(f"{self.server.url}/auth/token", json={"username": username, "password": password})

    @contextlib.contextmanager
    def bearing(self, credential: str) -> Iterator[httpx2.Client]:
        """A client with a session or an API token."""
        headers = {"Authorization": f"Bearer {credential}"}
        with httpx2.Client(base_url=self.server.url, headers=headers, timeout=60) as client:
            yield client

    @contextlib.contextmanager
    def session(self, username: str, password: str = PASSWORD) -> Iterator[httpx2.Client]:
        """A signed-in person."""
        answer = self.sign_in(username, password)
        assert answer.status_code == 200, answer.text
        with self.bearing(answer.json()["access_token"]) as client:
            yield client

    def hire(self, **fields: Any) -> str:
        """A new account with a name of its own; the name."""
        username = f"person{next(_numbers)}"
        answer = self.admin.post("/auth/users", json={"username": username, "password": PASSWORD, **fields})
        assert answer.status_code == 201, answer.text
        return username

    def token(self, **fields: Any) -> dict[str, Any]:
        """A new API token."""
        answer = self.admin.post("/auth/api-tokens", json={"name": f"program {next(_numbers)}", **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def audited(self, action: str) -> list[dict[str, Any]]:
        """Audit entries of one kind, newest first."""
        with contextlib.closing(sqlite3.connect(self.server.data / "entrepot.db")) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute("SELECT * FROM audit WHERE action = ? ORDER BY id DESC", (action,)).fetchall()
        return [{**dict(row), "detail": json.loads(row["detail"])} for row in rows]


@contextlib.contextmanager
def open_office(folder: Path, **settings: str) -> Iterator[Office]:
    """For the time of the block; signing in is not limited unless a setting says so."""
    with (
        running_server(folder, **settings) as server,
        server.client() as admin,
    ):
        yield Office(server, admin)


def status_of(client: httpx2.Client, path: str = "/auth/me") -> int:
    """What a request with this credential gets."""
    return client.get(path).status_code
