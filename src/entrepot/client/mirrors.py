"""The part of the client about mirrors: suites that follow an upstream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrepot.client.answers import shaped
from entrepot.client.answers_mirrors import (
    BegunRun,
    BegunRuns,
    ChosenPage,
    MirroredSources,
    MirrorJob,
    MirrorJobs,
    MirrorList,
    MirrorPlan,
    MirrorRow,
    Preview,
    RemovedMirror,
    SwitchedSources,
)
from entrepot.client.segments import segment
from entrepot.client.wire import ServerEvent, Wire, given, sent


class MirrorsTheme:
    """``Client.mirrors``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def all(self) -> MirrorList:
        """``GET /mirrors``."""
        return shaped(self._wire("GET", "/mirrors"), MirrorList, mirrors=list, total=int)

    def one(self, mirror: str) -> MirrorRow:
        """``GET /mirrors/{mirror}``."""
        return shaped(self._wire("GET", _path(mirror)), MirrorRow, name=str, status=str)

    def add(  # noqa: PLR0913 - one for each field
        self,
        name: str,
        source: str,
        *,
        archive: str | None = None,
        codename: str | None = None,
        every_hours: int | None = None,
        on_bad: str | None = None,
        kind: str | None = None,
        filter: Mapping[str, object] | None = None,  # noqa: A002 - the name in the API
        keep_removed: bool | None = None,
        download_policy: str | None = None,
        sources: bool | None = None,
        installer: bool | None = None,
    ) -> MirrorRow:
        """``POST /mirrors``: nothing is fetched before ``run``."""
        more = sent(
            archive=archive,
            codename=codename,
            every_hours=every_hours,
            on_bad=on_bad,
            kind=kind,
            filter=filter,
            keep_removed=keep_removed,
            download_policy=download_policy,
            sources=sources,
            installer=installer,
        )
        payload: dict[str, object] = {"name": name, "source": source, **more}
        return shaped(self._wire("POST", "/mirrors", None, payload), MirrorRow, name=str, status=str)

    def preview(self, source: str, filter: Mapping[str, object]) -> Preview:  # noqa: A002
        """``POST /mirrors/preview``: what a filter would take; nothing is fetched."""
        payload: dict[str, object] = {"source": source, "filter": filter}
        return shaped(self._wire("POST", "/mirrors/preview", None, payload), Preview, packages=int, bytes=int)

    def packages(self, mirror: str, *, state: str | None = None, page: int = 1, per_page: int = 100) -> ChosenPage:
        """``GET /mirrors/{mirror}/packages``: of one that is signed here; wanted, ready, placed, held, refused, ..."""
        params = given(state=state, page=page, per_page=per_page)
        return shaped(self._wire("GET", f"{_path(mirror)}/packages", params), ChosenPage, items=list, total=int)

    def change(
        self,
        mirror: str,
        *,
        every_hours: int | None = None,
        on_bad: str | None = None,
        filter: Mapping[str, object] | None = None,  # noqa: A002
        keep_removed: bool | None = None,
        download_policy: str | None = None,
        sources: bool | None = None,
        installer: bool | None = None,
    ) -> MirrorRow:
        """``PATCH /mirrors/{mirror}``: what is not given stays; a filter is replaced as a whole."""
        payload = sent(
            every_hours=every_hours,
            on_bad=on_bad,
            filter=filter,
            keep_removed=keep_removed,
            download_policy=download_policy,
            sources=sources,
            installer=installer,
        )
        return shaped(self._wire("PATCH", _path(mirror), None, payload), MirrorRow, name=str, status=str)

    def remove(self, mirror: str) -> RemovedMirror:
        """``DELETE /mirrors/{mirror}``: with its suite."""
        return shaped(self._wire("DELETE", _path(mirror)), RemovedMirror, status=str)

    def run(self, mirror: str, *, accept_loss: bool = False, accept_bad: bool = False) -> BegunRun:
        """``POST /mirrors/{mirror}/run``: begin, without waiting; ``Client.jobs`` follows it."""
        payload: dict[str, object] = {"accept_loss": accept_loss, "accept_bad": accept_bad}
        return shaped(self._wire("POST", f"{_path(mirror)}/run", None, payload), BegunRun, job_id=str)

    def sources(self) -> MirroredSources:
        """``GET /import/mirror/sources``: which of them have mirrors, and whether these run by the plan."""
        return shaped(self._wire("GET", "/import/mirror/sources"), MirroredSources, sources=list)

    def switch(self, sources: Mapping[str, bool]) -> SwitchedSources:
        """``POST /import/mirror/sources``: have mirrors of these run by the plan, or not."""
        payload: dict[str, object] = {"sources": dict(sources)}
        return shaped(self._wire("POST", "/import/mirror/sources", None, payload), SwitchedSources, sources=dict)

    def plan(self) -> MirrorPlan:
        """``GET /import/mirror/schedule``."""
        return shaped(self._wire("GET", "/import/mirror/schedule"), MirrorPlan, enabled=bool, cron=str)

    def change_plan(
        self,
        *,
        enabled: bool | None = None,
        hour: int | None = None,
        minute: int | None = None,
        timezone: str | None = None,
        max_packages_per_run: int | None = None,
        max_runtime_minutes: int | None = None,
        min_free_disk_gb: int | None = None,
    ) -> MirrorPlan:
        """``POST /import/mirror/schedule``: what is given is changed."""
        payload = sent(
            enabled=enabled,
            hour=hour,
            minute=minute,
            timezone=timezone,
            max_packages_per_run=max_packages_per_run,
            max_runtime_minutes=max_runtime_minutes,
            min_free_disk_gb=min_free_disk_gb,
        )
        return shaped(self._wire("POST", "/import/mirror/schedule", None, payload), MirrorPlan, enabled=bool, cron=str)

    def start(self, source: str, *, limit: int | None = None) -> BegunRuns:
        """``POST /import/mirror/start/{source}``: run every mirror of a source; the limit bounds nothing here."""
        answer = self._wire("POST", f"/import/mirror/start/{segment(source)}", given(limit=limit))
        return shaped(answer, BegunRuns, job_id=str, already_running=bool)

    def runs(self) -> MirrorJobs:
        """``GET /import/mirror/jobs``: newest first."""
        return shaped(self._wire("GET", "/import/mirror/jobs"), MirrorJobs, jobs=list, total=int)

    def run_job(self, job_id: str) -> MirrorJob:
        """``GET /import/mirror/jobs/{job_id}``."""
        return shaped(self._wire("GET", f"/import/mirror/jobs/{segment(job_id)}"), MirrorJob, job_id=str, status=str)

    def cancel_run(self, job_id: str) -> MirrorJob:
        """``POST /import/mirror/jobs/{job_id}/cancel``: what was in force before stays."""
        answer = self._wire("POST", f"/import/mirror/jobs/{segment(job_id)}/cancel")
        return shaped(answer, MirrorJob, job_id=str, status=str)

    def follow_run(self, job_id: str, *, from_index: int = 0) -> Iterator[ServerEvent]:
        """``GET /import/mirror/jobs/{job_id}/stream``: until it ends."""
        return self._wire.told("GET", f"/import/mirror/jobs/{segment(job_id)}/stream", {"from_index": from_index})


def _path(mirror: str) -> str:
    return f"/mirrors/{segment(mirror)}"
