"""The closure of a package in one suite."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.offers import candidate_of
from entrepot.adapters.catalog.records import PackageFilter, Placement, StoredPackage
from entrepot.domain.dependencies.candidates import Candidate
from entrepot.domain.dependencies.closure import Closure, close
from entrepot.domain.dependencies.hosts import home_of, rules_of
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import NotFound


@dataclass(frozen=True, slots=True)
class Question:
    """Which package; without a version the newest, without a suite the first that has it.

    ``architecture`` is that of the host, or of the package where several are there.
    """

    name: str
    version: str | None = None
    architecture: str | None = None
    distribution: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The package that was meant, where it was looked at, and the answer."""

    package: StoredPackage
    suite: Suite
    home: str
    closure: Closure


class Resolutions:
    """Explains dependencies.  A host is taken to know the one suite and nothing else."""

    def __init__(self, catalog: Catalog, formats: Mapping[Format, PackageFormat]) -> None:
        self._catalog = catalog
        self._formats = formats

    def resolve(self, actor: Actor, question: Question) -> Resolution:
        """Everything that a package needs, with the reason for each, and whether it can be installed.

        Raises:
            NotFound: no suite, or not the one that is named, has it.
        """
        demand(actor, Permission.PACKAGE_READ)
        chosen = self._find(question)
        package, suite = chosen.package, chosen.suite
        home = home_of(package.key, suite, question.architecture)
        with self._catalog.read() as reading:
            control = reading.control_of(package)
        root = candidate_of(package, control)

        def lookup(names: Collection[str]) -> Iterator[tuple[str, Candidate]]:
            with self._catalog.read() as reading:
                found = reading.offers(suite.id, names)
            yield from ((offer.name, offer.candidate()) for offer in found)

        return Resolution(package, suite, home, close(rules_of(suite, home), lookup, root))

    def _find(self, question: Question) -> Placement:
        with self._catalog.read() as reading:
            wanted = PackageFilter(name=question.name, version=question.version or "")
            found = [
                one
                for one in reading.placements(wanted)
                if question.distribution in (None, one.suite.codename, one.suite.full_name)
                and _fits(one, question.architecture, self._formats[one.suite.format])
            ]
        if not found:
            spec = " ".join(part for part in (question.name, question.version, question.architecture) if part)
            where = f" in {question.distribution[:80]}" if question.distribution else ""
            raise NotFound(f"there is no package {spec[:200]}{where}")
        return self._newest(found)

    def _newest(self, found: Sequence[Placement]) -> Placement:
        same = [one for one in found if one.suite.id == found[0].suite.id]
        compare = self._formats[same[0].package.key.format].compare
        versions = cmp_to_key(compare)
        return max(same, key=lambda one: versions(one.package.key.version))


def _fits(placement: Placement, architecture: str | None, format_: PackageFormat) -> bool:
    return architecture in (None, placement.package.key.architecture) or (
        placement.package.key.architecture == format_.independent
    )
