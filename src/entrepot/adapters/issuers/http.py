"""Over HTTPS; plain HTTP for this machine itself only."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import httpx2

from entrepot.adapters.issuers.base import Document
from entrepot.errors import IssuerUnavailable

_WHOLE_SECONDS = 10.0
_STEP_SECONDS = 5.0
_MOST_BYTES = 1 << 20
_LOOPBACK = re.compile(r"localhost\Z|127\.[0-9.]+\Z|::1\Z")


class HttpIssuers:
    """Implements ``Issuers``; certificates are verified against the system's store."""

    def __init__(self, *, whole_seconds: float = _WHOLE_SECONDS) -> None:
        self._whole_seconds = whole_seconds

    def get(self, url: str, bearer: str = "") -> Document:
        """With a bearer token if one is given."""
        return self._ask("GET", url, {"Authorization": f"Bearer {bearer}"} if bearer else {}, None)

    def post(self, url: str, form: Mapping[str, str], credentials: tuple[str, str] | None = None) -> Document:
        """Credentials as RFC 6749, section 2.3.1, has them."""
        headers = {}
        if credentials is not None:
            pair = ":".join(quote(part, safe="") for part in credentials)
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return self._ask("POST", url, headers, form)

    def _ask(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Document:
        parts = urlsplit(url)
        here = _LOOPBACK.match(parts.hostname or "") is not None
        if parts.scheme != "https" and not (parts.scheme == "http" and here):
            raise IssuerUnavailable(f"the identity provider names an address that is not https ({parts.hostname})")
        end = time.monotonic() + self._whole_seconds
        try:
            # What the environment says about proxies is for other hosts than this one.
            with (
                httpx2.Client(timeout=_STEP_SECONDS, follow_redirects=False, trust_env=not here) as client,
                client.stream(
                    method, url, headers={"Accept": "application/json", **headers}, data=dict(form) if form else None
                ) as answer,
            ):
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES or time.monotonic() > end:
                        raise IssuerUnavailable(f"the identity provider at {parts.hostname} sends too much, too slowly")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            what = type(error).__name__
            raise IssuerUnavailable(f"the identity provider at {parts.hostname} cannot be asked ({what})") from error
        return _object(answer.status_code, body, parts.hostname or "")


def _object(status: int, body: bytes, host: str) -> Document:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if status != 200 or not isinstance(found, dict):
        word = found.get("error") if isinstance(found, dict) else None
        told = f", {word[:60]!r}" if isinstance(word, str) else ""
        raise IssuerUnavailable(f"the identity provider at {host} answers with status {status}{told}", status=status)
    return found
