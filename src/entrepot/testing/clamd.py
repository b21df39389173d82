"""A real clamd of our own: Debian's program, a socket in a throw-away folder, and one signature, that of EICAR."""

from __future__ import annotations

import contextlib
import getpass
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from entrepot.testing.postgres import free_port

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!" + b"$H+H*"
"""The standard test string that scanners find, and that harms nobody."""
SIGNATURE = "Test.Eicar"
"""What our clamd calls it, with the mark of a signature that nobody vouches for."""
NAME = f"{SIGNATURE}.UNOFFICIAL"
_START_SECONDS = 120
_CONFIGURATION = """
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}
LogFile {folder}/clamd.log
PidFile {folder}/clamd.pid
Foreground yes
User {user}
MaxThreads 4
StreamMaxLength {stream_mb}M
MaxFileSize {file_mb}M
MaxScanSize {scan_mb}M
ConcurrentDatabaseReload no
"""


class ClamdServer:
    """Start it as often as you like; the address stays."""

    def __init__(
        self, program: Path, folder: Path, *, tcp: bool = False, stream_mb: int = 100, file_mb: int = 100
    ) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port() if tcp else 0
        self._socket = folder / "clamd.ctl"
        self.address = f"tcp:127.0.0.1:{self._port}" if tcp else f"unix:{self._socket}"
        (folder / "signatures").mkdir(parents=True)
        # Name, target (any), offset (anywhere), bytes.
        (folder / "signatures/test.ndb").write_text(f"{SIGNATURE}:0:*:{EICAR.hex()}\n", encoding="ascii")
        where = f"TCPSocket {self._port}\nTCPAddr 127.0.0.1\n" if tcp else f"LocalSocket {self._socket}\n"
        text = _CONFIGURATION.format(
            folder=folder, user=getpass.getuser(), stream_mb=stream_mb, file_mb=file_mb, scan_mb=4 * file_mb
        )
        (folder / "clamd.conf").write_text(where + text, encoding="utf-8")

    def start(self) -> None:
        """And wait until it answers."""
        self._socket.unlink(missing_ok=True)
        with (self._folder / "clamd.out").open("ab") as out:
            command = [str(self._program), "-c", str(self._folder / "clamd.conf")]
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"clamd did not start: {(self._folder / 'clamd.out').read_text()}")
            time.sleep(0.02)

    def learn(self, name: str, content: bytes) -> None:
        """One more signature, known when this returns."""
        with (self._folder / "signatures/test.ndb").open("a", encoding="ascii") as signatures:
            signatures.write(f"{name}:0:*:{content.hex()}\n")
        with self._connected() as connection:
            connection.sendall(b"zRELOAD\0")
            connection.recv(32)
        # Reloading is not concurrent here: the next answer comes after it.
        while not self._answers():
            time.sleep(0.02)

    def kill(self) -> None:
        """As rude as a crash."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=60)
            self._process = None

    def pause(self) -> None:
        """It hangs: connections are accepted by the system, nobody answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), self._connected() as connection:
            connection.sendall(b"zPING\0")
            return connection.recv(16) == b"PONG\0"
        return False

    def _connected(self) -> socket.socket:
        if self._port:
            return socket.create_connection(("127.0.0.1", self._port), 5)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(5)
        try:
            connection.connect(str(self._socket))
        except OSError:
            connection.close()
            raise
        return connection


def find_clamd() -> Path | None:
    """The program, which Debian puts where users do not look."""
    found = shutil.which("clamd", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    return Path(found) if found else None


@contextlib.contextmanager
def running_clamd(program: Path, folder: Path, *, tcp: bool = False, stream_mb: int = 100) -> Iterator[ClamdServer]:
    """For the time of the block; ``folder`` must not exist, and have a short name (sockets)."""
    server = ClamdServer(program, folder, tcp=tcp, stream_mb=stream_mb)
    server.start()
    try:
        yield server
    finally:
        server.resume()
        server.kill()
