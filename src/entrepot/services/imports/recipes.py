"""What a recipe of an image installs, and where each of it can be had: here, from a source, or from neither."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.naming import find_suites
from entrepot.adapters.catalog.records import AuditEntry, JsonValue, PackageFilter
from entrepot.domain.formats.quoting import quote
from entrepot.domain.images.bases import Base
from entrepot.domain.images.installs import Riddle, Wish
from entrepot.domain.images.recipe import MAX_RECIPE_BYTES, Stage, read_recipe
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import InvalidRequest, NotFound, UnknownDistribution, UpstreamNotSynced
from entrepot.services.imports.choosing import Choice, Wanted, spellings
from entrepot.services.imports.resolving import UpstreamResolutions

MOST_INGREDIENTS = 500
_FORMATS = {"apt": Format.DEB, "rpm": Format.RPM}


class Availability(StrEnum):
    """Where a package can be had."""

    AVAILABLE = "available"
    IMPORTABLE = "importable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A package of a recipe.  ``distribution`` is where it has to be; empty where nobody can tell."""

    wish: Wish
    name: str
    version: str
    distribution: str
    stage: str
    status: Availability
    choice: Choice | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of it; ``base`` is that of the image which comes out at the end."""

    base: Base
    distribution: str
    stages: Sequence[Stage]
    ingredients: Sequence[Ingredient]

    @property
    def riddles(self) -> list[Riddle]:
        """What only a run could name."""
        return list(dict.fromkeys(each for stage in self.stages for each in stage.riddles))

    def count(self, status: Availability) -> int:
        """So many have it."""
        return sum(each.status is status for each in self.ingredients)


class Recipes:
    """Reads them; nothing is run, and nothing is imported."""

    def __init__(self, catalog: Catalog, resolutions: UpstreamResolutions, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._resolutions = resolutions
        self._now = now

    def read(self, actor: Actor, text: str, distribution: str = "") -> Recipe:
        """``distribution`` is where everything is to be looked for, instead of that of the base images.

        Raises:
            InvalidRequest: it is empty, too long, or installs too much.
            UnknownDistribution: there is no such distribution.
        """
        demand(actor, Permission.IMPORT_FETCH)
        if not text.strip():
            raise InvalidRequest("content: there is nothing in it", field="content")
        if len(text.encode(errors="replace")) > MAX_RECIPE_BYTES:
            raise InvalidRequest(f"content: at most {MAX_RECIPE_BYTES} bytes are read", field="content")
        stages = read_recipe(text)
        wishes = list(dict.fromkeys((wish, place) for place, stage in enumerate(stages) for wish in stage.wishes))
        if len(wishes) > MOST_INGREDIENTS:
            raise InvalidRequest(f"content: it installs more than {MOST_INGREDIENTS} packages", field="content")
        with self._catalog.read() as reading:
            if distribution and not find_suites(reading, distribution):
                raise UnknownDistribution(
                    f"there is no distribution {quote(distribution[:80])}", distribution=distribution[:80]
                )
            targets = [distribution or _target(reading, stage.base) for stage in stages]
        found = [self._ingredient(wish, stages[place], targets[place]) for wish, place in wishes]
        base = stages[-1].base if stages else Base("")
        recipe = Recipe(base, targets[-1] if targets else distribution, stages, found)
        self._note(actor, recipe)
        return recipe

    def _ingredient(self, wish: Wish, stage: Stage, target: str) -> Ingredient:
        """The first way to read its name that anybody knows."""
        ways = [(wish.name, wish.version), *wish.others]
        for name, version in ways if wish.manager in _FORMATS else ():
            with self._catalog.read() as reading:
                here = _is_here(reading, wish, name, version, target)
            if here:
                return Ingredient(wish, name, version, target, stage.name, Availability.AVAILABLE)
        for name, version in ways if wish.manager in _FORMATS else ():
            choice = self._choice(wish, name, version, target, stage.base)
            if choice is not None:
                place = target or (choice.suite.codename if choice.suite is not None else "")
                return Ingredient(wish, name, version, place, stage.name, Availability.IMPORTABLE, choice)
        return Ingredient(wish, *ways[0], target, stage.name, Availability.UNKNOWN)

    def _choice(self, wish: Wish, name: str, version: str, target: str, base: Base) -> Choice | None:
        """As an import would choose; where there is no such distribution here, by those that sources are for."""
        for distribution in dict.fromkeys((target, *base.distributions) if target or base.distributions else ("",)):
            try:
                choice = self._resolutions.choose(Wanted(name, version, wish.architecture, distribution))
            except (NotFound, UnknownDistribution, UpstreamNotSynced):
                continue
            if choice.source.format is _FORMATS[wish.manager]:
                return choice
        return None

    def _note(self, actor: Actor, recipe: Recipe) -> None:
        detail: dict[str, JsonValue] = {status.value: recipe.count(status) for status in Availability}
        detail |= {"base_image": recipe.base.image[:200], "unresolved": len(recipe.riddles)}
        with self._catalog.write() as unit:
            unit.audit(AuditEntry("DOCKERFILE_ANALYZE", "SUCCESS", actor, self._now(), detail=detail))


def _target(reading: Reading, base: Base) -> str:
    """The first name of a base that is one of a distribution here."""
    return next((name for name in base.distributions if find_suites(reading, name)), "")


def _is_here(reading: Reading, wish: Wish, name: str, version: str, target: str) -> bool:
    """In the suite that is meant; in any one of the format where nobody can tell."""
    suites: list[Suite] = find_suites(reading, target) if target else []
    conditions = PackageFilter(name=name, architecture=wish.architecture, format=_FORMATS[wish.manager])
    wanted = {suite.id for suite in suites}
    return any(
        (not wanted or each.suite.id in wanted) and (not version or version in spellings(each.package.key))
        for each in reading.placements(conditions)
    )
