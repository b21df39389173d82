"""Volumes that lie in a folder of the server, such as on a disk that somebody has plugged in: received by a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import BinaryIO, cast

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.jobs import Begin
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import InvalidRequest
from entrepot.services.bundles.receiving import BundleReceiving

RECEIVE_JOB = "bundle-receive"
_MOST_FILES = 1000
_TELL_BYTES = 64 << 20

OpenBelow = Callable[[str], AbstractContextManager[BinaryIO]]
"""A file below the folder by its name; raises ``InvalidRequest`` or ``NotFound``."""


class _Stop(Exception):
    """Somebody wants it to end."""


class BundleFolders:
    """Begins jobs and does them."""

    def __init__(
        self,
        catalog: Catalog,
        receiving: BundleReceiving,
        open_below: OpenBelow,
        begin: Begin,
        wake: Callable[[JobId], None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._receiving = receiving
        self._open = open_below
        self._begin = begin
        self._wake = wake
        self._now = now

    def begin(self, actor: Actor, files: Sequence[str]) -> JobId:
        """The job that receives these volumes.

        Raises:
            InvalidRequest, NotFound: there is no such file, or no folder for them.
        """
        demand(actor, Permission.BUNDLE_IMPORT)
        if not 1 <= len(files) <= _MOST_FILES:
            raise InvalidRequest(f"files: name 1 to {_MOST_FILES} volumes", field="files")
        for name in files:
            with self._open(name):
                pass
        detail: dict[str, JsonValue] = {"files": list(files[:20])}
        with self._catalog.write() as unit:
            job = self._begin(unit, RECEIVE_JOB, files[0][:200], actor, "", None, {"files": list(files)})
            unit.audit(AuditEntry("BUNDLE_RECEIVE", "START", actor, self._now(), detail={**detail, "job": job}))
        self._wake(job)
        return job

    def pursue(self, work: Work) -> Mapping[str, JsonValue]:
        """Do a job; what is stored already is read past.

        Raises:
            EntrepotError: a volume is not to be believed; what came before it stays.
        """
        actor = Actor(work.begun_by, frozenset({Role.ADMIN}), work.address)
        result: dict[str, JsonValue] = {}
        for name in cast("Sequence[str]", work.parameters["files"]):
            try:
                with self._open(name) as file:
                    received = self._receiving.receive(actor, _Watched(file, name, work))
            except _Stop:
                return {}
            lack = received.lack
            result = {"bundle": received.bundle.id, "missing": lack.files, "missing_bytes": lack.size_bytes}
        return result


class _Watched:
    """A volume that is read as long as nobody wants it to end."""

    def __init__(self, file: BinaryIO, name: str, work: Work) -> None:
        self._file = file
        self._name = name
        self._work = work
        self._count = self._told = 0

    def read(self, size: int, /) -> bytes:
        if self._work.cancelled():
            raise _Stop
        data = self._file.read(size)
        self._count += len(data)
        if self._count - self._told >= _TELL_BYTES:
            self._told = self._count
            message = f"{self._name}: {self._count >> 20} MiB"
            self._work.progress(done=self._count, event={"message": message, "level": "info"})
        return data
