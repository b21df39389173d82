"""HTTP under bounds: size and time of answers, waiting when asked to, no way to another host."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx2

from entrepot import __version__
from entrepot.client.errors import BadAnswer, BadInput, Unreachable, error_class

_MOST_REDIRECTS = 3
_BODY_SECONDS = 120
_MOST_ATTEMPTS = 12
_WAITABLE = {429, 503}
_REDIRECTS = {301, 302, 303, 307, 308}
_FAILURE_BYTES = 1 << 20

Waiting = Callable[[float, str], None]
"""Told before a wait: how many seconds, and what the server said."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may wait altogether when the server says "later" (429, 503); 0 is not at all."""

    seconds: float = 0
    sleep: Callable[[float], None] = time.sleep
    told: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def request_id(self) -> str:
        """What the server logged the request under; only printable characters of it."""
        return "".join(char for char in self.headers.get("x-request-id", "")[:80] if char.isprintable())

    def json(self) -> dict[str, object]:
        """The body as a JSON object.

        Raises:
            BadAnswer: it is not one.
        """
        try:
            body = json.loads(self.content)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise BadAnswer(
                f"the answer (status {self.status}) is not a JSON object; is this the address of an Entrepot server?",
                code="bad_answer",
                status=self.status,
                request_id=self.request_id,
            )
        return body


@dataclass(frozen=True, slots=True)
class Call:
    """What to send.

    ``path`` is below the base URL, percent-encoded, with its leading slash.  ``payload`` is sent as JSON; ``form`` is
    headers of its own and a body that can be iterated again for every try.  Answers larger than ``most_bytes`` are not
    taken.  ``read_seconds`` says how long the server may think, when that is longer than usual.
    """

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    payload: Mapping[str, object] | None = None
    headers: Mapping[str, str] | None = None
    form: tuple[Mapping[str, str], Iterable[bytes]] | None = None
    most_bytes: int = 32 << 20
    read_seconds: float | None = None


