"""The part of the client about sources: repositories of other people that packages are imported from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from typing_extensions import TypedDict

from entrepot.client.answers import shaped
from entrepot.client.answers_sources import (
    BegunSync,
    RemovedSource,
    SourceList,
    SourceRow,
    SourceStates,
    SyncJob,
    SyncJobs,
    SyncSchedule,
)
from entrepot.client.segments import segment
from entrepot.client.wire import ServerEvent, Wire, given


class SourceWords(TypedDict, total=False):
    """What can be said about a source; PEM texts where certificates are wanted."""

    label: str
    mirrorlist: str
    distribution: str
    components: Sequence[str]
    architectures: Sequence[str]
    gpg_key: str
    enabled: bool
    security: bool
    allow_unsigned: bool
    check_valid_until: bool
    username: str
    password: str
    client_certificate: str
    client_key: str
    ca: str
    bytes_per_second: int
    connections: int


class SourcesTheme:
    """``Client.sources``.  A source is given by its name or number."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def all(self) -> SourceList:
        """``GET /import/sources``."""
        return shaped(self._wire("GET", "/import/sources"), SourceList, sources=list, total=int)

    def one(self, source: str) -> SourceRow:
        """``GET /import/sources/{source}``."""
        return shaped(self._wire("GET", _path(source)), SourceRow, name=str, status=str)

    def add(self, name: str, type_: str, url: str, **words: Unpack[SourceWords]) -> SourceRow:
        """``POST /import/sources``; ``type_`` is apt or rpm."""
        payload = {"name": name, "type": type_, "url": url, **words}
        return shaped(self._wire("POST", "/import/sources", None, payload), SourceRow, name=str, status=str)

    def change(self, source: str, *, url: str | None = None, **words: Unpack[SourceWords]) -> SourceRow:
        """``PATCH /import/sources/{source}``: what is not given stays."""
        payload: dict[str, object] = {**words, **given(url=url)}
        return shaped(self._wire("PATCH", _path(source), None, payload), SourceRow, name=str, status=str)

    def remove(self, source: str) -> RemovedSource:
        """``DELETE /import/sources/{source}``."""
        return shaped(self._wire("DELETE", _path(source)), RemovedSource, status=str)

    def watch(self, source: str, *, accept_loss: bool = False) -> Iterator[ServerEvent]:
        """``POST /import/sources/{source}/sync``: begin, or join, and hear how it goes; the last event says the end."""
        return self._wire.told("POST", f"{_path(source)}/sync", given(accept_loss=accept_loss))

    def sync(self, source: str, *, accept_loss: bool = False) -> BegunSync:
        """``POST /import/sync/{source}``: begin, without waiting."""
        path = f"/import/sync/{segment(source)}"
        return shaped(self._wire("POST", path, given(accept_loss=accept_loss), {}), BegunSync, job_id=str)

    def sync_all(self, sources: Sequence[str] | None = None) -> BegunSync:
        """``POST /import/sync``: all that are switched on, or these."""
        payload: dict[str, object] = {} if sources is None else {"sources": list(sources)}
        return shaped(self._wire("POST", "/import/sync", None, payload), BegunSync, job_id=str)

    def sync_security(self) -> BegunSync:
        """``POST /import/sync-security``."""
        return shaped(self._wire("POST", "/import/sync-security"), BegunSync, job_id=str)

    def start_all(self) -> BegunSync:
        """``POST /import/sync/start``: all that are switched on."""
        return shaped(self._wire("POST", "/import/sync/start"), BegunSync, job_id=str)

    def start(self, target: str) -> BegunSync:
        """``POST /import/sync/start/{target}``: ``apt``, ``rpm``, or one source."""
        return shaped(self._wire("POST", f"/import/sync/start/{segment(target)}"), BegunSync, job_id=str)

    def states(self) -> SourceStates:
        """``GET /import/sync-status``."""
        return shaped(self._wire("GET", "/import/sync-status"), SourceStates, sources=list)

    def schedule(self) -> SyncSchedule:
        """``GET /import/sync-schedule``."""
        return shaped(self._wire("GET", "/import/sync-schedule"), SyncSchedule, schedule=str, enabled=bool)

    def jobs(self) -> SyncJobs:
        """``GET /import/sync/jobs``."""
        return shaped(self._wire("GET", "/import/sync/jobs"), SyncJobs, jobs=list)

    def active_jobs(self) -> SyncJobs:
        """``GET /import/sync/jobs/active``."""
        return shaped(self._wire("GET", "/import/sync/jobs/active"), SyncJobs, jobs=list)

    def job(self, job_id: str) -> SyncJob:
        """``GET /import/sync/jobs/{job_id}``."""
        return shaped(self._wire("GET", _job(job_id)), SyncJob, job_id=str, status=str)

    def follow(self, job_id: str, *, from_index: int = 0) -> Iterator[ServerEvent]:
        """``GET /import/sync/jobs/{job_id}/stream``: what it told from an index on, and what it tells."""
        return self._wire.told("GET", f"{_job(job_id)}/stream", {"from_index": from_index})

    def cancel(self, job_id: str) -> SyncJob:
        """``POST /import/sync/jobs/{job_id}/cancel``: what was in force before stays."""
        return shaped(self._wire("POST", f"{_job(job_id)}/cancel"), SyncJob, job_id=str, status=str)


def _path(source: str) -> str:
    return f"/import/sources/{segment(source)}"


def _job(job_id: str) -> str:
    return f"/import/sync/jobs/{segment(job_id)}"
