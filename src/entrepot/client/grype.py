"""The part of the client about the second engine for vulnerabilities."""

from __future__ import annotations

from entrepot.client.answers import shaped
from entrepot.client.answers_upkeep import EngineStatus, EngineUpdate
from entrepot.client.wire import Wire


class Grype:
    """``Client.grype``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def status(self) -> EngineStatus:
        """``GET /security/grype/status``: is it there, and how old are its data?"""
        return shaped(self._wire("GET", "/security/grype/status"), EngineStatus, available=bool, valid=bool)

    def update(self) -> EngineUpdate:
        """``POST /security/grype/update``: fetch newer data."""
        return shaped(self._wire("POST", "/security/grype/update"), EngineUpdate, status=str, output=str)