class Transport:
    """Sends requests to one server.  May be used by several threads."""

    def __init__(self, base_url: str, token: str | None, timeout_seconds: float) -> None:
        """Raises ``BadInput`` when the address is not one, or carries credentials."""
        self.base_url = base_url.rstrip("/")
        self._origin = _origin(_parsed(self.base_url))
        headers = {"user-agent": f"entrepot/{__version__}", "accept": "application/json", "accept-encoding": "identity"}
        if token:
            if not token.isascii() or not token.isprintable() or " " in token:
                raise BadInput("the token has characters that no token has", code="invalid_token")
            headers["authorization"] = f"Bearer {token}"
        self._http = httpx2.Client(headers=headers, timeout=httpx2.Timeout(timeout_seconds), follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(self, call: Call, patience: Patience | None = None) -> Answer:
        """One request, repeated while the server says "later" and patience lasts.

        Raises:
            Unreachable, BadAnswer: no answer, or none that can be used.
        """
        turns = _Turns(patience)
        while True:
            with self._opened(call) as response:
                answer = _whole(response, call.most_bytes)
            if not turns.again(answer):
                return answer

    @contextmanager
    def stream(self, call: Call, patience: Patience | None = None) -> Iterator[httpx2.Response]:
        """An answer of which the body is still to be read; before it begins, as patient as ``send``.

        Raises:
            ClientError: no answer, or the one of a failure; also while the body is read.
        """
        turns = _Turns(patience)
        while True:
            with self._opened(call) as response:
                if response.status_code < 400:
                    yield response
                    return
                answer = _whole(response, _FAILURE_BYTES)
            if not turns.again(answer):
                raise failure(answer)

    @contextmanager
    def _opened(self, call: Call) -> Iterator[httpx2.Response]:
        """The answer to one request after redirects within the same host; only GET follows them."""
        url, params = self.base_url + call.path, call.params
        for _ in range(_MOST_REDIRECTS + 1):
            request = self._request(call, url, params)
            with _translated(self.base_url):
                response = self._http.send(request, stream=True)
                try:
                    if response.status_code not in _REDIRECTS:
                        yield response
                        return
                finally:
                    response.close()
            target = request.url.join(response.headers.get("location", ""))
            if _origin(target) != self._origin or call.method != "GET":
                raise BadAnswer(
                    f"the server sends {call.method} on to {target.scheme}://{target.netloc.decode()}, which is not "
                    "followed with your credentials; if that is your server, give its address with --url",
                    code="redirect",
                    status=response.status_code,
                )
            url, params = str(target), None
        raise BadAnswer("the server sends the request round in circles", code="redirect", status=response.status_code)

    def _request(self, call: Call, url: str, params: Mapping[str, str | int] | None) -> httpx2.Request:
        wait = self._http.timeout
        if call.read_seconds is not None:
            wait = httpx2.Timeout(wait.connect, read=call.read_seconds, write=wait.write, pool=wait.pool)
        headers, content = call.form if call.form is not None else (call.headers, None)
        return self._http.build_request(
            call.method, url, params=params, json=call.payload, headers=headers, content=content, timeout=wait
        )


class _Turns:
    """Tries of one request: whether there is one more, and the wait before it."""

    def __init__(self, patience: Patience | None) -> None:
        self._patience = patience
        self._left = patience.seconds if patience else 0.0
        self._attempt = 0

    def again(self, answer: Answer) -> bool:
        """Whether to send it again; returns after the wait."""
        if answer.status not in _WAITABLE or self._patience is None or self._attempt == _MOST_ATTEMPTS - 1:
            return False
        wait = retry_after(answer.headers) or _backoff(self._attempt)
        if wait > self._left:
            return False
        self._left -= wait
        self._attempt += 1
        if self._patience.told is not None:
            self._patience.told(wait, "the server limits the rate" if answer.status == 429 else "the server is busy")
        self._patience.sleep(wait)
        return True


def failure(answer: Answer) -> Exception:
    """The error that an answer of status 400 or more stands for."""
    try:
        body = answer.json()
    except BadAnswer:
        body = {}
    kind = error_class(answer.status, body)
    return kind(
        _detail(body) or f"the server answered with status {answer.status} and no explanation",
        code=_code(body) or f"http_{answer.status}",
        status=answer.status,
        request_id=answer.request_id,
        body=body,
        retry_after_seconds=retry_after(answer.headers),
    )


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Seconds to wait (RFC 9110 section 10.2.3), counted from the server's own clock when it gives a date."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return max(1, min(int(value[:9]), 86400))
    try:
        later = parsedate_to_datetime(value)
        wait = (later - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(1, min(int(wait) + 1, 86400))


def _backoff(attempt: int) -> float:
    return min(2.0**attempt, 30.0) * random.uniform(0.75, 1.25)  # noqa: S311 - only spreads clients out


def _detail(body: Mapping[str, object]) -> str:
    """The sentence of an error body: text, an object with one, or FastAPI's list of faults (contract D-05)."""
    detail = body.get("detail", body.get("message"))
    if isinstance(detail, str):
        return detail
    if isinstance(detail, dict):
        return str(detail.get("message") or detail.get("detail") or "")
    if isinstance(detail, list):
        faults = [fault for fault in detail[:5] if isinstance(fault, dict)]
        return "; ".join(f"{_place(fault)}{fault.get('msg', 'is not valid')}" for fault in faults)
    return ""


def _place(fault: Mapping[str, object]) -> str:
    place = fault.get("loc")
    return f"{place[-1]}: " if isinstance(place, list) and place else ""


def _code(body: Mapping[str, object]) -> str:
    """The stable code; an upload that was refused has its status instead."""
    detail = body.get("detail")
    inner = detail.get("error") if isinstance(detail, dict) else None
    fallback = "validation_error" if isinstance(detail, list) else body.get("status")
    for word in (body.get("error"), inner, fallback):
        if isinstance(word, str) and word:
            return word[:80]
    return ""


def _parsed(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise BadInput(f"{url[:200]!r} is not a URL: {error}", code="invalid_url") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise BadInput(
            f"{url[:200]!r} is not the URL of a server: http:// or https://, then a host", code="invalid_url"
        )
    if parsed.userinfo:
        raise BadInput("the URL carries a name or password; use 'entrepot login' instead", code="invalid_url")
    return parsed


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _whole(response: httpx2.Response, most_bytes: int) -> Answer:
    return Answer(response.status_code, dict(response.headers), _bounded(response, most_bytes))


def _bounded(response: httpx2.Response, most_bytes: int) -> bytes:
    parts, size = [], 0
    until = time.monotonic() + _BODY_SECONDS
    for part in response.iter_bytes():
        size += len(part)
        if size > most_bytes:
            raise BadAnswer(f"the answer is larger than {most_bytes} bytes", code="bad_answer")
        if time.monotonic() > until:
            raise Unreachable("the answer does not come to an end", code="timeout")
        parts.append(part)
    return b"".join(parts)


@contextmanager
def _translated(base_url: str) -> Iterator[None]:
    """Foreign exceptions become ours."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise Unreachable(f"no answer from {base_url} in time", code="timeout") from error
    except httpx2.ConnectError as error:
        raise Unreachable(f"no connection to {base_url}: {error}", code="unreachable") from error
    except httpx2.DecodingError as error:
        raise BadAnswer("the answer's compression is broken", code="bad_answer") from error
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        reason = str(error) or type(error).__name__
        raise Unreachable(f"the connection to {base_url} broke off: {reason}", code="unreachable") from error
