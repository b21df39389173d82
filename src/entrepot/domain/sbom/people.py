"""Who stands behind a package, and where: text from packages as documents can take it."""

from __future__ import annotations

import re

_PERSON = re.compile(r"\s*([^<>]*?)\s*<([^<>\s@]{1,64}@[A-Za-z0-9.-]{1,255})>\s*")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*)?\Z")
_MOST = 300


def named(text: str) -> tuple[str, str]:
    """Name and mail address of ``Name <address>``; whatever else it is, is a name."""
    match = _PERSON.fullmatch(text[:_MOST])
    if match is None:
        return " ".join(text[:_MOST].split()), ""
    return " ".join(match[1].replace('"', " ").split()) or match[2], match[2]


def address(text: str) -> str:
    """An address of the web, or nothing."""
    return text if len(text) <= 2000 and _ADDRESS.match(text) else ""
