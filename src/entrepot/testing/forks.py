"""Servers that need not import the program: forks of one process that has.

Importing is three quarters of what a start costs, and the tests start hundreds of servers.  A fork does what the
interpreter does with the same arguments: environment, folder, output and death are its own.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

_IMPORTED = (
    "entrepot.program.serving",
    "entrepot.program.serve",
    "entrepot.entrypoints.cli.app",
    "uvicorn.loops.auto",
    "uvicorn.lifespan.off",
)
_FIXED = ("LD_", "MALLOC_", "PYTHON")
"""Beginnings of variables that are read only when an interpreter starts."""
_nurseries: list[Nursery] = []
"""At most one: whose forks servers are."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a new interpreter would be given; ``words`` begin with ``-m`` and a module, or with a script."""

    words: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    output: str


class Fork:
    """Like ``subprocess.Popen``, as far as tests ask."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery
        self._lock = threading.Lock()
        self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """The exit status, or minus the signal; none while it runs."""
        return self._status(0)

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended.

        Raises:
            subprocess.TimeoutExpired: it runs on.
        """
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(["entrepot"], timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _status(self, seconds: float | None) -> int | None:
        with self._lock:
            if self.returncode is None:
                ended = select.poll()
                ended.register(self._handle, select.POLLIN)
                if ended.poll(None if seconds is None else seconds * 1000):
                    self.returncode = self._nursery.bury(self.pid)
                    os.close(self._handle)
            return self.returncode


class Nursery:
    """The process that forks; it has one thread, and starts when it is needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, words: Sequence[str], environment: Mapping[str, str], output: Path) -> Fork:
        """A new process that writes to the end of ``output``."""
        pid = self._ask(Start(tuple(words), dict(environment), str(Path.cwd()), str(output)))
        return Fork(self, pid)

    def bury(self, pid: int) -> int:
        """Exit status of one that has ended."""
        return self._ask(pid)

    def close(self) -> None:
        """Forks that still run go on."""
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.wait()

    def _ask(self, question: Start | int) -> int:
        with self._lock:
            if self._line is None:
                self._begin()
            assert self._line is not None
            self._line.send(question)
            answer: int = self._line.recv()
        return answer

    def _begin(self) -> None:
        self._line, theirs = Pipe()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
        with theirs:
            command = [sys.executable, "-m", "entrepot.testing.forks", str(theirs.fileno())]
            self._process = subprocess.Popen(
                command, env={**environment, "NO_COLOR": "1"}, pass_fds=[theirs.fileno()], stdout=subprocess.DEVNULL
            )


@contextlib.contextmanager
def forking() -> Iterator[None]:
    """For the time of the block, ``start_forked`` forks."""
    nursery = Nursery()
    _nurseries.append(nursery)
    try:
        yield
    finally:
        _nurseries.remove(nursery)
        nursery.close()


def start_forked(words: Sequence[str], environment: Mapping[str, str], output: Path) -> Fork | None:
    """A fork; none where nobody asked for forks, or only an interpreter of its own would do."""
    known = words[0] == "-m" or words[0].endswith(".py")
    fixed = any(environment.get(name) != os.environ.get(name) for name in environment if name.startswith(_FIXED))
    if not _nurseries or not known or fixed or not hasattr(os, "pidfd_open"):
        return None
    return _nurseries[-1].start(words, environment, output)


def _forked(line: Connection) -> Start | None:
    """Returns in each fork, with what it is to be; and at the end, with nothing."""
    while True:
        try:
            asked: Start | int = line.recv()
        except EOFError:
            return None
        if isinstance(asked, int):
            line.send(os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1]))
            continue
        pid = os.fork()
        if pid == 0:
            line.close()
            return asked
        line.send(pid)


def _become(start: Start) -> None:
    with Path(start.output).open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.clear()
    os.environ.update(start.environment)
    time.tzset()
    os.chdir(start.folder)
    tempfile.tempdir = None
    if start.words[0] == "-m":
        sys.argv = list(start.words[1:])
        sys.path[0] = start.folder
        runpy.run_module(start.words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(start.words)
        sys.path[0] = str(Path(start.words[0]).parent)
        runpy.run_path(start.words[0], run_name="__main__")


def _main() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise RuntimeError("importing the program starts threads; a fork would lose them")
    gc.freeze()
    start = _forked(Connection(int(sys.argv[1])))
    if start is not None:
        _become(start)


if __name__ == "__main__":
    _main()
