"""The part of the client about versions of a package: compared, resolved, installed, fetched."""

from __future__ import annotations

from typing import BinaryIO

from entrepot.client.answers import shaped
from entrepot.client.answers_packages import Manifest
from entrepot.client.answers_versions import Comparison, Dependencies, Explained, Installation, Versions
from entrepot.client.errors import BadAnswer
from entrepot.client.multipart import Progress
from entrepot.client.segments import segment
from entrepot.client.wire import MOST_FILE_BYTES, Received, Wire, given


class VersionsTheme:
    """``Client.versions``.  Without a version the newest is meant, without an architecture any."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def all(self, name: str) -> Versions:
        """``GET /artifacts/{name}/versions``: newest first, a row for each file."""
        body = self._wire("GET", f"/artifacts/{segment(name)}/versions")
        return shaped(body, Versions, versions=list, count=int)

    def compare(self, name: str, first: str, second: str, *, architecture: str | None = None) -> Comparison:
        """``GET /artifacts/{name}/versions/compare``: what changed from the first to the second."""
        params = given(v1=first, v2=second, arch=architecture)
        return shaped(self._wire("GET", f"/artifacts/{segment(name)}/versions/compare", params), Comparison, diff=dict)

    def dependencies(
        self,
        name: str,
        *,
        version: str | None = None,
        architecture: str | None = None,
        distribution: str | None = None,
    ) -> Dependencies:
        """``GET /artifacts/{name}/dependencies``: all that it needs, and whether it can be installed."""
        params = given(version=version, arch=architecture, distribution=distribution)
        body = self._wire("GET", f"/artifacts/{segment(name)}/dependencies", params)
        return shaped(body, Dependencies, dependencies=list)

    def install(
        self,
        name: str,
        *,
        version: str | None = None,
        architecture: str | None = None,
        distribution: str | None = None,
    ) -> Installation:
        """``GET /artifacts/{name}/install``: lines for a root shell."""
        params = given(version=version, arch=architecture, distribution=distribution)
        return shaped(self._wire("GET", f"/artifacts/{segment(name)}/install", params), Installation, package=str)

    def why(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> Explained:
        """``GET /artifacts/{name}/{version}/why``: what let it in, or keeps it out."""
        params = given(arch=architecture, distribution=distribution)
        body = self._wire("GET", f"/artifacts/{segment(name)}/{segment(version)}/why", params)
        return shaped(body, Explained, explanation=str, facts=list, obstacles=list)

    def snapshot(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> Manifest:
        """``GET /artifacts/{name}/versions/{version}/snapshot``: as ``Client.artifacts.manifest``."""
        params = given(arch=architecture, distribution=distribution)
        path = f"/artifacts/{segment(name)}/versions/{segment(version)}/snapshot"
        return shaped(self._wire("GET", path, params), Manifest, name=str)

    def download(
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
        """``GET /artifacts/{name}/versions/{version}/download``: the file, into ``target``.

        Raises:
            BadAnswer: what came is not what the server has.
        """
        path = f"/artifacts/{segment(name)}/versions/{segment(version)}/download"
        params = given(arch=architecture, distribution=distribution)
        received = self._wire.file(path, target, params, most_bytes=most_bytes, progress=progress)
        if received.headers.get("x-checksum-sha256", received.sha256) != received.sha256:
            raise BadAnswer("the file changed on its way: its SHA-256 is another one", code="package.digest")
        return received
