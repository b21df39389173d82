"""What every format of document is made from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from entrepot.domain.model.component import Component
from entrepot.domain.model.package import PackageKey

_NOT_SPDX = re.compile(r"[^A-Za-z0-9.-]+")
_SPDX_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Ref:
    """What names a package within documents: where it is, who it is, and the number of its place there."""

    place: str
    key: PackageKey
    number: int

    @property
    def text(self) -> str:
        """``deb/main/jammy/nginx/1.24.0-1/amd64``."""
        return f"{self.key.format.value}/{self.place}/{self.key.name}/{self.key.version}/{self.key.architecture}"

    @property
    def spdx(self) -> str:
        """The same in the few characters that SPDX takes; the number keeps it unique."""
        name = _NOT_SPDX.sub("-", f"{self.key.name}-{self.key.version}")[:_SPDX_CHARACTERS]
        return f"SPDXRef-Package-{name}-{self.number}"


@dataclass(frozen=True, slots=True)
class Item:
    """A package in a document.

    ``needs`` are other packages of the document that it depends on directly.  ``looked_into`` is false where nobody
    has looked into it for ``components``; ``notes`` say what could not be read of it.  ``role`` is ``dependency`` for
    what is in the document only because another package needs it.
    """

    ref: Ref
    purl: str
    source: str
    filename: str
    size_bytes: int
    sha256: str
    sha512: str
    summary: str
    description: str
    supplier: str
    licences: Sequence[str]
    homepage: str
    received_at: datetime
    components: Sequence[Component] = ()
    needs: Sequence[Ref] = ()
    looked_into: bool = True
    notes: Sequence[str] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """The document itself.  ``uuid`` is its own; ``subject`` is the package it is about, none for a repository."""

    name: str
    uuid: str
    made_at: datetime
    tool_version: str
    subject: Item | None = None


class Document(Protocol):
    """A format.

    A document is the object ``head`` with two lists more, ``lists`` names them: the packages, then how they depend on
    each other.  So it can be written while the packages are read, twice.
    """

    media_type: str
    suffix: str
    lists: tuple[str, str]

    def head(self, about: About) -> dict[str, Any]:
        """All but the lists."""
        ...

    def parts(self, item: Item) -> list[dict[str, Any]]:
        """A package with what it carries."""
        ...

    def links(self, item: Item, about: About) -> list[dict[str, Any]]:
        """What it depends on and carries."""
        ...

    def first_links(self, about: About) -> list[dict[str, Any]]:
        """What comes before the links of packages."""
        ...
