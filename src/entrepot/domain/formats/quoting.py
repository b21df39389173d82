"""Hostile bytes inside a sentence: escaped, shortened, and always one line of ASCII."""

from __future__ import annotations

SHOWN_CHARACTERS = 60


def quote(raw: bytes | str) -> str:
    """``raw`` in quotes, everything outside printable ASCII escaped, cut after ``SHOWN_CHARACTERS``."""
    text = raw[: SHOWN_CHARACTERS + 1].decode("latin-1") if isinstance(raw, bytes) else raw[: SHOWN_CHARACTERS + 1]
    shown = ascii(text[:SHOWN_CHARACTERS])
    return shown + "..." if len(text) > SHOWN_CHARACTERS else shown
