"""What a server takes before it begins: its address, and its data folder."""

from __future__ import annotations

import fcntl
import socket
from typing import BinaryIO

from entrepot.errors import BadSetting
from entrepot.settings import Settings


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; made first, so that a port in use is said before anything is touched."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(512)
    return sock


def base_url(settings: Settings, host: str, sock: socket.socket) -> str:
    """Where people find this server, as far as anybody said."""
    shown = f"[{host}]" if ":" in host else host
    return settings.public_url.rstrip("/") or f"http://{shown}:{sock.getsockname()[1]}"


def hold_alone(settings: Settings) -> BinaryIO:
    """A lock on the data folder: with the embedded database, one server has it.

    Raises:
        BadSetting: another server runs on it.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        lock = (settings.data / "server.lock").open("ab")
    except OSError as error:
        raise BadSetting(f"ENTREPOT_DATA: the folder cannot be written: {error.strerror}") from error
    if settings.catalog_url.startswith("sqlite"):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise BadSetting(f"another server runs on the data folder {settings.data}; stop it first") from None
    return lock


def hold_work(settings: Settings) -> BinaryIO:
    """A lock for the process that works: with the embedded database it waits until one before it has died."""
    lock = (settings.data / "worker.lock").open("ab")
    if settings.catalog_url.startswith("sqlite"):
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def say_set_up(url: str, token: str) -> None:
    """How the first administrator is made; on the console only."""
    print(f"\nCreate the first administrator once at: {url}/setup?token={token}\n", flush=True)
