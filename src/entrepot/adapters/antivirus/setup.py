"""The scanner that the settings name."""

from __future__ import annotations

from entrepot.adapters.antivirus.base import Scanning
from entrepot.adapters.antivirus.clamd import Clamd
from entrepot.adapters.antivirus.freshclam import Freshclam
from entrepot.settings import Settings


def scanning_of(settings: Settings) -> Scanning | None:
    """None where nothing is to be scanned."""
    if not settings.clamd:
        return None
    return Scanning(
        scanner=Clamd(settings.clamd, settings.clamd_answer_seconds),
        stream_bytes=settings.clamd_stream_mb << 20,
        signatures=Freshclam(settings.freshclam) if settings.freshclam else None,
    )
