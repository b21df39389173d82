"""How the directory is, from its last answer: nobody who looks has to wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from entrepot.adapters.directory.base import People, Person
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.federation import Directory
from entrepot.errors import DirectoryRefused, DirectoryTimedOut, DirectoryUnavailable, EntrepotError

_OLD_SECONDS = 60
_NOBODY = "entrepot-health"


@dataclass(frozen=True, slots=True)
class _Outcome:
    where: Directory
    problem: str
    at: float


class WatchedPeople:
    """Implements ``People`` over another, and remembers how its last question went; in this process."""

    def __init__(self, people: People, settings: Callable[[], Configuration], monotonic: Callable[[], float]) -> None:
        self._people = people
        self._settings = settings
        self._monotonic = monotonic
        self._last: _Outcome | None = None
        self._looking = threading.Lock()

    def recognise(self, where: Directory, username: str, password: str) -> Person | None:
        """Handed on."""
        if not password or "\0" in password or not username.isprintable():
            return self._people.recognise(where, username, password)  # refused without a question
        with self._noted(where):
            return self._people.recognise(where, username, password)

    def find(self, where: Directory, username: str) -> Person | None:
        """Handed on."""
        with self._noted(where):
            return self._people.find(where, username)

    def count(self, where: Directory) -> int:
        """Handed on."""
        with self._noted(where):
            return self._people.count(where)

    @contextmanager
    def _noted(self, where: Directory) -> Iterator[None]:
        try:
            yield
        except (DirectoryRefused, DirectoryTimedOut, DirectoryUnavailable) as error:
            self._note(where, _words(error))
            raise
        self._note(where, "")

    def _note(self, where: Directory, problem: str) -> None:
        if where == self._settings().ldap:  # and not what somebody tries out
            self._last = _Outcome(where, problem, self._monotonic())

    def state(self) -> tuple[str, str]:
        """``ok``, ``error`` or ``disabled``, and what to do.

        Never waits: an answer that is a minute old has the directory asked once more, for whoever looks next.
        """
        where = self._settings().ldap
        if not where.enabled:
            return "disabled", "sign-in through a directory is not set up"
        last = self._last if self._last is not None and self._last.where == where else None
        if last is None or self._monotonic() - last.at >= _OLD_SECONDS:
            self._look(where)
        if last is None:
            return "ok", "not asked yet with these settings; asking now"
        return ("error", last.problem) if last.problem else ("ok", "answered when it was last asked")

    def _look(self, where: Directory) -> None:
        if not self._looking.acquire(blocking=False):
            return

        def ask() -> None:
            try:
                self.find(where, _NOBODY)
            except EntrepotError:
                pass  # it is noted
            finally:
                self._looking.release()

        threading.Thread(target=ask, name="directory-health", daemon=True).start()


def _words(error: EntrepotError) -> str:
    # Details are shown to everybody who is signed in: they name no host and no account.
    if isinstance(error, DirectoryRefused):
        return "the directory refuses our settings; POST /settings/test-ldap says why"
    if isinstance(error, DirectoryTimedOut):
        return "the directory did not answer in time; only local accounts can sign in"
    return "the directory cannot be reached or trusted; only local accounts can sign in"
