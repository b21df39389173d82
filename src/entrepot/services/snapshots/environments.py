"""Environments: names under which machines see snapshots, moved in one step and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.naming import find_suite
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.snapshot import Content, Environment, Move, Snapshot
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.errors import InvalidRequest, MoveRefused, NotFound, StillShown
from entrepot.services.snapshots.comparison import Difference, Known, compare, with_delta
from entrepot.services.snapshots.installability import Broken, broken
from entrepot.services.snapshots.references import State

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TEXT_CHARACTERS = 1000
_MOST_TARGETS = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """An environment and what it shows of each suite."""

    environment: Environment
    positions: Sequence[Move]


@dataclass(frozen=True, slots=True)
class Objection:
    """A package that the environment must not show, and why."""

    name: str
    version: str
    architecture: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a move would do to one suite.  Without ``before``, the environment did not show it."""

    suite: Suite
    before: Snapshot | None
    after: Snapshot
    difference: Difference | None
    broken: Sequence[Broken] = ()
    objections: Sequence[Objection] = ()

    @property
    def harmless(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.broken and not self.objections


@dataclass(frozen=True, slots=True)
class Plan:
    """A move before it is made."""

    environment: Environment
    changes: Sequence[Change]
    unchanged: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Aim:
    """Where to point: (distribution, snapshot) pairs, or what another environment shows, all of it or a part."""

    targets: Sequence[tuple[str, str]] = ()
    source: str | None = None
    distributions: Sequence[str] = ()


class Environments:
    """Make, plan, move, go back.  Moving changes a row; machines see the other content with their next request."""

    def __init__(
        self,
        catalog: Catalog,
        formats: Mapping[Format, PackageFormat],
        known: Known,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._formats = formats
        self._known = known
        self._now = now

    def all(self, actor: Actor) -> list[Shown]:
        """By name."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            return [Shown(one, reading.positions(one.id)) for one in reading.environments()]

    def one(self, actor: Actor, name: str) -> Shown:
        """Raises ``NotFound``."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            environment = _find(reading, name)
            return Shown(environment, reading.positions(environment.id))

    def history(
        self, actor: Actor, name: str, distribution: str | None, offset: int, limit: int
    ) -> tuple[list[Move], int]:
        """Every move, newest first."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            suite = None if distribution is None else find_suite(reading, distribution)
            return reading.moves(_find(reading, name).id, None if suite is None else suite.id, offset, limit)

    def create(self, actor: Actor, name: str, description: str, *, protected: bool) -> Shown:
        """An empty one."""
        demand(actor, Permission.ENVIRONMENT_WRITE)
        if not _NAME.fullmatch(name):
            raise InvalidRequest("an environment's name is up to 64 lower-case letters, digits and the signs . _ -")
        _check_text(description)
        now = self._now()
        with self._catalog.write() as unit:
            made = unit.add_environment(name, description, actor.name, now, protected=protected)
            detail: dict[str, JsonValue] = {"environment": name, "protected": protected}
            unit.audit(AuditEntry("ENVIRONMENT_CREATE", "SUCCESS", actor, now, detail=detail))
        return Shown(made, ())

    def change(self, actor: Actor, name: str, description: str | None, *, protected: bool | None) -> Shown:
        """What is none stays."""
        demand(actor, Permission.ENVIRONMENT_WRITE)
        _check_text(description or "")
        now = self._now()
        with self._catalog.write() as unit:
            old = _find(unit, name)
            guarded = old.protected if protected is None else protected
            unit.change_environment(old.id, old.description if description is None else description, protected=guarded)
            detail: dict[str, JsonValue] = {"environment": name, "protected": guarded}
            unit.audit(AuditEntry("ENVIRONMENT_CHANGE", "SUCCESS", actor, now, detail=detail))
            return Shown(_find(unit, name), unit.positions(old.id))

    def remove(self, actor: Actor, name: str) -> None:
        """Its address answers no more; the snapshots stay.

        Raises:
            StillShown: it shows something.
        """
        demand(actor, Permission.ENVIRONMENT_WRITE)
        with self._catalog.write() as unit:
            old = _find(unit, name)
            shown = [move.suite.codename for move in unit.positions(old.id)]
            if shown:
                raise StillShown(
                    f"{name} shows {', '.join(shown)}; take these out of it first", distributions=", ".join(shown)
                )
            unit.remove_environment(old.id)
            detail: dict[str, JsonValue] = {"environment": name}
            unit.audit(AuditEntry("ENVIRONMENT_DELETE", "SUCCESS", actor, self._now(), detail=detail))

    def plan(self, actor: Actor, name: str, aim: Aim) -> Plan:
        """What a move would change, and what speaks against it.

        Raises:
            InvalidRequest, NotFound, UnknownDistribution: there is no such aim.
        """
        demand(actor, Permission.SUITE_READ)
        return self._plan(name, aim)

    def _plan(self, name: str, aim: Aim) -> Plan:
        with self._catalog.read() as reading:
            environment = _find(reading, name)
            targets = _targets(reading, aim)
            shown = {move.suite.id: move.snapshot for move in reading.positions(environment.id)}
            changes, unchanged, seen = [], [], set[SuiteId]()
            for distribution, wanted in targets:
                suite = find_suite(reading, distribution)
                if suite.id in seen:
                    raise InvalidRequest(f"{suite.codename} is named twice; it can show one snapshot")
                seen.add(suite.id)
                after = reading.snapshot_named(suite.id, wanted)
                if after is None:
                    raise NotFound(f"{suite.codename} has no snapshot {wanted[:128]!r}")
                before = shown.get(suite.id)
                if before is not None and before.id == after.id:
                    unchanged.append(suite.codename)
                else:
                    changes.append(self._change(reading, suite, before, after))
        return Plan(environment, changes, unchanged)

    def _change(self, reading: Reading, suite: Suite, before: Snapshot | None, after: Snapshot) -> Change:
        new = State(f"{suite.codename}@{after.name}", suite, after.generation)
        if before is None:
            came = reading.contents_at(suite.id, after.generation.revision)
            return Change(suite, None, after, None, (), _objections(reading, suite, came))
        old = State(f"{suite.codename}@{before.name}", suite, before.generation)
        difference = with_delta(reading, compare(reading, old, new, self._formats), self._known)
        harmed = broken(reading, old, new, difference.gone)
        return Change(suite, before, after, difference, harmed, _objections(reading, suite, difference.came))

    def point(self, actor: Actor, name: str, aim: Aim, reason: str, *, override: bool = False) -> Plan:
        """Make the move that ``plan`` shows, of all distributions at once.

        Raises:
            MoveRefused: something speaks against it, and ``override`` with a reason was not given.
            PermissionDenied: the environment is protected, and the actor is no administrator.
        """
        demand(actor, Permission.ENVIRONMENT_MOVE)
        plan = self._plan(name, aim)
        self._may_move(actor, plan.environment, reason)
        harmful = [change for change in plan.changes if not change.harmless]
        if harmful and not (override and reason.strip()):
            raise MoveRefused(
                _harm(name, harmful), distributions=", ".join(change.suite.codename for change in harmful)
            )
        moves = [(change.suite, change.after) for change in plan.changes]
        self._move(actor, plan.environment, "ENVIRONMENT_MOVE", moves, reason, override=bool(harmful))
        return plan

    def roll_back(self, actor: Actor, name: str, distribution: str | None, reason: str) -> list[Move]:
        """Show what was shown before the newest move, of one distribution or of all that this move touched.

        Raises:
            InvalidRequest: nothing was shown before.
        """
        demand(actor, Permission.ENVIRONMENT_MOVE)
        with self._catalog.read() as reading:
            environment = _find(reading, name)
            suite = None if distribution is None else find_suite(reading, distribution)
            positions = [
                move for move in reading.positions(environment.id) if suite is None or move.suite.id == suite.id
            ]
            newest = max((move.moved_at for move in positions), default=None)
            back: list[tuple[Suite, Snapshot | None]] = []
            for move in positions:
                if move.moved_at == newest:
                    before, _ = reading.moves(environment.id, move.suite.id, 1, 1)
                    if before and before[0].snapshot is not None:
                        back.append((move.suite, before[0].snapshot))
        if not back:
            raise InvalidRequest(f"{name} showed nothing else before")
        self._may_move(actor, environment, reason)
        self._move(actor, environment, "ENVIRONMENT_ROLLBACK", back, reason, override=False)
        with self._catalog.read() as reading:
            moved = {one.id for one, _ in back}
            return [move for move in reading.positions(environment.id) if move.suite.id in moved]

    def take_out(self, actor: Actor, name: str, distribution: str, reason: str) -> Shown:
        """The environment shows nothing of a distribution any more."""
        demand(actor, Permission.ENVIRONMENT_MOVE)
        with self._catalog.read() as reading:
            environment, suite = _find(reading, name), find_suite(reading, distribution)
            if not any(move.suite.id == suite.id for move in reading.positions(environment.id)):
                raise NotFound(f"{name} shows no {suite.codename}")
        self._may_move(actor, environment, reason)
        self._move(actor, environment, "ENVIRONMENT_MOVE", [(suite, None)], reason, override=False)
        with self._catalog.read() as reading:
            return Shown(environment, reading.positions(environment.id))

    def _may_move(self, actor: Actor, environment: Environment, reason: str) -> None:
        _check_text(reason)
        if environment.protected:
            demand(actor, Permission.ENVIRONMENT_WRITE)
            if not reason.strip():
                raise InvalidRequest(f"{environment.name} is protected: say why it moves")

    def _move(
        self,
        actor: Actor,
        environment: Environment,
        action: str,
        moves: Sequence[tuple[Suite, Snapshot | None]],
        reason: str,
        *,
        override: bool,
    ) -> None:
        if not moves:
            return
        for suite, _ in moves:
            demand_suite(actor, suite)
        now = self._now()
        rows: list[tuple[SuiteId, int | None]] = [
            (suite.id, None if snapshot is None else snapshot.id) for suite, snapshot in moves
        ]
        with self._catalog.write() as unit:
            for _, snapshot in moves:
                if snapshot is not None:
                    unit.snapshot_of(snapshot.id)  # it may be gone meanwhile
            unit.add_moves(environment.id, rows, actor.name, reason, now)
            shown = {suite.codename: None if snapshot is None else snapshot.name for suite, snapshot in moves}
            detail: dict[str, JsonValue] = {
                "environment": environment.name,
                "shows": shown,
                "reason": reason,
                **({"override": True} if override else {}),
            }
            unit.audit(AuditEntry(action, "SUCCESS", actor, now, detail=detail))


def _find(reading: Reading, name: str) -> Environment:
    found = reading.environment_named(name)
    if found is None:
        known = ", ".join(one.name for one in reading.environments()) or "none"
        raise NotFound(f"there is no environment {name[:64]!r}; there are {known}")
    return found


def _targets(reading: Reading, aim: Aim) -> Sequence[tuple[str, str]]:
    if bool(aim.targets) == (aim.source is not None):
        raise InvalidRequest("give either targets, or from with the name of another environment")
    if len(aim.targets) > _MOST_TARGETS:
        raise InvalidRequest(f"name at most {_MOST_TARGETS} distributions")
    if aim.source is None:
        return aim.targets
    positions = reading.positions(_find(reading, aim.source).id)
    shown = {move.suite.codename: move.snapshot.name for move in positions if move.snapshot is not None}
    if unknown := sorted(set(aim.distributions) - set(shown)):
        raise NotFound(f"{aim.source} shows no {unknown[0][:80]}")
    return [(codename, name) for codename, name in shown.items() if codename in (aim.distributions or shown)]


def _objections(reading: Reading, suite: Suite, came: Iterable[Content]) -> list[Objection]:
    """Packages that left the suite because somebody refused them; being in an old snapshot does not let them in."""
    refused = reading.refusals(suite.id)
    if not refused:
        return []
    found = sorted((one for one in came if one.package_id in refused), key=lambda one: one.package_id)
    return [Objection(one.name, one.version, one.architecture, refused[one.package_id]) for one in found]


def _harm(name: str, harmful: Sequence[Change]) -> str:
    parts: list[str] = []
    for change in harmful:
        parts += (f"{one.name} {one.version} would lack {', '.join(one.needs[:3])}" for one in change.broken[:3])
        parts += (f"{one.name} {one.version} was refused: {one.reason[:100]}" for one in change.objections[:3])
    total = sum(len(change.broken) + len(change.objections) for change in harmful)
    more = f" (and {total - len(parts)} more)" if total > len(parts) else ""
    return f"{name} is not moved: {'; '.join(parts)}{more}; mend that, or give a reason and override"


def _check_text(text: str) -> None:
    if len(text) > _TEXT_CHARACTERS:
        raise InvalidRequest(f"a description or reason has at most {_TEXT_CHARACTERS} characters")
