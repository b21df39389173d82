"""The part of the client about the antivirus scanner."""

from __future__ import annotations

from entrepot.client.answers import shaped
from entrepot.client.answers_upkeep import ScannerStatus, ScannerUpdate
from entrepot.client.wire import Wire


class Antivirus:
    """``Client.antivirus``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def status(self) -> ScannerStatus:
        """``GET /security/clamav/status``: is it there, and how old are its signatures?"""
        return shaped(self._wire("GET", "/security/clamav/status"), ScannerStatus, available=bool, daemon_running=bool)

    def update(self) -> ScannerUpdate:
        """``POST /security/clamav/update``: take newer signatures."""
        return shaped(self._wire("POST", "/security/clamav/update"), ScannerUpdate, status=str, output=str)
