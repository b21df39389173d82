"""The end of the process that works: hears what the others want, and tells them what it has done."""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import threading
from collections.abc import Callable

import structlog

from entrepot.adapters.siblings.words import MOST_BYTES, Present, Ready, Switched, Wanted, read, written
from entrepot.domain.jobs.goals import Goal

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5
"""How late an end is noticed."""


class Desk:
    """Takes calls at a listening socket that outlives this process, so that callers of a dead one wait for the next."""

    def __init__(
        self,
        listener: socket.socket,
        submit: Callable[[Goal], None],
        note: Callable[[int, Present], None],
        forget: Callable[[int], None],
    ) -> None:
        self._listener = listener
        self._submit = submit
        self._note = note
        self._forget = forget
        self._callers: set[socket.socket] = set()
        self._wanted: queue.SimpleQueue[Goal | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        # Submitting writes to a database, and nobody else should wait for that.
        self._threads = [
            threading.Thread(target=work, name="desk", daemon=True) for work in (self._take_calls, self._hand_on)
        ]

    def start(self) -> None:
        """Listen."""
        self._listener.settimeout(0)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Hang up; whoever calls now waits for the next process."""
        self._ended.set()
        self._wanted.put(None)
        for thread in self._threads:
            thread.join(timeout=10)

    def tell(self, switched: Switched) -> None:
        """Say it to everybody; who does not read now will look."""
        data = written(switched)
        for caller in list(self._callers):
            with contextlib.suppress(OSError):
                caller.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def _take_calls(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._ended.is_set():
                for key, _ in selector.select(_LOOK_SECONDS):
                    if key.fileobj is self._listener:
                        self._answer(selector)
                    elif isinstance(key.fileobj, socket.socket) and not self._hear(key.fileobj):
                        selector.unregister(key.fileobj)
                        self._hang_up(key.fileobj)
            for caller in list(self._callers):
                self._hang_up(caller)

    def _answer(self, selector: selectors.BaseSelector) -> None:
        with contextlib.suppress(OSError):  # who called has gone
            caller, _ = self._listener.accept()
            caller.settimeout(0)
            selector.register(caller, selectors.EVENT_READ)
            self._callers.add(caller)
            caller.send(written(Ready()), socket.MSG_NOSIGNAL)

    def _hang_up(self, caller: socket.socket) -> None:
        self._callers.discard(caller)
        self._forget(caller.fileno())
        caller.close()

    def _hear(self, caller: socket.socket) -> bool:
        """Everything that was said by now; false when the caller has gone."""
        while True:
            try:
                data = caller.recv(MOST_BYTES)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            match read(data):
                case Wanted(goal):
                    self._wanted.put(goal)
                case Present() as present:
                    self._note(caller.fileno(), present)

    def _hand_on(self) -> None:
        while (goal := self._wanted.get()) is not None:
            try:
                self._submit(goal)
            except Exception:  # noqa: BLE001 - the keeper finds the goal again; the next one must not wait for that
                _log.exception("goal.not_submitted", goal=goal.key)
