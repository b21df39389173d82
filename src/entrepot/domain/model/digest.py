"""Content is named by the SHA-256 of its bytes, in lower-case hexadecimal."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

Digest = NewType("Digest", str)

_HEX = re.compile(r"[0-9a-f]{64}\Z")


def digest_of(data: bytes) -> Digest:
    """SHA-256 of ``data`` as 64 hexadecimal digits."""
    return Digest(hashlib.sha256(data).hexdigest())


def is_digest(text: str) -> bool:
    """Whether ``text`` is a digest as this program writes it."""
    return _HEX.match(text) is not None
