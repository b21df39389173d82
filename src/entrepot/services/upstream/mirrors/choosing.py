"""Which packages of a source a mirror takes: those that its filter names, and what these need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.choices import Listed
from entrepot.adapters.catalog.sources import UpstreamFilter, UpstreamPackage
from entrepot.domain.dependencies.candidates import Candidate, Rules
from entrepot.domain.dependencies.deb import DebRules
from entrepot.domain.dependencies.gathering import Gathering
from entrepot.domain.dependencies.rpm import RpmRules, accepted_architectures
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.upstream.patterns import BadPattern
from entrepot.domain.upstream.sieve import Filter, Sieve
from entrepot.domain.upstream.source import Source
from entrepot.errors import BadVersion, InvalidRequest, LostRace, UpstreamNotSynced

_ROWS_A_PAGE = 2000
_NAMES_AT_ONCE = 400
_MOST_LISTED = 100_000
_COMMON = {Format.DEB: ("amd64",), Format.RPM: ("x86_64",)}
_OUTSIDE = 1 << 48  # packages of sources are numbered from here, those of suites lie below


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a filter takes: packages that it names, and those that these need; ``unresolved`` is what nobody has."""

    named: Sequence[Listed] = ()
    needed: Sequence[Listed] = ()
    unresolved: Sequence[str] = ()
    unresolved_count: int = 0

    @property
    def size_bytes(self) -> int:
        """Of all of them."""
        return sum(one.size_bytes for one in (*self.named, *self.needed))

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.named) + len(self.needed)


@dataclass(slots=True)
class _Newest:
    """The newest versions of each name and architecture, so far."""

    format: PackageFormat
    most: int
    kept: dict[tuple[str, str], list[Listed]] = field(default_factory=dict)

    def add(self, one: Listed) -> None:
        """Take it, perhaps in place of another one."""
        rows = self.kept.setdefault((one.key.name, one.key.architecture), [])
        rows.append(one)
        if self.most and len(rows) > self.most:
            order = cmp_to_key(self.format.compare)
            rows.remove(min(rows, key=lambda each: order(each.key.version)))

    def all(self) -> list[Listed]:
        """In the order of the index."""
        return sorted((one for rows in self.kept.values() for one in rows), key=lambda one: one.number)


def sieve_of(wanted: Filter, format_: PackageFormat) -> Sieve:
    """A filter that was read.

    Raises:
        InvalidRequest: one of its patterns is none.
    """
    try:
        return Sieve(wanted, format_.independent)
    except BadPattern as fault:
        raise InvalidRequest(f"filter: {fault}", field="filter") from None


class Choosing:
    """Reads what was synchronised."""

    def __init__(self, catalog: Catalog, formats: Mapping[Format, PackageFormat]) -> None:
        self._catalog = catalog
        self._formats = formats

    def trees(self, source: Source, wanted: Filter) -> tuple[str, ...]:
        """Architectures that a suite of these packages is read for, as far as anybody said."""
        format_ = self._formats[source.format]
        named = wanted.architectures or source.architectures or _COMMON[source.format]
        trees = dict.fromkeys(format_.tree(each) for each in named)
        return tuple(each for each in trees if each != format_.independent) or _COMMON[source.format]

    def check(self, wanted: Filter, format_: Format) -> None:
        """Raises InvalidRequest: one of its patterns is none."""
        sieve_of(wanted, self._formats[format_])

    def choose(self, source: Source, wanted: Filter, suite: Suite | None, own: Collection[PackageId] = ()) -> Chosen:
        """What it takes of a source that was synchronised.

        What a suite has by other ways than this mirror meets needs, too; ``own`` are packages that it brought itself.

        Raises:
            UpstreamNotSynced: nobody has looked at the source.
            InvalidRequest: the filter makes no sense.
            LostRace: the source was synchronised meanwhile.
        """
        if not source.state.generation:
            raise UpstreamNotSynced(f"source {source.name} was never synchronised: POST /import/sync/{source.name}")
        format_ = self._formats[source.format]
        sieve, newest = sieve_of(wanted, format_), _Newest(format_, wanted.newest)
        for one in self._listed(source):
            key = one.key
            if sieve.takes(key.name, key.architecture, one.component, one.section, one.priority) and self._sound(one):
                newest.add(one)
        named = newest.all()
        chosen = Chosen(named)
        if wanted.with_dependencies and wanted.narrows:
            chosen = self._with_needs(source, wanted, sieve, named, suite, own)
        with self._catalog.read() as reading:
            if reading.source(source.id).state.generation != source.state.generation:
                raise LostRace(f"{source.name} was synchronised meanwhile")
        return chosen

    def _listed(self, source: Source) -> Iterator[Listed]:
        last = -1
        while True:
            with self._catalog.read() as reading:
                page = reading.listed(source.id, last, _ROWS_A_PAGE)
            yield from page
            if len(page) < _ROWS_A_PAGE:
                return
            last = page[-1].number

    def _sound(self, one: Listed) -> bool:
        try:
            self._formats[one.key.format].compare(one.key.version, one.key.version)
        except BadVersion:
            return False
        return True

    def _with_needs(
        self,
        source: Source,
        wanted: Filter,
        sieve: Sieve,
        named: Sequence[Listed],
        suite: Suite | None,
        own: Collection[PackageId],
    ) -> Chosen:
        independent = self._formats[source.format].independent
        homes = sorted({one.key.architecture for one in named} - {independent})
        homes = [home for home in homes if source.format is Format.DEB or home in _HOSTS] or _default(source, wanted)
        if "x86_64" in homes:  # the 32-bit packages of a 64-bit host
            homes = [home for home in homes if home not in ("i386", "i686")]
        numbers = {one.number for one in named}
        needed: dict[int, UpstreamPackage] = {}
        missing: dict[str, None] = {}
        count = 0
        for home in homes:
            search = _Search(self._catalog, source, sieve, home, suite, own)
            gathering = Gathering(search.rules, search.lookup)
            for roots in search.roots(named):
                gathering.add(roots)
            taken = [number - _OUTSIDE for number in gathering.found.taken if number >= _OUTSIDE]
            needed |= {number: search.seen[number] for number in taken if number not in numbers}
            missing |= dict.fromkeys(gathering.found.unresolved)
            count += gathering.found.unresolved_count
        return Chosen(named, [_in_short(needed[number]) for number in sorted(needed)], list(missing), count)


