"""What a package carries to say who made it: signatures, and which of its bytes each of them is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum

from entrepot.domain.formats.base import ByteSource

MOST_SIGNATURE_BYTES = 64 << 10

Opener = Callable[[], AbstractContextManager[ByteSource]]
"""The package from its start, as often as it is asked for."""


class Covers(StrEnum):
    """What a good signature proves."""

    WHOLE = "header and payload"
    HEADER = "header"
    LISTED = "listed digests"


@dataclass(frozen=True, slots=True)
class Carried:
    """One signature, or a block of them.

    ``where`` names it for people.  ``signed`` streams the bytes it must be over; it is empty where ``signature`` is a
    message that brings its own text.  ``fault`` says why it cannot be one, whoever made it.
    """

    where: str
    signature: bytes
    covers: Covers
    signed: Callable[[], Iterator[bytes]]
    fault: str = ""


def nothing() -> Iterator[bytes]:
    """For messages that bring their text."""
    return iter(())


def detached(signature: bytes, opened: Opener) -> Carried:
    """A signature that came beside the file, over all of it."""

    def whole() -> Iterator[bytes]:
        with opened() as source:
            while piece := source.read(1 << 20):
                yield piece

    return Carried("detached signature", signature, Covers.WHOLE, whole)
