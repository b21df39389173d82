"""Search by name: the name itself first, then names that begin so, then names that have it somewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.sources import UpstreamFilter, UpstreamPackage
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.errors import BadVersion
from entrepot.services.imports.choosing import Switched, family_of, looked_into

_MOST_NAMES = 5000
_MOST_ROWS = 4000
_BREAKS = frozenset("-+._")


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for; all conditions must hold."""

    text: str
    limit: int = 20
    source: str = ""
    format: Format | None = None
    distribution: str = ""
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One version of a package, and all sources that have it; ``package`` is as the first of them lists it."""

    package: UpstreamPackage
    sources: Sequence[Source]


class Searches:
    """Looks into the copy of other people's indexes."""

    def __init__(self, catalog: Catalog, formats: Mapping[Format, PackageFormat], switched: Switched) -> None:
        self._catalog = catalog
        self._formats = formats
        self._switched = switched

    def search(self, actor: Actor, question: Question) -> list[Found]:
        """At most ``limit`` different packages.

        Raises:
            UpstreamNotSynced: nothing can be searched yet.
            NotFound: there is no such source.
        """
        demand(actor, Permission.UPSTREAM_READ)
        with self._catalog.read() as reading:
            sources = looked_into(reading, self._switched, question.source)
            if question.distribution:
                exact = [each for each in sources if each.distribution == question.distribution]
                family = family_of(question.distribution)
                sources = (
                    exact
                    if "-" in question.distribution
                    else [each for each in sources if family_of(each.distribution) == family]
                )
            by_id = {each.id: each for each in sources}
            found: dict[PackageKey, list[UpstreamPackage]] = {}
            seen: set[str] = set()
            for anywhere in (False, True):
                if len(found) >= question.limit:
                    break
                names = [name for name in self._names(reading, question, by_id, anywhere=anywhere) if name not in seen]
                seen.update(names)
                for start in range(0, len(names), question.limit):
                    if len(found) >= question.limit:
                        break
                    self._collect(reading, question, by_id, names[start : start + question.limit], found)
        rows = list(found.values())[: question.limit]
        return [Found(each[0], [by_id[one.source_id] for one in each]) for each in rows]

    def _names(
        self, reading: Reading, question: Question, sources: Mapping[SourceId, Source], *, anywhere: bool
    ) -> Sequence[str]:
        text = question.text
        found = reading.upstream_names(text, list(sources), question.format, _MOST_NAMES, anywhere=anywhere)
        return sorted(found, key=lambda name: _rank(name, text.lower()))

    def _collect(
        self,
        reading: Reading,
        question: Question,
        sources: Mapping[SourceId, Source],
        names: Sequence[str],
        found: dict[PackageKey, list[UpstreamPackage]],
    ) -> None:
        """By name as ranked, newest versions first; one package once, whoever has it."""
        architectures = [question.architecture] if question.architecture else []
        conditions = UpstreamFilter(
            names=names, sources=list(sources), format=question.format, architectures=architectures
        )
        rows = reading.upstream_packages(conditions, _MOST_ROWS)
        place = {name: number for number, name in enumerate(names)}
        secure = {each.id for each in sources.values() if each.security}
        rows.sort(key=lambda each: (each.key.architecture, each.source_id not in secure))
        rows.sort(key=cmp_to_key(self._newer))
        rows.sort(key=lambda each: place[each.key.name])
        for each in rows:
            same = found.setdefault(each.key, [])
            if all(each.source_id != one.source_id for one in same):
                same.append(each)

    def _newer(self, a: UpstreamPackage, b: UpstreamPackage) -> int:
        if a.key.format is not b.key.format:
            return -1 if a.key.format.value < b.key.format.value else 1
        try:
            return self._formats[a.key.format].compare(b.key.version, a.key.version)
        except BadVersion:
            return 0


def _rank(name: str, text: str) -> tuple[int, str]:
    lower = name.lower()
    if lower == text:
        return (0, name)
    if lower.startswith(text):
        return (1, name)
    at = lower.find(text)
    while at > 0:
        if lower[at - 1] in _BREAKS:
            return (2, name)
        at = lower.find(text, at + 1)
    return (3, name)
