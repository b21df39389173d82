"""Documents about what there is, made from the catalog."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.contents import Place
from entrepot.domain.formats.bundled import READERS
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import DEFAULT_ARCHIVE, Suite
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.sbom.cyclonedx import CycloneDx
from entrepot.domain.sbom.findings import Statement, openvex, vulnerabilities
from entrepot.domain.sbom.items import About, Document, Item
from entrepot.domain.sbom.spdx import Spdx
from entrepot.errors import InvalidRequest, NotFound, UnknownDistribution
from entrepot.services.sbom.providers import Providers
from entrepot.services.sbom.standing import Asked, Stand, dependency_of, find_stand, item_of
from entrepot.services.sbom.statements import statements_of

DOCUMENTS: Mapping[str, Document] = {"cyclonedx": CycloneDx(), "spdx": Spdx()}
_NAMESPACE = uuid.UUID("4c1a1f0e-6d2b-5c58-9a44-0f6f3d0b7b11")
_PAGE = 200
_MOST_NEEDED = 1000
_NOT_IN_FILENAME = re.compile(r"[^A-Za-z0-9.+~_-]+")


@dataclass(frozen=True, slots=True)
class Listed:
    """A document to take away; its bytes come as they are made."""

    filename: str
    media_type: str
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a document, and of how many packages the whole one would speak."""

    total: int
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _State:
    """A suite as its generation in force shows it."""

    suite: Suite
    published_at: datetime


@dataclass(frozen=True, slots=True)
class _Collected:
    """A package, those that it needs, what is said of it, and when the last of all that came."""

    item: Item
    others: Sequence[Item]
    statements: Sequence[Statement]
    made_at: datetime


class Sboms:
    """Says what there is.  The same content gives the same bytes: serial numbers and times come from it."""

    def __init__(self, catalog: Catalog, version: str) -> None:
        self._catalog = catalog
        self._version = version

    def package(self, actor: Actor, asked: Asked, format_: str) -> Listed:
        """Of one package, with the packages of its suite that it needs directly.

        Raises:
            InvalidRequest: there is no such format of document.
            NotFound: there is no such package, neither published nor waiting.
        """
        demand(actor, Permission.SBOM_READ)
        document = document_named(format_)
        found = self._collected(asked)
        item = found.item
        key = item.ref.key
        about = About(f"{key.name} {key.version}", "", found.made_at, self._version, item)
        whole = _whole(document, about, [item, *found.others])
        if isinstance(document, CycloneDx) and found.statements:
            whole["vulnerabilities"] = vulnerabilities(item, found.statements)
        about = replace(about, uuid=_uuid_of(whole))
        whole |= document.head(about)
        return Listed(f"{_stem(item)}{document.suffix}", document.media_type, _printed(whole))

    def vex(self, actor: Actor, asked: Asked) -> Listed:
        """What is known to be wrong with one package, and what was decided about it, as OpenVEX.

        Raises:
            NotFound: there is no such package, or nothing to be said of it.
        """
        demand(actor, Permission.SBOM_READ)
        found = self._collected(asked)
        if not found.statements:
            raise NotFound(f"nothing is known to be wrong with {found.item.ref.key}, so there is no statement about it")
        about = About(str(found.item.ref.key), "", found.made_at, self._version, found.item)
        about = replace(about, uuid=_uuid_of(openvex(found.item, about, found.statements)))
        whole = openvex(found.item, about, found.statements)
        return Listed(f"{_stem(found.item)}.openvex.json", "application/json", _printed(whole))

    def preview(self, actor: Actor, format_: str, distribution: str | None, limit: int) -> Preview:
        """The first packages of what ``export`` would give, whole as a document.

        Raises:
            InvalidRequest, UnknownDistribution: there is no such format, no such distribution.
        """
        demand(actor, Permission.SBOM_READ)
        document = document_named(format_)
        states = self._states(distribution)
        with self._catalog.read() as reading:
            total = sum(reading.shown_count(one.suite.id, one.suite.published_revision) for one in states)
        items: list[Item] = []
        for page in self._pages(states, limit):
            items += page
            if len(items) >= limit:
                break
        first = items[:limit]
        known = {item.ref.text for item in first}
        about = self._about(document, states, distribution, extra=f"preview {limit}")
        return Preview(total, _whole(document, about, [_among(item, known) for item in first]))

    def export(self, actor: Actor, format_: str, distribution: str | None) -> Listed:
        """Of everything that is published, or of one distribution; made while it is sent.

        It shows the generations in force when it began, however long it takes.

        Raises:
            InvalidRequest, UnknownDistribution: there is no such format, no such distribution.
        """
        demand(actor, Permission.SBOM_READ)
        document = document_named(format_)
        states = self._states(distribution)
        about = self._about(document, states, distribution)
        name = "repository-full" if distribution is None else _NOT_IN_FILENAME.sub("_", distribution)
        chunks = self._streamed(document, about, states)
        return Listed(f"{name}.sbom{document.suffix}", document.media_type, chunks)

    def _streamed(self, document: Document, about: About, states: Sequence[_State]) -> Iterator[bytes]:
        packages, links = document.lists
        head = json.dumps(document.head(about), separators=(",", ":"))
        yield f'{head[:-1]},"{packages}":['.encode()
        pages = self._pages(states, _PAGE, needs=False)
        yield from _entries([part for item in page for part in document.parts(item)] for page in pages)
        yield f'],"{links}":['.encode()
        every = self._pages(states, _PAGE)
        yield from _entries([link for item in page for link in document.links(item, about)] for page in every)
        yield b"]}\n"

    def _pages(self, states: Sequence[_State], size: int, *, needs: bool = True) -> Iterator[list[Item]]:
        """All packages, some at a time; a unit of the catalog is open for one page only."""
        for state in states:
            suite, revision = state.suite, state.suite.published_revision
            providers = Providers(self._catalog, suite, revision)
            after = (-1, -1)
            while True:
                with self._catalog.read() as reading:
                    found = reading.shown(suite.id, revision, after, size)
                    compositions = reading.compositions([one.package.id for one in found])
                if not found:
                    break
                after = (found[-1].revision, found[-1].number)
                needed = providers.of([one.package for one in found]) if needs else {}
                stands = [Stand(one.package, suite, one.number, one.added_at) for one in found]
                yield [item_of(one, compositions.get(one.package.id), needed.get(one.package.id, ())) for one in stands]
                if len(found) < size:
                    break

    def _states(self, distribution: str | None) -> list[_State]:
        """Suites as they are published; those that never were have nothing to show."""
        with self._catalog.read() as reading:
            wanted = [suite for suite in reading.suites() if _is_meant(suite, distribution)]
            if not wanted:
                raise UnknownDistribution(
                    f"there is no distribution {str(distribution)[:80]!r}; GET /distributions lists them",
                    distribution=str(distribution)[:80],
                )
            return [_State(suite, _published_at(reading, suite)) for suite in wanted]

    def _about(self, document: Document, states: Sequence[_State], distribution: str | None, extra: str = "") -> About:
        described = [f"{one.suite.format}/{one.suite.full_name}@{one.suite.published_revision}" for one in states]
        text = " ".join([document.media_type, str(distribution), extra, str(READERS), *described])
        made_at = max(one.published_at for one in states)
        name = "repository" if distribution is None else f"distribution {distribution}"
        return About(name, str(uuid.uuid5(_NAMESPACE, text)), made_at, self._version)

    def _collected(self, asked: Asked) -> _Collected:
        with self._catalog.read() as reading:
            stand = find_stand(reading, asked)
            composition = reading.compositions([stand.package.id]).get(stand.package.id)
            statements = statements_of(reading, stand)
        suite, places = stand.suite, list[Place]()
        if not stand.waits:
            places = Providers(self._catalog, suite, suite.revision).of([stand.package])[stand.package.id]
            places = places[:_MOST_NEEDED]
        with self._catalog.read() as reading:
            packages = {package.id: package for package in reading.packages([one.package_id for one in places])}
        needed = [
            Stand(packages[one.package_id], suite, one.number, packages[one.package_id].received_at) for one in places
        ]
        return _Collected(
            item=item_of(stand, composition, places),
            others=[dependency_of(one) for one in needed],
            statements=statements,
            made_at=max([stand.at, *(one.at for one in needed), *(one.at for one in statements)]),
        )


