"""One method per endpoint of the main API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self
from urllib.parse import quote

from entrepot.client.answers import (
    Archives,
    Artifact,
    ArtifactPage,
    Decided,
    Deleted,
    DistributionPackages,
    Distributions,
    Health,
    Initialised,
    Manifest,
    PackagePage,
    PackageRow,
    Profile,
    Promoted,
    ReviewQueue,
    Token,
    Upload,
    shaped,
)
from entrepot.client.auditing import Auditing
from entrepot.client.downloads import Downloads
from entrepot.client.errors import BadAnswer
from entrepot.client.multipart import FileForm, Progress, sha256_of
from entrepot.client.people import People
from entrepot.client.segments import segment
from entrepot.client.settings import Settings
from entrepot.client.transport import Call, Patience, Transport, failure
from entrepot.client.upkeep import Upkeep

_PER_PAGE = 200
_MOST_PAGES = 5000
_KEY_BYTES = 1 << 20
_CHANGE_SECONDS = 700  # the server lets a change wait for its generation, at most 600 s


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


class Client:
    """The main API of one server.

    Every method raises ``ClientError`` and its kin.  ``patience`` is for 429 and 503; without any, these are raised
    at once.  May be used by several threads.
    """

    def __init__(
        self, base_url: str, token: str | None = None, *, timeout_seconds: float = 30, patience: Patience | None = None
    ) -> None:
        self._transport = Transport(base_url, token, timeout_seconds)
        self._patience = patience or Patience()
        self.people = People(self._call)
        self.auditing = Auditing(self._call, self._save)
        self.settings = Settings(self._call)
        self.downloads = Downloads(self._call)
        self.upkeep = Upkeep(self._call)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """Of the server, without a slash at its end."""
        return self._transport.base_url

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        payload: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        seconds = None if method == "GET" else _CHANGE_SECONDS
        answer = self._transport.send(Call(method, path, params, payload, read_seconds=seconds), self._patience)
        if answer.status >= 400:
            raise failure(answer)
        return answer.json()

    def _save(self, path: str, params: Mapping[str, str | int], file: BinaryIO) -> Mapping[str, str]:
        call = Call("GET", path, params, read_seconds=_CHANGE_SECONDS, into=file)
        answer = self._transport.send(call, self._patience)
        if answer.status >= 400:
            raise failure(answer)
        return answer.headers

    def sign_in(self, username: str, password: str) -> Token:
        """``POST /auth/token``.  Never waits: a wrong password is answered now."""
        payload = {"username": username, "password": password}
        answer = self._transport.send(Call("POST", "/auth/token", payload=payload))
        if answer.status >= 400:
            raise failure(answer)
        return shaped(answer.json(), Token, token_type=str)

    def send_code(self, mfa_token: str, code: str) -> Token:
        """``POST /auth/mfa/authenticate``, the second step of a sign-in.  Never waits."""
        payload = {"mfa_token": mfa_token, "totp_code": code}
        answer = self._transport.send(Call("POST", "/auth/mfa/authenticate", payload=payload))
        if answer.status >= 400:
            raise failure(answer)
        return shaped(answer.json(), Token, access_token=str)

    def me(self) -> Profile:
        """``GET /auth/me``."""
        return shaped(self._call("GET", "/auth/me"), Profile, username=str)

    def upload(
        self,
        path: Path,
        *,
        distribution: str | None = None,
        component: str | None = None,
        declare_hash: bool = True,
        progress: Progress | None = None,
    ) -> Upload:
        """``POST /upload/``, streamed from disk.

        With ``declare_hash`` the file is read once before, so that the server can tell bytes that changed on the way.
        ``progress`` counts sent bytes; the count goes back by a negative number when a try is repeated.
        """
        meter = _Meter(progress)
        fields = {"distribution": distribution, "component": component}
        given = {name: value for name, value in fields.items() if value}
        if declare_hash:
            given["sha256"] = sha256_of(path)
        form = FileForm(path, given, meter.count)
        told = self._patience.told

        def start_over(seconds: float, reason: str) -> None:
            meter.reset()
            if told is not None:
                told(seconds, reason)

        call = Call("POST", "/upload/", form=(form.headers, form), read_seconds=_CHANGE_SECONDS)
        answer = self._transport.send(call, replace(self._patience, told=start_over))
        if answer.status >= 400:
            raise failure(answer)
        return shaped(answer.json(), Upload, status=str)

    def packages(self, selection: Selection, page: int = 1, per_page: int = _PER_PAGE) -> PackagePage:
        """``GET /packages/``, one page."""
        body = self._call("GET", "/packages/", selection.params(page, per_page))
        return shaped(body, PackagePage, items=list, total=int, pages=int)

    def all_packages(self, selection: Selection) -> Iterator[PackageRow]:
        """Every package, fetched page by page as they are asked for."""
        for number in range(1, _MOST_PAGES + 1):
            page = self.packages(selection, number)
            yield from page["items"]
            if number >= page["pages"] or not page["items"]:
                return
        raise BadAnswer("the list of packages does not come to an end", code="bad_answer")

    def artifacts(self, selection: Selection, page: int = 1, per_page: int = _PER_PAGE) -> ArtifactPage:
        """``GET /artifacts/``, one page."""
        body = self._call("GET", "/artifacts/", selection.params(page, per_page))
        return shaped(body, ArtifactPage, items=list, total=int, pages=int)

    def artifact(self, name: str) -> Artifact:
        """``GET /artifacts/{name}``."""
        return shaped(self._call("GET", f"/artifacts/{segment(name)}"), Artifact, name=str, info=dict)

    def manifest(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> Manifest:
        """``GET /artifacts/{name}/{version}``."""
        path = f"/artifacts/{segment(name)}/{segment(version)}"
        return shaped(self._call("GET", path, _given(arch=architecture, distribution=distribution)), Manifest, name=str)

    def delete(self, name: str, *, format_: str | None = None, distribution: str | None = None) -> Deleted:
        """``DELETE /artifacts/{name}``: every version."""
        params = _given(format=format_, distribution=distribution)
        return shaped(self._call("DELETE", f"/artifacts/{segment(name)}", params), Deleted, status=str)

    def delete_version(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> Deleted:
        """``DELETE /artifacts/{name}/{version}``."""
        path = f"/artifacts/{segment(name)}/{segment(version)}"
        return shaped(
            self._call("DELETE", path, _given(arch=architecture, distribution=distribution)), Deleted, status=str
        )

    def distributions(self, format_: str | None = None) -> Distributions:
        """``GET /distributions/``."""
        return shaped(self._call("GET", "/distributions/", _given(format=format_)), Distributions, distributions=list)

    def distribution_packages(self, codename: str, page: int = 1, per_page: int = _PER_PAGE) -> DistributionPackages:
        """``GET /distributions/{codename}/packages``, one page."""
        path = f"/distributions/{quote(codename, safe='')}/packages"
        params = {"page": page, "per_page": per_page}
        return shaped(self._call("GET", path, params), DistributionPackages, packages=list, total=int)

    def initialise(self, codename: str | None = None, **options: object) -> Initialised:
        """``POST /distributions/init``: one distribution, or publish all of them anew.

        Options are ``description``, ``format``, ``architectures`` and ``components``.
        """
        given = {name: value for name, value in options.items() if value}
        payload = {"codename": codename} | given if codename else None
        return shaped(self._call("POST", "/distributions/init", payload=payload), Initialised, status=str)

    def promote(
        self, name: str, source: str, target: str, *, version: str | None = None, architecture: str | None = None
    ) -> Promoted:
        """``POST /distributions/promote``."""
        payload = {"package": name, "from_dist": source, "to_dist": target}
        payload |= {key: str(value) for key, value in _given(version=version, arch=architecture).items()}
        return shaped(self._call("POST", "/distributions/promote", payload=payload), Promoted, status=str)

    def review_queue(self, page: int = 1, per_page: int = _PER_PAGE) -> ReviewQueue:
        """``GET /security/review-queue``, one page."""
        params = {"page": page, "per_page": per_page}
        return shaped(self._call("GET", "/security/review-queue", params), ReviewQueue, packages=dict, total=int)

    def decide(
        self, name: str, version: str, decision: str, justification: str, *, architecture: str | None = None
    ) -> Decided:
        """``POST /security/packages/{name}/{version}/decide``; ``decision`` is approve or reject."""
        path = f"/security/packages/{segment(name)}/{segment(version)}/decide"
        payload = {"decision": decision, "justification": justification}
        payload |= {key: str(value) for key, value in _given(arch=architecture).items()}
        return shaped(self._call("POST", path, payload=payload), Decided, status=str, message=str)

    def archives(self) -> Archives:
        """``GET /archives``."""
        return shaped(self._call("GET", "/archives"), Archives, archives=list)

    def public_key(self, format_: Literal["deb", "rpm"], archive: str) -> str:
        """The ASCII-armored signing key of an archive."""
        top = "apt" if format_ == "deb" else "rpm"
        path = f"/{top}/{segment(archive)}/key.asc"
        answer = self._transport.send(Call("GET", path, most_bytes=_KEY_BYTES), self._patience)
        if answer.status >= 400:
            raise failure(answer)
        text = answer.content.decode("ascii", "replace")
        if not text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----"):
            raise BadAnswer(f"what lies at {path} is not an OpenPGP public key", code="bad_answer")
        return text

    def health(self, probe: Literal["", "live", "ready"] = "") -> Health:
        """``GET /health`` and its probes; a 503 that describes the server is an answer here, not an error."""
        answer = self._transport.send(Call("GET", f"/health/{probe}" if probe else "/health"))
        if answer.status >= 400 and answer.status != 503:
            raise failure(answer)
        if answer.status == 503 and b'"status"' not in answer.content:
            raise failure(answer)
        return shaped(answer.json(), Health, status=str)


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


def _given(**values: str | None) -> dict[str, str | int]:
    return {name: value for name, value in values.items() if value}
