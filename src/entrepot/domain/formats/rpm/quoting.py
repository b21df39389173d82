"""Hostile bytes inside a sentence: escaped, shortened, and always one line of ASCII."""

from __future__ import annotations

SHOWN_CHARACTERS = 60


def quote(raw: bytes | str) -> str:
    """``raw`` in quotes, everything outside printable ASCII escaped, cut after ``SHOWN_CHARACTERS``."""
    head = raw[: SHOWN_CHARACTERS + 1]
    text = head.decode("latin-1") if isinstance(head, bytes) else head
    return ascii(text[:SHOWN_CHARACTERS]) + ("..." if len(text) > SHOWN_CHARACTERS else "")
