"""What is said, as one datagram each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.suite import GenerationId, SuiteId

MOST_BYTES = 4096


class Place(StrEnum):
    """Where uploads are that a publication may wait for."""

    ARRIVING = "arriving"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Ready:
    """The one that works listens."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody submitted a goal."""

    goal: Goal


@dataclass(frozen=True, slots=True)
class Present:
    """How many uploads for a suite are at a place of the process that says it."""

    suite_id: SuiteId
    place: Place
    count: int


@dataclass(frozen=True, slots=True)
class Switched:
    """A suite shows a revision."""

    suite_id: SuiteId
    revision: int
    generation: Generation


Word = Ready | Wanted | Present | Switched


def written(word: Word) -> bytes:
    """At most ``MOST_BYTES``."""
    match word:
        case Ready():
            fields: list[object] = ["ready"]
        case Wanted(goal):
            fields = ["wanted", goal.kind.value, goal.subject]
        case Present(suite_id, place, count):
            fields = ["present", suite_id, place.value, count]
        case Switched(suite_id, revision, made):
            times = [at and at.isoformat() for at in (made.published_at, made.superseded_at)]
            fields = ["switched", suite_id, revision, made.id, made.number, made.revision, made.manifest]
            fields += [made.package_count, *times]
    return json.dumps(fields).encode()


def read(data: bytes) -> Word | None:
    """None for what another version of this program may say."""
    try:
        kind, *fields = json.loads(data)
        match kind:
            case "ready":
                return Ready()
            case "wanted":
                return Wanted(Goal(GoalKind(fields[0]), int(fields[1])))
            case "present":
                return Present(SuiteId(fields[0]), Place(fields[1]), int(fields[2]))
            case "switched":
                return _switched(*fields)
    except (ValueError, TypeError, IndexError):
        pass
    return None


def _switched(
    suite_id: int,
    revision: int,
    number: int,
    ordinal: int,
    shows: int,
    manifest: str,
    packages: int,
    at: str,
    _until: None,
) -> Switched:
    suite = SuiteId(suite_id)
    when = datetime.fromisoformat(at)
    made = Generation(GenerationId(number), suite, ordinal, shows, Digest(manifest), packages, when, None)
    return Switched(suite, revision, made)
