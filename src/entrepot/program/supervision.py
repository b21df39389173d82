"""The parent of several processes: owns the socket, starts them, starts another when one has died, ends them in order.

It answers nothing and works nothing, so that there is nothing that it could die of.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import structlog

from entrepot.program import logs
from entrepot.program.claims import base_url, hold_alone, say_set_up
from entrepot.program.members import Birth, answer, work
from entrepot.settings import Settings, share_metrics

_log = structlog.get_logger(__name__)

_START_SECONDS, _GRACE_SECONDS = 300, 30
_LEAST_PAUSE, _MOST_PAUSE, _LIVED_SECONDS = 0.2, 10.0, 30.0
"""Before a process is started again: longer each time, until one has lived for a while."""


class _NotStarted(Exception):
    """A process ended before it was ready; it has said why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class _Member:
    name: str
    begin: Callable[[Birth], None]
    first: bool
    process: SpawnProcess | None = None
    talk: Connection | None = None
    began: float = 0.0
    pause: float = _LEAST_PAUSE
    due: float = 0.0


class _Family:
    """The processes of one server."""

    def __init__(self, flags: Mapping[str, object], sock: socket.socket, folder: Path, works: bool, count: int) -> None:
        self._context = multiprocessing.get_context("spawn")  # forking would copy locks that threads hold
        self._flags, self._sock, self._folder = flags, sock, folder
        self._address = folder / "worker" if works else None
        self._desk = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._desk.bind(str(folder / "worker"))  # the folder is ours alone
        self._desk.listen(128)
        servers = [
            _Member(f"server-{number + 1}", answer, not works and number == 0) for number in range(count - works)
        ]
        self._members = [*([_Member("worker", work, first=True)] if works else []), *servers]

    def start(self) -> str | None:
        """All of them, the first one before the others; the token of a first administrator that has to be made.

        Raises:
            _NotStarted: one could not begin.
        """
        for member in self._members:
            self._bear(member)
        token = self._begun(self._members[:1])
        self._begun(self._members[1:])
        return token

    def keep(self, tell: Callable[[str], None]) -> None:
        """Replace whoever dies, until a signal; ``tell`` hears of a new token."""
        while True:
            living = {one.process.sentinel: one for one in self._members if one.process is not None}
            talks = {one.talk: one for one in self._members if one.talk is not None}
            dues = [one.due for one in self._members if one.process is None]
            pause = None if not dues else max(0.0, min(dues) - time.monotonic())
            found = wait([*living, *talks], pause)
            for talk in talks.keys() & found:  # before the dead among them are forgotten
                self._hear(talks[talk], talk, tell)
            for sentinel in living.keys() & found:
                self._bury(living[sentinel])
            for member in self._members:
                if member.process is None and member.due <= time.monotonic():
                    self._bear(member)
                    self._begin(member)

    def end(self) -> None:
        """Those that answer before the one that works: their requests wait for its publications."""
        workers = [member for member in self._members if member.begin is work]
        for group in ([member for member in self._members if member not in workers], workers):
            running = [member.process for member in group if member.process is not None]
            for process in running:
                process.terminate()
            ends = time.monotonic() + _GRACE_SECONDS
            for process in running:
                process.join(timeout=max(0.0, ends - time.monotonic()))
                if process.is_alive():
                    process.kill()
                    process.join()
        self._desk.close()

    def _bear(self, member: _Member) -> None:
        here, there = self._context.Pipe()
        given = Birth(member.name, self._flags, self._sock, self._desk, self._address, there, member.first)
        member.process = self._context.Process(target=member.begin, args=(given,), name=member.name, daemon=True)
        member.process.start()
        there.close()
        _log.info("process.started", name=member.name, pid=member.process.pid)
        member.talk, member.began = here, time.monotonic()

    def _begin(self, member: _Member) -> None:
        assert member.talk is not None  # noqa: S101 - just born
        with contextlib.suppress(OSError):  # it is dead already, which is noticed in a moment
            member.talk.send("begin")

    def _begun(self, members: list[_Member]) -> str | None:
        token: str | None = None
        for member in members:
            self._begin(member)
        for member in members:
            assert member.talk is not None and member.process is not None  # noqa: S101, PT018 - just born
            try:
                if not member.talk.poll(_START_SECONDS):
                    raise _NotStarted(1)
                _, token = member.talk.recv()
            except (EOFError, OSError):
                member.process.join()
                raise _NotStarted(abs(member.process.exitcode or 1)) from None
        return token

    def _hear(self, member: _Member, talk: Connection, tell: Callable[[str], None]) -> None:
        try:
            _, token = talk.recv()
        except (EOFError, OSError):
            member.talk = None
            return
        _log.info("process.ready", name=member.name)
        if token is not None:
            tell(token)

    def _bury(self, member: _Member) -> None:
        dead = member.process
        assert dead is not None  # noqa: S101 - it was alive
        dead.join()
        for left in self._folder.glob(f"gauge_live*_{dead.pid}.db"):
            left.unlink(missing_ok=True)
        now = time.monotonic()
        member.pause = _LEAST_PAUSE if now - member.began > _LIVED_SECONDS else min(_MOST_PAUSE, member.pause * 2)
        member.process, member.talk, member.due = None, None, now + member.pause
        _log.error("process.died", name=member.name, pid=dead.pid, status=dead.exitcode)


def supervise(host: str, sock: socket.socket, settings: Settings, flags: Mapping[str, object], *, works: bool) -> int:
    """Serve until a signal; the exit status."""
    logs.configure(settings.log_level, settings.log_format, "parent")
    url = base_url(settings, host, sock)
    with hold_alone(settings), tempfile.TemporaryDirectory(prefix="entrepot-") as folder:
        share_metrics(Path(folder))
        family = _Family(flags, sock, Path(folder), works, settings.processes)
        try:
            token = family.start()
            _log.info("server.ready", url=url, data=str(settings.data), works=works, processes=settings.processes)
            if token is not None:
                say_set_up(url, token)
            family.keep(lambda new: say_set_up(url, new))
        except _NotStarted as error:
            return error.status
        except KeyboardInterrupt:
            pass
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)  # it ends already
            family.end()
    return 0
