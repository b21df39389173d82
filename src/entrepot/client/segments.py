"""Names as segments of a path."""

from __future__ import annotations

from urllib.parse import quote

from entrepot.client.errors import BadInput


def segment(text: str) -> str:
    """One segment of a path.

    Raises:
        BadInput: a dot segment would climb out of the path, and an empty one would address something else.
    """
    if text in {"", ".", ".."} or len(text) > 400:
        raise BadInput(f"{text[:80]!r} cannot be the name or version of a package", code="invalid_request")
    return quote(text, safe="")
