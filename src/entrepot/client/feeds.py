"""The part of the client about feeds of advisories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from entrepot.client.answers import shaped
from entrepot.client.answers_feeds import FeedSent, FeedsRefresh, FeedsStatus
from entrepot.client.multipart import Progress, opened
from entrepot.client.segments import segment
from entrepot.client.transport import Call, failure
from entrepot.client.wire import CHANGE_SECONDS, Wire, given, sent

_PIECE_BYTES = 1 << 20


class Feeds:
    """``Client.feeds``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def status(self) -> FeedsStatus:
        """``GET /security/feeds/status``: how whole and how old is what is known?"""
        return shaped(self._wire("GET", "/security/feeds/status"), FeedsStatus, feeds=list, complete=bool)

    def refresh(self, names: Sequence[str] = (), *, force: bool = False) -> FeedsRefresh:
        """``POST /security/feeds/refresh``: import some feeds now, or all that have a location."""
        payload = sent(feeds=list(names) or None, force=force or None)
        return shaped(self._wire("POST", "/security/feeds/refresh", payload=payload), FeedsRefresh, jobs=list)

    def send(
        self,
        name: str,
        path: Path,
        *,
        kind: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> FeedSent:
        """``POST /security/feeds/{name}``: a file, streamed from disk."""
        body = _FileBody(path, progress)
        params = given(kind=kind, force=force or None)
        call = Call(
            "POST",
            f"/security/feeds/{segment(name)}",
            params,
            form=(body.headers, body),
            read_seconds=CHANGE_SECONDS,
        )
        answer = self._wire.transport.send(call, self._wire.patience)
        if answer.status >= 400:
            raise failure(answer)
        return shaped(answer.json(), FeedSent, job_id=str)


class _FileBody:
    """A file as a whole body; can be iterated again for another try."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        self._path = path
        self._progress = progress
        with opened(path) as file:
            size = file.seek(0, 2)
        self.headers = {"content-type": "application/octet-stream", "content-length": str(size)}

    def __iter__(self) -> Iterator[bytes]:
        with opened(self._path) as file:
            while data := file.read(_PIECE_BYTES):
                yield data
                if self._progress is not None:
                    self._progress(len(data))
