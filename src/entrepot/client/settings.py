"""The part of the client about settings that can be changed while the server runs."""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.client.people import JsonCall


class Settings:
    """``Client.settings``; every call needs an administrator.  Secrets come masked."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def all(self) -> dict[str, object]:
        """``GET /settings``: nested, and again under flat names."""
        return self._call("GET", "/settings")

    def change(self, given: Mapping[str, object]) -> dict[str, object]:
        """``PATCH /settings``: a part of the document, nested or flat; ``None`` brings a default back."""
        return self._call("PATCH", "/settings", payload=given)