_HOSTS = ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64", "i386", "i686", "armv7hl", "loongarch64")


def _default(source: Source, wanted: Filter) -> list[str]:
    named = [each for each in (*wanted.architectures, *source.architectures) if each not in ("all", "noarch")]
    return named or list(_COMMON[source.format])


class _Search:
    """What a host of one architecture can get: from the source within the bounds of the filter, and from a suite."""

    def __init__(
        self,
        catalog: Catalog,
        source: Source,
        sieve: Sieve,
        home: str,
        suite: Suite | None,
        own: Collection[PackageId],
    ) -> None:
        self._catalog = catalog
        self._sieve = sieve
        self._suite = suite
        self._own = own
        if source.format is Format.DEB:
            architectures = [home, "all"]
            self.rules: Rules = DebRules([home])
        else:
            architectures = accepted_architectures(home)
            self.rules = RpmRules(architectures)
        self._architectures = frozenset(architectures)
        self._conditions = UpstreamFilter(sources=[source.id], format=source.format, architectures=architectures)
        self.seen: dict[int, UpstreamPackage] = {}

    def roots(self, named: Sequence[Listed]) -> Iterator[list[Candidate]]:
        """The packages that are asked for, with what they need."""
        mine = {one.number: one.key.name for one in named if one.key.architecture in self._architectures}
        names = sorted(set(mine.values()))
        for start in range(0, len(names), _NAMES_AT_ONCE):
            with self._catalog.read() as reading:
                found = self._called(reading, names[start : start + _NAMES_AT_ONCE])
            yield [self._candidate("", each) for each in found if each.number in mine]

    def lookup(self, names: Collection[str]) -> Iterable[tuple[str, Candidate]]:
        """By name, capability or path."""
        wanted = list(names)
        for start in range(0, len(wanted), _NAMES_AT_ONCE):
            part = wanted[start : start + _NAMES_AT_ONCE]
            with self._catalog.read() as reading:
                inside = reading.offers(self._suite.id, part) if self._suite else []
                called = self._called(reading, [name for name in part if not name.startswith("/")])
                provided = reading.upstream_providers(part, self._conditions)
            for offer in inside:
                if offer.package.id not in self._own:
                    yield offer.name, offer.candidate()
            for name, package in [*((each.key.name, each) for each in called), *provided]:
                if self._sieve.bears(package.key.name, package.key.architecture, package.component):
                    yield name, self._candidate(name, package)

    def _called(self, reading: Reading, names: list[str]) -> list[UpstreamPackage]:
        wanted = UpstreamFilter(
            names=names,
            sources=self._conditions.sources,
            format=self._conditions.format,
            architectures=self._conditions.architectures,
        )
        return reading.upstream_packages(wanted, _MOST_LISTED) if names else []

    def _candidate(self, name: str, package: UpstreamPackage) -> Candidate:
        self.seen[package.number] = package
        files = frozenset({name}) if name.startswith("/") else frozenset[str]()
        return Candidate(_OUTSIDE + package.number, package.key, package.relations, package.multi_arch, files)


def _in_short(package: UpstreamPackage) -> Listed:
    return Listed(
        package.number,
        package.key,
        package.component,
        package.section,
        "",
        package.filename,
        package.size_bytes,
        package.digest,
    )
