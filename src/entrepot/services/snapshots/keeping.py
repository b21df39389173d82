"""Snapshots: keep, list, compare, let go."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.naming import find_suite
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.snapshot import Content, Snapshot
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.errors import InvalidRequest, NotFound, StillShown
from entrepot.services.snapshots.comparison import Difference, Known, compare, with_delta
from entrepot.services.snapshots.references import MOMENT, State, find_state

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_~-]{0,127}")
_LIKE_A_TIME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_DESCRIPTION_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Frozen:
    """A snapshot with its suite, and the environments that show it."""

    snapshot: Snapshot
    suite: Suite
    shown_in: Sequence[str] = ()


class Snapshots:
    """A snapshot keeps one generation of a suite, its packages and its indexes; nothing is copied."""

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

    def page(self, actor: Actor, distribution: str | None, offset: int, limit: int) -> tuple[list[Frozen], int]:
        """Newest first, of one distribution or all."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            suite = None if distribution is None else find_suite(reading, distribution)
            found, total = reading.snapshots(None if suite is None else suite.id, offset, limit)
            rows = [
                Frozen(one, suite or reading.suite(one.suite_id), reading.environments_with(one.id)) for one in found
            ]
        return rows, total

    def one(self, actor: Actor, distribution: str, name: str) -> Frozen:
        """Raises ``NotFound``."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            return _find(reading, distribution, name)

    def contents(self, actor: Actor, reference: str, offset: int, limit: int) -> tuple[State, list[Content], int]:
        """A page of the packages of any state, by component and name, and the number of all."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            state = find_state(reading, reference)
            rows = list(reading.contents_at(state.suite.id, state.generation.revision, offset, limit))
        return state, rows, state.generation.package_count

    def keep(self, actor: Actor, reference: str, name: str | None, description: str = "") -> Frozen:
        """Keep a state under a name: what is published now, or any other that is still kept.

        Raises:
            AlreadyExists: the name is taken.
            InvalidRequest, NotFound, UnknownDistribution: there is no such state, or the name cannot be one.
        """
        demand(actor, Permission.SNAPSHOT_WRITE)
        now = self._now()
        wanted = name_of(name, now)
        check_description(description)
        with self._catalog.read() as reading:
            state = find_state(reading, reference)
            demand_suite(actor, state.suite)
            content_id, size_bytes = identify(reading, state.suite.id, state.generation.revision)
        with self._catalog.write() as unit:
            # The generation may have been dropped meanwhile, unless it is in force or kept by another snapshot.
            kept = unit.generation(state.generation.id)
            snapshot = unit.add_snapshot(
                state.suite.id, wanted, kept, content_id, size_bytes, description, actor.name, now
            )
            detail: dict[str, JsonValue] = {"snapshot": wanted, "content_id": content_id, "of": reference[:200]}
            unit.audit(AuditEntry("SNAPSHOT", "SUCCESS", actor, now, suite=state.suite.codename, detail=detail))
        return Frozen(snapshot, state.suite)

    def remove(self, actor: Actor, distribution: str, name: str) -> Frozen:
        """Let it go; packages that nothing else names are collected later.

        Raises:
            StillShown: an environment shows it, with the names.
        """
        demand(actor, Permission.SNAPSHOT_WRITE)
        with self._catalog.write() as unit:
            found = _find(unit, distribution, name)
            demand_suite(actor, found.suite)
            if found.shown_in:
                raise StillShown(
                    f"snapshot {name} is what {', '.join(found.shown_in)} shows; point that elsewhere first",
                    environments=", ".join(found.shown_in),
                )
            unit.remove_snapshot(found.snapshot.id)
            entry = AuditEntry(
                "SNAPSHOT_DELETE",
                "SUCCESS",
                actor,
                self._now(),
                suite=found.suite.codename,
                detail={"snapshot": found.snapshot.name, "content_id": found.snapshot.content_id},
            )
            unit.audit(entry)
        return found

    def difference(self, actor: Actor, older: str, newer: str) -> Difference:
        """Between any two states."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            found = compare(reading, find_state(reading, older), find_state(reading, newer), self._formats)
            return with_delta(reading, found, self._known)


def name_of(name: str | None, now: datetime) -> str:
    """The name that a snapshot gets.

    Raises:
        InvalidRequest: it cannot be one.
    """
    wanted = name or f"auto-{now.strftime(MOMENT)}"
    if not _NAME.fullmatch(wanted) or _LIKE_A_TIME.fullmatch(wanted):
        raise InvalidRequest(
            "a snapshot's name is up to 128 letters, digits and the signs . + _ ~ -, and does not look like a time"
        )
    return wanted


def check_description(description: str) -> None:
    """Raises ``InvalidRequest``: it is too long."""
    if len(description) > _DESCRIPTION_CHARACTERS:
        raise InvalidRequest(f"a description has at most {_DESCRIPTION_CHARACTERS} characters")


def identify(reading: Reading, suite_id: SuiteId, revision: int) -> tuple[str, int]:
    """A digest over all packages and their components, in order, and their size in bytes."""
    digest, total = hashlib.sha256(), 0
    for component, key, content, size_bytes in reading.marks_at(suite_id, revision):
        digest.update(b"%s\0%s\0%s\n" % (component.encode(), key, content.encode()))
        total += size_bytes
    return digest.hexdigest(), total


def _find(reading: Reading, distribution: str, name: str) -> Frozen:
    suite = find_suite(reading, distribution)
    snapshot = reading.snapshot_named(suite.id, name)
    if snapshot is None:
        raise NotFound(f"{suite.codename} has no snapshot {name[:128]!r}")
    return Frozen(snapshot, suite, reading.environments_with(snapshot.id))
