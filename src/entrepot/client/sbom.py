"""The part of the client about lists of software."""

from __future__ import annotations

from typing import BinaryIO, Literal

from typing_extensions import TypedDict

from entrepot.client.answers import shaped
from entrepot.client.multipart import Progress
from entrepot.client.segments import segment
from entrepot.client.wire import MOST_FILE_BYTES, Received, Wire, given

DocumentFormat = Literal["cyclonedx", "spdx"]


class SbomPreview(TypedDict):
    """``GET /sbom/preview``."""

    format: str
    distribution: str | None
    total: int
    limit: int
    truncated: bool
    document: dict[str, object]


class Sbom:
    """``Client.sbom``; needs an auditor.  Documents are written as they come."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def package(
        self,
        target: BinaryIO,
        name: str,
        version: str,
        *,
        format_: DocumentFormat | None = None,
        architecture: str | None = None,
        distribution: str | None = None,
        most_bytes: int = MOST_FILE_BYTES,
        progress: Progress | None = None,
    ) -> Received:
        """``GET /sbom/{name}/{version}``: one package, what it carries and needs."""
        params = given(format=format_, arch=architecture, distribution=distribution)
        path = f"/sbom/{segment(name)}/{segment(version)}"
        return self._wire.file(path, target, params, most_bytes=most_bytes, progress=progress)

    def vex(
        self,
        target: BinaryIO,
        name: str,
        version: str,
        *,
        architecture: str | None = None,
        distribution: str | None = None,
        most_bytes: int = MOST_FILE_BYTES,
        progress: Progress | None = None,
    ) -> Received:
        """``GET /sbom/{name}/{version}/vex``: what is known to be wrong with it, and what was decided."""
        params = given(arch=architecture, distribution=distribution)
        path = f"/sbom/{segment(name)}/{segment(version)}/vex"
        return self._wire.file(path, target, params, most_bytes=most_bytes, progress=progress)

    def export(
        self,
        target: BinaryIO,
        *,
        format_: DocumentFormat | None = None,
        distribution: str | None = None,
        most_bytes: int = MOST_FILE_BYTES,
        progress: Progress | None = None,
    ) -> Received:
        """``GET /sbom/export``: everything that is published, or one distribution."""
        params = given(format=format_, distribution=distribution)
        return self._wire.file("/sbom/export", target, params, most_bytes=most_bytes, progress=progress)

    def preview(
        self,
        *,
        format_: DocumentFormat | None = None,
        distribution: str | None = None,
        limit: int | None = None,
    ) -> SbomPreview:
        """``GET /sbom/preview``: the beginning of that, as a whole document."""
        params = given(format=format_, distribution=distribution, limit=limit)
        answer = self._wire("GET", "/sbom/preview", params)
        return shaped(answer, SbomPreview, total=int, truncated=bool, document=dict)
