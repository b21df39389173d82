"""The question, asked for a reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.services.intake.explaining.case import Case, Wanted, read
from entrepot.services.intake.explaining.facts import Fact, facts_of
from entrepot.services.intake.explaining.standing import Obstacle, Standing, notes_of, obstacles_of, standing_of, told


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer.  ``own_rules`` are names of rules that the suite has otherwise than the others have, now."""

    case: Case
    standing: Standing
    told: str
    obstacles: Sequence[Obstacle]
    notes: Sequence[str]
    facts: Sequence[Fact]
    own_rules: Sequence[str]


class Explanations:
    """Tells why."""

    def __init__(
        self,
        catalog: Catalog,
        formats: Mapping[Format, PackageFormat],
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._formats = formats
        self._configuration = configuration
        self._now = now

    def why(self, actor: Actor, wanted: Wanted) -> Explanation:
        """Why one version is in a suite, or not; without a suite the one that it got furthest in.

        Raises:
            NotFound: it never came near that suite; the sentence says where it is.
            UnknownDistribution: there is no such suite.
        """
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            case = read(reading, wanted, lambda key: self._formats[key.format], self._now())
        own = sorted(self._configuration().gate.suites.get(case.suite.path_name, {}))
        return Explanation(
            case=case,
            standing=standing_of(case),
            told=told(case),
            obstacles=obstacles_of(case),
            notes=notes_of(case),
            facts=facts_of(case),
            own_rules=own,
        )
