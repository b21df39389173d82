"""The part of the client about bundles: states that are carried to a server which no network reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

from entrepot.client.answers import shaped
from entrepot.client.answers_bundles import (
    BegunBundle,
    BegunImport,
    BundleAnswer,
    BundlePage,
    ReceivedVolume,
    RemovedBundle,
)
from entrepot.client.errors import BadAnswer
from entrepot.client.multipart import Progress
from entrepot.client.segments import segment
from entrepot.client.transport import Call, failure
from entrepot.client.wire import CHANGE_SECONDS, Wire, given


class BundlesTheme:
    """``Client.bundles``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def all(self, page: int = 1, per_page: int = 50) -> BundlePage:
        """``GET /bundles``, newest first."""
        body = self._wire("GET", "/bundles", given(page=page, per_page=per_page))
        return shaped(body, BundlePage, items=list, total=int)

    def one(self, bundle: str) -> BundleAnswer:
        """``GET /bundles/{bundle}``."""
        return shaped(self._wire("GET", _path(bundle)), BundleAnswer, id=str, status=str)

    def key(self) -> str:
        """``GET /bundles/key``: what other servers have to trust."""
        return self._wire.text("/bundles/key")

    def make(
        self, states: Sequence[str], *, base: str = "", volume_size: int | None = None, label: str = ""
    ) -> BegunBundle:
        """``POST /bundles``: begin, without waiting; ``Client.jobs`` follows it."""
        payload: dict[str, object] = {"states": list(states), "base": base, "label": label}
        if volume_size is not None:
            payload["volume_size"] = volume_size
        return shaped(self._wire("POST", "/bundles", None, payload), BegunBundle, job_id=str)

    def fetch(self, bundle: str, volume: int, target: BinaryIO, *, start: int = 0, told: Progress | None = None) -> int:
        """``GET /bundles/{bundle}/volumes/{volume}`` from a byte on, appended to ``target``; how many bytes came.

        Raises:
            BadAnswer: the server does not go on from there.
        """
        headers = {"accept": "*/*"} | ({"range": f"bytes={start}-"} if start else {})
        call = Call("GET", f"{_path(bundle)}/volumes/{volume}", headers=headers, read_seconds=CHANGE_SECONDS)
        size = 0
        with self._wire.transport.stream(call, self._wire.patience) as response:
            if start and response.status_code != 206:
                raise BadAnswer("the server sends the volume from its beginning", code="bad_answer")
            for part in response.iter_bytes():
                size += len(part)
                target.write(part)
                if told is not None:
                    told(len(part))
        return size

    def send(self, volume: Iterable[bytes]) -> ReceivedVolume:
        """``POST /bundles/import``: a volume, or the head of one with some of its files."""
        headers = {"content-type": "application/octet-stream"}
        call = Call("POST", "/bundles/import", form=(headers, volume), read_seconds=CHANGE_SECONDS)
        answer = self._wire.transport.send(call, self._wire.patience)
        if answer.status >= 400:
            raise failure(answer)
        return shaped(answer.json(), ReceivedVolume, id=str, missing=dict)

    def send_from_folder(self, files: Sequence[str]) -> BegunBundle:
        """``POST /bundles/import/files``: volumes below a folder of the server; ``Client.jobs`` follows it."""
        payload: dict[str, object] = {"files": list(files)}
        return shaped(self._wire("POST", "/bundles/import/files", None, payload), BegunBundle, job_id=str)

    def take_in(
        self,
        bundle: str,
        *,
        into: Mapping[str, str] | None = None,
        create: bool = False,
        snapshot: str = "",
        older: bool = False,
    ) -> BegunImport:
        """``POST /bundles/{bundle}/import``: begin, without waiting."""
        payload: dict[str, object] = {
            "into": dict(into or {}),
            "create": create,
            "snapshot": snapshot,
            "older": older,
        }
        return shaped(self._wire("POST", f"{_path(bundle)}/import", None, payload), BegunImport, job_id=str)

    def remove(self, bundle: str) -> RemovedBundle:
        """``DELETE /bundles/{bundle}``."""
        return shaped(self._wire("DELETE", _path(bundle)), RemovedBundle, status=str)


def _path(bundle: str) -> str:
    return f"/bundles/{segment(bundle)}"