def document_named(format_: str) -> Document:
    """A format by its word.

    Raises:
        InvalidRequest: there is none of that name.
    """
    found = DOCUMENTS.get(format_.lower())
    if found is None:
        raise InvalidRequest(f"unknown format {format_[:40]!r}; there are {' and '.join(DOCUMENTS)}")
    return found


def _stem(item: Item) -> str:
    return _NOT_IN_FILENAME.sub("_", f"{item.ref.key.name}_{item.ref.key.version}")


def _uuid_of(document: Mapping[str, Any]) -> str:
    return str(uuid.uuid5(_NAMESPACE, json.dumps(document, sort_keys=True)))


def _printed(document: Mapping[str, Any]) -> Iterator[bytes]:
    return iter([json.dumps(document, indent=2).encode() + b"\n"])


def _is_meant(suite: Suite, distribution: str | None) -> bool:
    """As everywhere, ``[archive/]codename``; of every format that has one of the name."""
    if distribution in (None, "", "all"):
        return True
    return suite.full_name == (distribution if "/" in str(distribution) else f"{DEFAULT_ARCHIVE}/{distribution}")


def _published_at(reading: Reading, suite: Suite) -> datetime:
    """Since when its state is in force."""
    return suite.created_at if suite.generation_id is None else reading.generation(suite.generation_id).published_at


def _whole(document: Document, about: About, items: Sequence[Item]) -> dict[str, Any]:
    packages, links = document.lists
    return {
        **document.head(about),
        packages: [part for item in items for part in document.parts(item)],
        links: [*document.first_links(about), *(link for item in items for link in document.links(item, about))],
    }


def _among(item: Item, known: set[str]) -> Item:
    """Without what is outside of the document."""
    return replace(item, needs=[ref for ref in item.needs if ref.text in known])


def _entries(pages: Iterable[Iterable[Mapping[str, Any]]]) -> Iterator[bytes]:
    """The elements of a list, in pieces of one page."""
    comma = ""
    for page in pages:
        texts = [json.dumps(entry, separators=(",", ":")) for entry in page]
        if texts:
            yield (comma + ",\n".join(texts)).encode()
            comma = ",\n"
