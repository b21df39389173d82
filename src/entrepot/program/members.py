"""The processes of a server that has several: each begins here, in an interpreter of its own.

Imports of services are inside the functions: the parent names these functions and needs nothing of what they do.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType


@dataclass(frozen=True, slots=True)
class Birth:
    """What a process is given.

    ``talk`` leads to the parent.  ``address`` is where the one that works is called at, with ``desk``; it is none where
    nobody of this server works.  ``first`` is the one that prepares the installation.
    """

    name: str
    flags: Mapping[str, object]
    sock: socket.socket
    desk: socket.socket
    address: Path | None
    talk: Connection
    first: bool


READY = "ready"
_LINE_SECONDS = 5.0
"""How long to wait for the one that works: it is there already, unless it has just died."""
_PR_SET_PDEATHSIG = 1  # prctl(2)


def work(birth: Birth) -> None:
    """Does durable work and upkeep, and answers no request."""
    # From a terminal everybody gets it; the parent ends its children when it is time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    _run(lambda: _work(birth))


def answer(birth: Birth) -> None:
    """Answers requests."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    _run(lambda: _answer(birth))


def _run(live: Callable[[], None]) -> None:
    from entrepot.entrypoints.cli.failures import ExitCode
    from entrepot.errors import EntrepotError

    try:
        live()
    except EntrepotError as error:
        print(f"entrepot: {error.detail} [{error.code}]", file=sys.stderr, flush=True)
        raise SystemExit(ExitCode.UNKNOWN) from None


def _work(birth: Birth) -> None:
    from dataclasses import replace

    from entrepot.entrypoints.observation import Observation
    from entrepot.main import assemble, prepare_access, real_parts, start, stop
    from entrepot.main.siblings import work_for_others
    from entrepot.program import logs
    from entrepot.program.claims import hold_work
    from entrepot.settings import load_settings, shared_metrics

    birth.talk.recv()  # imports take a second, and all do them at once; from here on the first comes before the others
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ended.set())
    settings = load_settings(**birth.flags)
    records = logs.configure(settings.log_level, settings.log_format, birth.name)
    with hold_work(settings):
        application = assemble(settings, replace(real_parts(settings), records=records))
        desk = work_for_others(application, birth.desk)
        start(application, works=True, watch=Observation(shared_metrics()).goal)
        desk.start()
        application.recorder.start(reads_logs=True)
        try:
            state = prepare_access(application, settings)
            birth.talk.send((READY, state.token))
            ended.wait()
        finally:
            desk.stop()
            application.recorder.stop()
            stop(application)


def _answer(birth: Birth) -> None:
    from dataclasses import replace

    from entrepot.adapters.siblings.line import Line
    from entrepot.entrypoints.observation import Observation
    from entrepot.main import assemble, prepare_access, real_parts, start, stop
    from entrepot.main.siblings import leave_work_to_another
    from entrepot.program import logs
    from entrepot.program.serving import answer_requests, make_front
    from entrepot.settings import load_settings, shared_metrics

    birth.talk.recv()  # as above
    settings = load_settings(**birth.flags)
    records = logs.configure(settings.log_level, settings.log_format, birth.name)
    line = None if birth.address is None else Line(birth.address)
    parts = real_parts(settings, None if line is None else line.want)
    application = assemble(settings, replace(parts, records=records))
    token: str | None = None
    if birth.first:
        start(application, works=False)
        token = prepare_access(application, settings).token
    else:
        application.queue.start(None)
    if line is not None:
        leave_work_to_another(application, line)
        line.settle(_LINE_SECONDS)
    application.recorder.start(reads_logs=birth.first)
    front = make_front(application, settings, Observation(shared_metrics()))
    try:
        answer_requests(front, settings, birth.sock, lambda: birth.talk.send((READY, token)))
    finally:
        application.recorder.stop()
        if line is not None:
            line.stop()
        if birth.first:
            stop(application)
        else:
            application.on_demand.stop()
            application.queue.stop()
            application.catalog.close()


def _die_with_parent() -> None:
    """At once, as everything here may die at any time: a new parent must not find an old family."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = parent_process()
    if parent is None or wait([parent.sentinel], 0):  # it died before the kernel knew that we want to follow
        os._exit(1)


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
