"""The part of the client about mirrors: suites that follow an upstream."""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.client.answers import shaped
from entrepot.client.answers_mirrors import BegunRun, MirrorList, MirrorRow, Preview, RemovedMirror
from entrepot.client.segments import segment
from entrepot.client.wire import Wire, sent


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
        )
        payload: dict[str, object] = {"name": name, "source": source, **more}
        return shaped(self._wire("POST", "/mirrors", None, payload), MirrorRow, name=str, status=str)

    def preview(self, source: str, filter: Mapping[str, object]) -> Preview:  # noqa: A002
        """``POST /mirrors/preview``: what a filter would take; nothing is fetched."""
        payload: dict[str, object] = {"source": source, "filter": filter}
        return shaped(self._wire("POST", "/mirrors/preview", None, payload), Preview, packages=int, unresolved=list)

    def change(
        self,
        mirror: str,
        *,
        every_hours: int | None = None,
        on_bad: str | None = None,
        filter: Mapping[str, object] | None = None,  # noqa: A002
        keep_removed: bool | None = None,
        download_policy: str | None = None,
    ) -> MirrorRow:
        """``PATCH /mirrors/{mirror}``: what is not given stays; a filter is replaced as a whole."""
        payload = sent(
            every_hours=every_hours,
            on_bad=on_bad,
            filter=filter,
            keep_removed=keep_removed,
            download_policy=download_policy,
        )
        return shaped(self._wire("PATCH", _path(mirror), None, payload), MirrorRow, name=str, status=str)

    def remove(self, mirror: str) -> RemovedMirror:
        """``DELETE /mirrors/{mirror}``: with its suite."""
        return shaped(self._wire("DELETE", _path(mirror)), RemovedMirror, status=str)

    def run(self, mirror: str, *, accept_loss: bool = False, accept_bad: bool = False) -> BegunRun:
        """``POST /mirrors/{mirror}/run``: begin, without waiting; ``Client.jobs`` follows it."""
        payload: dict[str, object] = {"accept_loss": accept_loss, "accept_bad": accept_bad}
        return shaped(self._wire("POST", f"{_path(mirror)}/run", None, payload), BegunRun, job_id=str)


def _path(mirror: str) -> str:
    return f"/mirrors/{segment(mirror)}"
