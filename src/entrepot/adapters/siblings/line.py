"""The end of a process that answers: says what it wants, and hears what was done."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from entrepot.adapters.siblings.words import MOST_BYTES, Present, Ready, Switched, Wanted, read, written
from entrepot.domain.jobs.goals import Goal

_AGAIN_SECONDS, _LOOK_SECONDS = 0.1, 0.5


class Line:
    """A connection that is made again when the process that works has died.

    What cannot be said now is kept, the newest word of each thing, and said later.
    """

    def __init__(self, address: Path) -> None:
        self._address = str(address)
        self._hear: Callable[[Switched], None] | None = None
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._unsent: dict[str, bytes] = {}
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)

    def start(self, hear: Callable[[Switched], None]) -> None:
        """Call, and call again, until ``stop``; ``hear`` is told in a thread of the line."""
        self._hear = hear
        self._thread.start()

    def stop(self) -> None:
        """Hang up."""
        self._ended.set()
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def ready(self) -> bool:
        """Whether somebody listens who works."""
        return self._ready.is_set()

    def settle(self, seconds: float) -> bool:
        """Wait for somebody who works, at most for a time; whether there is one."""
        return self._ready.wait(seconds)

    def want(self, goal: Goal) -> None:
        """Have it pursued; never waits."""
        self._say(goal.key, written(Wanted(goal)))

    def note(self, present: Present) -> None:
        """Tell how many are where; never waits."""
        self._say(f"{present.place.value} {present.suite_id}", written(present))

    def _say(self, about: str, data: bytes) -> None:
        with self._lock:
            self._unsent[about] = data
            self._send()

    def _send(self) -> None:
        while self._socket is not None and self._unsent:
            about = next(iter(self._unsent))
            try:
                self._socket.send(self._unsent[about], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except OSError:  # nobody reads, or nobody is there: the thread notices, and says it later
                return
            del self._unsent[about]

    def _run(self) -> None:
        while not self._ended.is_set():
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as made:
                try:
                    made.connect(self._address)
                except OSError:
                    self._ended.wait(_AGAIN_SECONDS)
                    continue
                with self._lock:
                    self._socket = made
                try:
                    self._listen(made)
                finally:
                    with self._lock:
                        self._socket = None
                        self._ready.clear()

    def _listen(self, made: socket.socket) -> None:
        poll = select.poll()
        poll.register(made, select.POLLIN)
        while not self._ended.is_set():
            with self._lock:
                self._send()
            if not poll.poll(_LOOK_SECONDS * 1000):
                continue
            try:
                data = made.recv(MOST_BYTES)
            except OSError:
                return
            if not data:
                return
            match read(data):
                case Ready():
                    self._ready.set()
                case Switched() as switched if self._hear is not None:
                    self._hear(switched)
