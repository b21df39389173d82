"""What packages consist of, and the documents that say it."""

from __future__ import annotations

from typing import TypedDict

from entrepot import __version__
from entrepot.main.parts import FORMATS, Parts
from entrepot.services.sbom import Compositions, Sboms


class Software(TypedDict):
    """By their names in the application."""

    sboms: Sboms
    compositions: Compositions


def software_of(parts: Parts) -> Software:
    """Lists of software, and who fills them."""
    return Software(
        sboms=Sboms(parts.catalog, __version__),
        compositions=Compositions(parts.catalog, parts.blobs, parts.queue, FORMATS, parts.now),
    )
