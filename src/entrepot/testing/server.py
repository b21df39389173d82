"""The real server as a process of its own, on a free port, with a throw-away data folder."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from entrepot.testing.forks import Fork, start_forked

Process = subprocess.Popen[bytes] | Fork

_READY_SECONDS = 180
_LISTENING = re.compile(
    rb"server\.ready.*?url=(?:\x1b\[[0-9;]*m)*(?P<text>http://[0-9.:]+)"
    rb"|\"url\": \"(?P<json>http://[0-9.:]+)\".*\"server\.ready\""
)


@dataclass(slots=True)
class Server:
    """A running server and its first administrator."""

    data: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    admin: str = "admin"
    password: str = field(default_factory=lambda: f"Aa1-{secrets.token_urlsafe(12)}", repr=False)
    port: int = 0
    url: str = ""
    process: Process | None = None
    program: tuple[str, ...] = ("-m", "entrepot")

    @property
    def log(self) -> Path:
        """Everything that the server wrote."""
        return self.data.parent / f"{self.data.name}.log"

    def start(self, *, wait: bool = True) -> None:
        """Start, and wait until it is ready."""
        self.data.mkdir(parents=True, exist_ok=True)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")},
            "ENTREPOT_ADMIN_USERNAME": self.admin,
            "ENTREPOT_ADMIN_PASSWORD": self.password,
            "ENTREPOT_DATA": str(self.data),
            "ENTREPOT_KEY_ALGORITHM": "ed25519",
            "ENTREPOT_RATE_LIMITS": "all=1000000/minute",
            "NO_COLOR": "1",
            **self.environment,
        }
        command = [*self.program, "serve", "--port", str(self.port), *self.arguments]
        with self.log.open("ab") as log:
            start = log.tell()
            self.process = start_forked(command, environment, self.log) or subprocess.Popen(
                [sys.executable, *command], env=environment, stdout=log, stderr=log
            )
        if wait:
            self._wait(start)

    def _wait(self, start: int) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            text = self.log.read_bytes()[start:]
            found = _LISTENING.search(text)
            if found:
                self.url = (found["text"] or found["json"]).decode()
                self.port = int(self.url.rpartition(":")[2])
                with contextlib.suppress(httpx2.HTTPError):
                    if httpx2.get(f"{self.url}/health/ready", timeout=20).status_code == 200:
                        return
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{text.decode(errors='replace')}")
            time.sleep(0.02)

    def kill(self) -> None:
        """As rude as a power cut of the process."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """As Ctrl-C or a service manager does; the exit status."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            status = self.process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process = None
        return status

    def token(self) -> str:
        """A session of the administrator."""
        body = {"username": self.admin, "password": self.password}
        answer = httpx2.post(f"{self.url}/auth/token", json=body, timeout=90)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def client(self) -> httpx2.Client:
        """Signed in; the caller closes it."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=120)


@contextlib.contextmanager
def running_server(folder: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """A server for the time of the block; settings as keyword arguments (``ENTREPOT_...``)."""
    server = Server(folder / "data", environment, arguments)
    server.start()
    try:
        yield server
    finally:
        server.stop()
