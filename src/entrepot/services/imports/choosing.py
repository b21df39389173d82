"""Which package of which source is meant, and for which suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cmp_to_key

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.naming import find_suites
from entrepot.adapters.catalog.sources import UpstreamFilter, UpstreamPackage
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.formats.quoting import quote
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import Suite
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.errors import BadVersion, NotFound, UnknownDistribution, UpstreamNotSynced

MOST_LISTED = 20_000
_COMMON = ("amd64", "x86_64")

Switched = Callable[[Source], Source]
"""A source with the switch of the settings."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for.  Without a version the newest; ``source`` is a number or name."""

    name: str
    version: str = ""
    architecture: str = ""
    distribution: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is meant.  ``around`` are the sources that its dependencies may come from, its own first."""

    package: UpstreamPackage
    source: Source
    suite: Suite | None
    around: Sequence[Source]

    def into(self, suite: Suite) -> Choice:
        """The same for a certain suite."""
        return replace(self, suite=suite)


def spellings(key: PackageKey) -> tuple[str, ...]:
    """How people write its version: as it is, without its epoch, and of an rpm without its release as well."""
    plain = key.version.rpartition(":")[2]
    found = (key.version, plain)
    return found if key.format is Format.DEB else (*found, plain.rpartition("-")[0], key.version.rpartition("-")[0])


def family_of(distribution: str) -> str:
    """``jammy`` of ``jammy-security`` and ``main/jammy``."""
    return distribution.rpartition("/")[2].partition("-")[0] if distribution else ""


def looked_into(reading: Reading, switched: Switched, key: str = "") -> list[Source]:
    """Sources that can be searched: the one that is named, or all that are switched on and have been synchronised.

    Raises:
        NotFound: there is none of this name.
        UpstreamNotSynced: nobody has looked at it, or at any.
    """
    found = [switched(each) for each in reading.sources()]
    if key:
        named = [each for each in found if key in (each.name, str(int(each.id)))]
        if not named:
            raise NotFound(f"there is no source {quote(key[:64])}; GET /import/sync-status lists them")
        if not named[0].state.generation:
            raise UpstreamNotSynced(f"source {named[0].name} was never synchronised: POST /import/sync/{named[0].name}")
        return named
    ready = [each for each in found if each.enabled and each.state.generation]
    if not ready:
        raise UpstreamNotSynced("no source was ever synchronised: switch one on and POST /import/sync")
    return ready


class Chooser:
    """Finds what is meant."""

    def __init__(self, formats: Mapping[Format, PackageFormat], switched: Switched) -> None:
        self._formats = formats
        self._switched = switched

    def choose(self, reading: Reading, wanted: Wanted) -> Choice:
        """The package, and the suite if there is one that it can go to.

        Raises:
            NotFound, UpstreamNotSynced: it is not there.
            UnknownDistribution: neither a suite nor a source is for this distribution.
        """
        suites = find_suites(reading, wanted.distribution) if wanted.distribution else []
        sources = self._sources(reading, wanted, suites)
        package = self._package(reading, wanted, sources, suites)
        source = next(each for each in sources if each.id == package.source_id)
        suite = next((each for each in suites if each.format is source.format), None)
        if not wanted.distribution:
            names = dict.fromkeys((source.distribution, family_of(source.distribution)))
            found = [each for name in names if name for each in find_suites(reading, name)]
            suite = next((each for each in found if each.format is source.format), None)
        family = {family_of(source.distribution), family_of(suite.codename) if suite else ""} - {""}
        try:
            others = [each for each in looked_into(reading, self._switched) if each.format is source.format]
        except UpstreamNotSynced:  # the only one is switched off, and named
            others = []
        near = [
            each for each in others if not family or not each.distribution or family_of(each.distribution) in family
        ]
        return Choice(package, source, suite, [source, *(each for each in near if each.id != source.id)])

    def _sources(self, reading: Reading, wanted: Wanted, suites: Sequence[Suite]) -> list[Source]:
        ready = looked_into(reading, self._switched, wanted.source)
        if not wanted.distribution or wanted.source:
            return ready
        formats = {suite.format for suite in suites}
        fitting = [each for each in ready if not formats or each.format in formats]
        family = family_of(wanted.distribution)
        near = [each for each in fitting if family and family_of(each.distribution) == family]
        exact = [each for each in near if each.distribution == wanted.distribution]
        if not suites and not near:
            raise UnknownDistribution(
                f"there is no distribution {quote(wanted.distribution[:80])}, here or upstream",
                distribution=wanted.distribution[:80],
            )
        return (exact if exact and not suites else near) or fitting

    def _package(
        self, reading: Reading, wanted: Wanted, sources: Sequence[Source], suites: Sequence[Suite]
    ) -> UpstreamPackage:
        numbers = [SourceId(each.id) for each in sources]
        found = reading.upstream_packages(UpstreamFilter(names=[wanted.name], sources=numbers), MOST_LISTED)
        spec = " ".join(each for each in (wanted.name, wanted.version, wanted.architecture) if each)
        fitting = [
            each
            for each in found
            if (not wanted.version or wanted.version in spellings(each.key))
            and (not wanted.architecture or each.key.architecture in (wanted.architecture, self._independent(each)))
            and self.sound(each)
        ]
        if not fitting:
            where = f"source {sources[0].name}" if len(sources) == 1 else f"{len(sources)} sources"
            there = ", ".join(dict.fromkeys(f"{each.key.version} {each.key.architecture}" for each in found[:10]))
            hint = f"; there are {there}" if there else ""
            raise NotFound(f"no package {quote(spec[:200])} in {where}{hint}")
        rank = _ranks([name for suite in suites for name in suite.options.architectures])
        best = min(rank(each.key.architecture, self._independent(each)) for each in fitting)
        fitting = [each for each in fitting if rank(each.key.architecture, self._independent(each)) == best]
        secure = {each.id for each in sources if each.security}
        fitting.sort(key=lambda each: each.source_id not in secure)
        version = cmp_to_key(self._formats[fitting[0].key.format].compare)
        return max(fitting, key=lambda each: version(each.key.version))

    def _independent(self, package: UpstreamPackage) -> str:
        return self._formats[package.key.format].independent

    def sound(self, package: UpstreamPackage) -> bool:
        """Whether its version can be compared at all."""
        try:
            self._formats[package.key.format].compare(package.key.version, package.key.version)
        except BadVersion:
            return False
        return True


def _ranks(preferred: Sequence[str]) -> Callable[[str, str], int]:
    """Which architecture is meant where nobody says: one of the suite, then the independent one, then common ones."""

    def rank(architecture: str, independent: str) -> int:
        if architecture in preferred:
            return 0
        if architecture == independent or architecture in _COMMON:
            return 1
        return 2

    return rank
