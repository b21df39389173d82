"""The port: JSON objects from a provider, with bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Document = Mapping[str, object]


class Issuers(Protocol):
    """Requests that have an end in time and in bytes and follow no redirect.

    Every method may raise ``IssuerUnavailable``; its text names the host and no secret.
    """

    def get(self, url: str, bearer: str = "") -> Document:
        """The object behind an address."""
        ...

    def post(self, url: str, form: Mapping[str, str], credentials: tuple[str, str] | None = None) -> Document:
        """The answer to a form; ``credentials`` are a client's name and secret."""
        ...
