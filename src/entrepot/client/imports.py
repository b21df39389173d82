"""The part of the client about packages of sources: search, resolution, import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from typing_extensions import TypedDict

from entrepot.client.answers import shaped
from entrepot.client.answers_imports import (
    Import,
    ImportBatch,
    ImportGroups,
    ImportItem,
    Recipe,
    RemovedGroup,
    UpstreamResolution,
    UpstreamSearch,
)
from entrepot.client.segments import segment
from entrepot.client.wire import ServerEvent, Wire, given


class BatchWords(TypedDict, total=False):
    """What can be said about imports.  ``distribution`` is where to; else it is the one called as the source's."""

    arch: str
    distribution: str
    group: str
    dependencies: bool


class ImportWords(BatchWords, total=False):
    """And about one; the newest, if no version is given."""

    version: str


class ImportsTheme:
    """``Client.imports``.  A source is given by its name or number."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def search(
        self,
        text: str,
        *,
        limit: int = 20,
        source: str | None = None,
        format_: str | None = None,
        distribution: str | None = None,
        arch: str | None = None,
    ) -> UpstreamSearch:
        """``GET /import/search``: the name itself first, then names that begin so, then those that have it."""
        params = given(q=text, limit=limit, source_id=source, format=format_, distribution=distribution, arch=arch)
        return shaped(self._wire("GET", "/import/search", params), UpstreamSearch, count=int, results=list)

    def resolve(
        self,
        package: str,
        *,
        version: str | None = None,
        arch: str | None = None,
        distribution: str | None = None,
        source: str | None = None,
    ) -> UpstreamResolution:
        """``GET /import/resolve/{package_name}``: everything that it needs, and what nobody has."""
        params = given(version=version, arch=arch, distribution=distribution, source_id=source)
        answer = self._wire("GET", f"/import/resolve/{segment(package)}", params)
        return shaped(answer, UpstreamResolution, success=bool, packages=list, unresolved=list)

    def fetch(self, package: str, *, source: str | None = None, **words: Unpack[ImportWords]) -> Import:
        """``POST /import/fetch``: from wherever it can be found."""
        payload = {"name": package, **given(source_id=source), **words}
        return shaped(self._wire("POST", "/import/fetch", None, payload), Import, status=str, imported=list)

    def watch(self, package: str, *, source: str | None = None, **words: Unpack[ImportWords]) -> Iterator[ServerEvent]:
        """``POST /import/fetch`` as events; the last one is of type ``end``, with the job."""
        payload = {"name": package, **given(source_id=source), **words}
        return self._wire.told("POST", "/import/fetch", {}, payload)

    def package(self, source: str, package: str, **words: Unpack[ImportWords]) -> Import:
        """``POST /import/packages``: from this source."""
        payload = {"source_id": source, "package": package, **words}
        return shaped(self._wire("POST", "/import/packages", None, payload), Import, status=str, imported=list)

    def recipe(self, text: str, *, distribution: str | None = None) -> Recipe:
        """``POST /import/analyze-dockerfile``: what it installs, and where each of it can be had."""
        payload = {"content": text, **given(distribution=distribution)}
        answer = self._wire("POST", "/import/analyze-dockerfile", None, payload)
        return shaped(answer, Recipe, packages_found=list, total=int, import_batches=list)

    def batch(
        self, packages: Sequence[str | ImportItem], *, source: str | None = None, **words: Unpack[BatchWords]
    ) -> ImportBatch:
        """``POST /import/batch``: up to fifty, each for itself."""
        payload = {"packages": list(packages), **given(source_id=source), **words}
        return shaped(self._wire("POST", "/import/batch", None, payload), ImportBatch, status=str, results=list)

    def groups(self) -> ImportGroups:
        """``GET /import/groups``."""
        return shaped(self._wire("GET", "/import/groups"), ImportGroups, groups=list)

    def remove_group(self, name: str) -> RemovedGroup:
        """``DELETE /import/groups/{group_name}``: the grouping; packages stay."""
        return shaped(self._wire("DELETE", f"/import/groups/{segment(name)}"), RemovedGroup, deleted=str)
