"""The part of the client about mirrors: suites that show what an upstream shows."""

from __future__ import annotations

from entrepot.client.answers import shaped
from entrepot.client.answers_mirrors import BegunRun, MirrorList, MirrorRow, RemovedMirror
from entrepot.client.segments import segment
from entrepot.client.wire import Wire, given


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

    def add(
        self,
        name: str,
        source: str,
        *,
        archive: str | None = None,
        codename: str | None = None,
        every_hours: int | None = None,
        on_bad: str | None = None,
    ) -> MirrorRow:
        """``POST /mirrors``: nothing is fetched before ``run``."""
        more = given(archive=archive, codename=codename, every_hours=every_hours, on_bad=on_bad)
        payload: dict[str, object] = {"name": name, "source": source, **more}
        return shaped(self._wire("POST", "/mirrors", None, payload), MirrorRow, name=str, status=str)

    def change(self, mirror: str, *, every_hours: int | None = None, on_bad: str | None = None) -> MirrorRow:
        """``PATCH /mirrors/{mirror}``: what is not given stays."""
        payload: dict[str, object] = {**given(every_hours=every_hours, on_bad=on_bad)}
        return shaped(self._wire("PATCH", _path(mirror), None, payload), MirrorRow, name=str, status=str)

    def remove(self, mirror: str) -> RemovedMirror:
        """``DELETE /mirrors/{mirror}``: with its suite."""
        return shaped(self._wire("DELETE", _path(mirror)), RemovedMirror, status=str)

    def run(self, mirror: str, *, accept_loss: bool = False) -> BegunRun:
        """``POST /mirrors/{mirror}/run``: begin, without waiting; ``Client.jobs`` follows it."""
        payload: dict[str, object] = {"accept_loss": accept_loss}
        return shaped(self._wire("POST", f"{_path(mirror)}/run", None, payload), BegunRun, job_id=str)


def _path(mirror: str) -> str:
    return f"/mirrors/{segment(mirror)}"
