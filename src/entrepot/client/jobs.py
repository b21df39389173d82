"""The part of the client about long work: lists, one job, its events, an end to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from entrepot.client.answers import shaped
from entrepot.client.answers_jobs import Job, JobPage
from entrepot.client.errors import Unreachable
from entrepot.client.segments import segment
from entrepot.client.wire import ServerEvent, Wire, given

_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)


class JobsTheme:
    """``Client.jobs``; called itself, it is a page of the list."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __call__(
        self,
        *,
        kind: str | None = None,
        status: str | None = None,
        mine: bool = False,
        page: int = 1,
        per_page: int = 50,
    ) -> JobPage:
        """``GET /jobs``: newest first, what this account began and what its role may see."""
        params = given(kind=kind, status=status, mine=mine, page=page, per_page=per_page)
        return shaped(self._wire("GET", "/jobs", params), JobPage, items=list, total=int, pages=int)

    def one(self, job_id: str) -> Job:
        """``GET /jobs/{job_id}``: how far it is, and its result once it has ended."""
        return shaped(self._wire("GET", f"/jobs/{segment(job_id)}"), Job, job_id=str, status=str)

    def cancel(self, job_id: str) -> Job:
        """``POST /jobs/{job_id}/cancel``: ask it to end, where it leaves everything whole."""
        return shaped(self._wire("POST", f"/jobs/{segment(job_id)}/cancel"), Job, job_id=str, status=str)

    def events(
        self, job_id: str, *, from_index: int | None = None, after: int | None = None, follow: bool = True
    ) -> Iterator[ServerEvent]:
        """``GET /jobs/{job_id}/stream``: what it told and tells; its last event is of type ``end``, with the job.

        Begins with the first event, with ``from_index``, or behind the event ``after``.  A stream that ends without an
        ``end`` was cut off: call again behind the last number, or use ``follow``.
        """
        path = f"/jobs/{segment(job_id)}/stream"
        return self._wire.events(path, after=after, follow=follow, params=given(from_index=from_index))

    def follow(self, job_id: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[ServerEvent]:
        """``events`` until the end, whatever happens to connections and to the server between.

        Raises:
            Unreachable: it stayed away for half a minute.
        """
        last: int | None = None
        failures = 0
        while True:
            try:
                for event in self.events(job_id, after=last):
                    failures = 0
                    last = event.number if event.number is not None else last
                    yield event
                    if event.data.get("type") == "end":
                        return
            except Unreachable:
                if failures == len(_PAUSES):
                    raise
            sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1
