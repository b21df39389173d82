"""The part of the client about packages: listed, shown, sent, removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from entrepot.client.answers import Upload, shaped
from entrepot.client.answers_jobs import UploadStep
from entrepot.client.answers_packages import Artifact, ArtifactPage, Deleted, Manifest, PackagePage, PackageRow
from entrepot.client.answers_promotions import IndexesRenewed
from entrepot.client.errors import BadAnswer, Unreachable
from entrepot.client.multipart import FileForm, Progress, sha256_of
from entrepot.client.segments import segment
from entrepot.client.transport import Answer, Call, Patience, failure
from entrepot.client.wire import CHANGE_SECONDS, Wire, given

PER_PAGE = 200
_MOST_PAGES = 5000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which packages; empty is all."""

    text: str = ""
    distribution: str = ""
    architecture: str = ""
    format: str = ""

    def params(self, page: int, per_page: int) -> dict[str, str | int]:
        """As a query."""
        words = {"q": self.text, "distribution": self.distribution, "arch": self.architecture, "format": self.format}
        return {name: word for name, word in words.items() if word} | {"page": page, "per_page": per_page}


class Artifacts:
    """``Client.artifacts``; called itself, it is a page of the list."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __call__(
        self, selection: Selection, page: int = 1, per_page: int = PER_PAGE, *, status: str | None = None
    ) -> ArtifactPage:
        """``GET /artifacts/``, one page: a row for each name; held ones, too, unless ``status`` says which."""
        params = selection.params(page, per_page) | given(status=status)
        return shaped(self._wire("GET", "/artifacts/", params), ArtifactPage, items=list, total=int, pages=int)

    def packages(self, selection: Selection, page: int = 1, per_page: int = PER_PAGE) -> PackagePage:
        """``GET /packages/``, one page: a row for each published file."""
        body = self._wire("GET", "/packages/", selection.params(page, per_page))
        return shaped(body, PackagePage, items=list, total=int, pages=int)

    def all_packages(self, selection: Selection) -> Iterator[PackageRow]:
        """Every published file, fetched page by page as they are asked for."""
        for number in range(1, _MOST_PAGES + 1):
            page = self.packages(selection, number)
            yield from page["items"]
            if number >= page["pages"] or not page["items"]:
                return
        raise BadAnswer("the list of packages does not come to an end", code="bad_answer")

    def one(self, name: str) -> Artifact:
        """``GET /artifacts/{name}``: all versions."""
        return shaped(self._wire("GET", f"/artifacts/{segment(name)}"), Artifact, name=str, info=dict)

    def manifest(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> Manifest:
        """``GET /artifacts/{name}/{version}``: one version in full."""
        params = given(arch=architecture, distribution=distribution)
        return shaped(self._wire("GET", version_path(name, version), params), Manifest, name=str)

    def delete(self, name: str, *, format_: str | None = None, distribution: str | None = None) -> Deleted:
        """``DELETE /artifacts/{name}``: every version."""
        params = given(format=format_, distribution=distribution)
        return shaped(self._wire("DELETE", f"/artifacts/{segment(name)}", params), Deleted, status=str)

    def delete_version(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> Deleted:
        """``DELETE /artifacts/{name}/{version}``."""
        params = given(arch=architecture, distribution=distribution)
        return shaped(self._wire("DELETE", version_path(name, version), params), Deleted, status=str)

    def renew_indexes(self) -> IndexesRenewed:
        """``POST /artifacts/admin/sync-index``: publish every distribution anew."""
        return shaped(self._wire("POST", "/artifacts/admin/sync-index"), IndexesRenewed, status=str)

    def upload(
        self,
        path: Path,
        *,
        distribution: str | None = None,
        component: str | None = None,
        declare_hash: bool = True,
        progress: Progress | None = None,
        signature: Path | None = None,
        attestations: Sequence[Path] = (),
    ) -> Upload:
        """``POST /upload/``, streamed from disk; with a detached signature and attestations where there are any.

        With ``declare_hash`` the file is read once before, so that the server can tell bytes that changed on the way.
        ``progress`` counts sent bytes; the count goes back by a negative number when a try is repeated.
        """
        fields, beside = _fields(distribution, component), _beside(signature, attestations)
        form, patience = self._form(path, fields, beside, progress, declare_hash=declare_hash)
        call = Call("POST", "/upload/", form=(form.headers, form), read_seconds=CHANGE_SECONDS)
        answer = self._wire.transport.send(call, patience)
        if answer.status >= 400:
            raise failure(answer)
        return shaped(answer.json(), Upload, status=str)

    def upload_watched(
        self,
        path: Path,
        told: Callable[[UploadStep], object] = lambda _: None,
        *,
        distribution: str | None = None,
        component: str | None = None,
        declare_hash: bool = True,
        progress: Progress | None = None,
        signature: Path | None = None,
        attestations: Sequence[Path] = (),
    ) -> Upload:
        """``POST /upload/stream``: as ``upload``, and ``told`` hears of every step as it happens."""
        fields, beside = _fields(distribution, component), _beside(signature, attestations)
        form, patience = self._form(path, fields, beside, progress, declare_hash=declare_hash)
        call = Call("POST", "/upload/stream", form=(form.headers, form), read_seconds=CHANGE_SECONDS)
        begun, result = False, cast("dict[str, object] | None", None)
        for event in self._wire.streamed(call, patience):
            if event.kind == "step":
                told(shaped(event.data, UploadStep, name=str, label=str, status=str, message=str))
            elif event.kind == "result":
                result = event.data
            begun = True
        if not begun:
            raise BadAnswer("the answer is not a stream of events", code="bad_answer")
        if result is None:
            raise Unreachable(
                "the connection ended before the upload did, which goes on by itself; send the file again to see how",
                code="unreachable",
            )
        status = result.get("status_code")
        if isinstance(status, int) and status >= 400:
            raise failure(Answer(status, {}, json.dumps(result).encode()))
        return shaped(result, Upload, status=str)

    def _form(
        self,
        path: Path,
        said: dict[str, str],
        beside: Sequence[tuple[str, Path]],
        progress: Progress | None,
        *,
        declare_hash: bool,
    ) -> tuple[FileForm, Patience]:
        """The body, and a patience that takes its progress back when it is sent again."""
        meter = _Meter(progress)
        if declare_hash:
            said = {**said, "sha256": sha256_of(path)}
        told = self._wire.patience.told

        def start_over(seconds: float, reason: str) -> None:
            meter.reset()
            if told is not None:
                told(seconds, reason)

        return FileForm(path, said, meter.count, beside), replace(self._wire.patience, told=start_over)


def _fields(distribution: str | None, component: str | None) -> dict[str, str]:
    fields = {"distribution": distribution, "component": component}
    return {name: value for name, value in fields.items() if value}


def _beside(signature: Path | None, attestations: Sequence[Path]) -> list[tuple[str, Path]]:
    return [*([("signature", signature)] if signature else []), *(("attestation", one) for one in attestations)]


def version_path(name: str, version: str) -> str:
    """Where one version is."""
    return f"/artifacts/{segment(name)}/{segment(version)}"


class _Meter:
    """Progress that can be taken back when a body is sent again."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._sent = 0

    def count(self, size: int) -> None:
        self._sent += size
        if self._progress is not None:
            self._progress(size)

    def reset(self) -> None:
        if self._progress is not None and self._sent:
            self._progress(-self._sent)
        self._sent = 0
