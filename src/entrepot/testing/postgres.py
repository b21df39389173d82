"""A real PostgreSQL server of our own: throw-away data, a socket folder and a free port on loopback."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

_ANSWER_SECONDS = 90


class PostgresServer:
    """Started on ``start``; ``kill`` is as rude as a power cut of the server process."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._data = folder / "pg"
        self._log = folder / "pg.log"
        self.port = free_port()
        # The server refuses to run as root.
        self._as: list[str] = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def initialise(self) -> None:
        self._data.mkdir(parents=True)
        if self._as:
            user = pwd.getpwnam("postgres")
            os.chown(self._data, user.pw_uid, user.pw_gid)
            self._log.touch()
            os.chown(self._log, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", "entrepot", "-A", "trust", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._log), "-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    def create_database(self, name: str, *, like: str = "template1") -> str:
        """A fresh database, or a copy of one that nobody uses now; its URL for our settings."""
        address = f"host=127.0.0.1 port={self.port} user=entrepot dbname=postgres"
        with contextlib.closing(psycopg.connect(address, autocommit=True)) as connection:
            names = {"name": sql.Identifier(name), "like": sql.Identifier(like)}
            connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {like}").format(**names))
        return f"postgresql+psycopg://entrepot@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._binaries / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")


def find_binaries() -> Path | None:
    """Folder of the server programs, newest version first; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server for the time of the block.

    Its folder is not one of pytest: each session of that closes the folders above, and the server has another user.
    """
    binaries = find_binaries()
    if binaries is None:
        raise FileNotFoundError("no PostgreSQL server programs are installed (Debian: postgresql)")
    with tempfile.TemporaryDirectory(prefix="entrepot-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = PostgresServer(binaries, folder)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(RuntimeError):
                server.stop("immediate")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = _ANSWER_SECONDS) -> None:
    """Until something listens."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing listens on port {port}")
        time.sleep(0.05)
