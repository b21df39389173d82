"""What a format's tree writer offers to the publisher.  A third format is one more of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from entrepot.adapters.catalog.choices import CarriedDocument
from entrepot.adapters.signing.base import Signer, Verification
from entrepot.domain.formats.segments.cut import Entry
from entrepot.domain.formats.segments.digests import FormDigest
from entrepot.domain.formats.segments.document import Document
from entrepot.domain.model.erratum import Erratum
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Listing, Suite


class Shown(NamedTuple):
    """How an index names a package: what a client downloads, and what it will compare."""

    path: str
    size_bytes: int
    digest: str


Gather = Callable[[Iterable[Listing]], Iterable[Entry]]
"""Entries in key order from all packages of a document."""


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """One index document of a suite.

    ``render`` gives an entry's text and ``shown`` what a client must see in it; ``parse`` reads it back as a client
    would, in order.  ``recipe`` names everything
    that the text depends on besides the packages: when it changes, all of it is written anew.
    A document with ``later`` is made from all packages at once, in a generation of its own that nobody waits for;
    until then the last one stands.
    """

    name: str
    component: str
    trees: tuple[str, ...]
    kind: str
    recipe: str
    codecs: tuple[str, ...]
    render: Callable[[Listing], bytes]
    shown: Callable[[Listing], Shown]
    parse: Callable[[bytes], Iterable[Shown]]
    head: Callable[[int], bytes] = field(default=lambda _count: b"")
    tail: bytes = b""
    later: Gather | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A document with size and digests of each of its forms by codec."""

    document: Document
    forms: Mapping[str, FormDigest]


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a generation: those that show a document (path to name and codec), and the small ones."""

    forms: Mapping[str, tuple[str, str]]
    bodies: Mapping[str, bytes]
    refresh_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """What a generation tells besides its packages.

    ``snapshots`` is the address of older states, with ``@SNAPSHOTID@`` for the time; empty where nobody knows it.
    ``documents`` are shown as they came from an upstream.
    """

    errata: Sequence[Erratum] = ()
    snapshots: str = ""
    documents: Sequence[CarriedDocument] = ()


NO_EXTRAS = Extras()


class TreeWriter(Protocol):
    """Knows one format's published layout."""

    format: Format

    def plan(self, suite: Suite) -> Sequence[DocumentPlan]:
        """The documents that the suite consists of."""
        ...

    def write(
        self,
        suite: Suite,
        now: datetime,
        measured: Mapping[str, Measured],
        signer: Signer,
        extras: Extras = NO_EXTRAS,
    ) -> Tree:
        """Names and small files of a generation, signed."""
        ...

    def check(
        self,
        tree: Tree,
        sizes: Mapping[str, tuple[int, str]],
        certificate: bytes,
        verification: Verification,
    ) -> None:
        """Read the tree as a client would: root, signature, then every file it names with (size, SHA-256).

        Raises:
            GenerationRefused: saying which file and why.
        """
        ...
