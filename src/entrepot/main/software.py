"""What packages consist of, and the documents that say it."""

from __future__ import annotations

from typing import TypedDict

from entrepot import __version__
from entrepot.main.parts import Parts
from entrepot.services.sbom import Sboms


class Software(TypedDict):
    """By their names in the application."""

    sboms: Sboms


def software_of(parts: Parts) -> Software:
    """Lists of software."""
    return Software(sboms=Sboms(parts.catalog, __version__))
