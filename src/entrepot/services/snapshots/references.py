"""How people name a state of a distribution.

``jammy`` is what is published now, ``jammy@NAME`` a snapshot, ``jammy@20261121T200000Z`` what was published then, and
``jammy@env:NAME`` what an environment shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.naming import find_suite
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.suite import Suite
from entrepot.errors import InvalidRequest, NotFound

MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class State:
    """A generation of a suite, and how it was asked for."""

    reference: str
    suite: Suite
    generation: Generation


def find_state(reading: Reading, reference: str) -> State:
    """What a reference means now.

    Raises:
        UnknownDistribution, NotFound: there is no such distribution, snapshot or environment, or nothing is kept of
            that time.
        InvalidRequest: it has no such form.
    """
    if len(reference) > 400:
        raise InvalidRequest("a reference is DISTRIBUTION, DISTRIBUTION@SNAPSHOT, @TIME or @env:NAME")
    distribution, at, name = reference.partition("@")
    suite = find_suite(reading, distribution)
    found = _generation(reading, suite, name) if at else _current(reading, suite)
    if found is None:
        what = f"{suite.codename} has no {name[:80]}" if at else f"{suite.codename} is not published yet"
        raise NotFound(f"{what}; see 'entrepot snapshot ls {suite.codename}'" if at else what)
    return State(reference, suite, found)


def _current(reading: Reading, suite: Suite) -> Generation | None:
    return None if suite.generation_id is None else reading.generation(suite.generation_id)


def _generation(reading: Reading, suite: Suite, name: str) -> Generation | None:
    if name.startswith("env:"):
        shown = reading.shown_generations(name.removeprefix("env:"), suite.id, 1)
        return shown[0][0] if shown else None
    try:
        at = datetime.strptime(name, MOMENT).replace(tzinfo=UTC) + timedelta(seconds=1, microseconds=-1)
    except ValueError:
        snapshot = reading.snapshot_named(suite.id, name)
        return None if snapshot is None else snapshot.generation
    return reading.generation_at(suite.id, at)
