"""Mail addresses, in the one form that every server takes."""

from __future__ import annotations

import re

_ADDRESS = re.compile(
    r"(?:(?P<name>[^<>\"\x00-\x1f\x7f]{0,200}?) *<(?=.*>\Z))?"
    r"(?P<spec>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?)>?\Z"
)


def parse_address(text: str) -> tuple[str, str]:
    """The name, perhaps empty, and the address of ``somebody@example.org`` or ``Some Body <somebody@example.org>``.

    Raises:
        ValueError: it is neither.
    """
    found = _ADDRESS.match(text.strip(" "))
    if found is None or (found["name"] is None) == text.rstrip(" ").endswith(">"):
        raise ValueError("must be a mail address like somebody@example.org or Some Body <somebody@example.org>")
    return (found["name"] or "").strip(), found["spec"]
