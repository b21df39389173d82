"""From a file of OSV records to the catalog.

The file is read twice.  First everything is looked at, and what differs from the catalog is noted: a file with anything
wrong in it changes nothing.  Then the differences are written, in one unit where they are few.  When they are many, the
feed is not complete until the last batch; cut off in between, the next try finds what is missing by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from entrepot.adapters.catalog.advisories import FeedPhase, FeedState
from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.feeds.base import Holding
from entrepot.domain.advisories.advisory import Advisory
from entrepot.domain.advisories.osv import read_osv
from entrepot.errors import FeedRefused, MalformedAdvisory

AT_ONCE = 300
_REMEMBERED = 2_000
_MOST_BACK = timedelta(days=2)
_FEW = 100
_FORM = b"1"
"""Raised when reading records gives something else than before: all of them are read again."""

Told = Callable[[int, int], bool]
"""Is told how many of how many are done; false to leave off."""


@dataclass(slots=True)
class Plan:
    """What a file changes.  ``wanted`` are digests of records to be written, by id."""

    count: int = 0
    newest_at: datetime | None = None
    seen: set[str] = field(default_factory=set)
    wanted: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    remembered: dict[str, Advisory] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)


class AdvisoryImport:
    """One import of one feed; ``contexts`` are those to keep, all where there are none."""

    def __init__(self, catalog: Catalog, state: FeedState, contexts: Sequence[str], *, force: bool = False) -> None:
        self._catalog = catalog
        self._state = state
        self._contexts = frozenset(contexts)
        self._force = force
        self._salt = hashlib.sha256(_FORM + "\0".join(sorted(contexts)).encode()).digest()

    def digest_of(self, holding: Holding) -> str:
        """The same only if the same file would be read in the same way."""
        return hashlib.sha256(self._salt + holding.digest.encode()).hexdigest()

    def look(self, holding: Holding, told: Told) -> Plan | None:
        """Everything in the file against everything in the catalog; nothing when told to leave off.

        Raises:
            MalformedAdvisory: something in it is wrong.
            FeedRefused: it is much older than what is there, or has lost most of it.
        """
        with self._catalog.read() as reading:
            ages = reading.advisory_ages(self._state.id)
        by_digest = {digest: name for name, (_, digest) in ages.items()}
        plan = Plan()
        for member in holding.members():
            content = member.read()
            digest = self._digest(content)
            plan.count += 1
            if plan.count % AT_ONCE == 0 and not told(0, plan.count):
                return None
            known = by_digest.get(digest)
            if known is not None:
                self._keep(plan, known, ages[known][0])
                continue
            try:
                advisory = self._kept(read_osv(content))
            except MalformedAdvisory as error:
                raise MalformedAdvisory(f"{member.name[:120]!a}: {error.detail}") from error
            if advisory is not None:
                self._note(plan, advisory, digest, ages.get(advisory.id))
        if not plan.count:
            raise MalformedAdvisory("there are no advisories in it")
        plan.gone = sorted(ages.keys() - plan.seen)
        if not self._force:
            self._check(plan, len(ages))
        return plan

    def write(self, holding: Holding, plan: Plan, told: Told, finish: Callable[[Writing, FeedState], None]) -> bool:
        """The differences; ``finish`` is called in the last unit with the new state.  False when told to leave off."""
        total = len(plan.wanted) + len(plan.gone)
        batches = self._batches(holding, plan)
        if total <= AT_ONCE:
            few = [each for batch in batches for each in batch]
            with self._catalog.write() as unit:
                unit.put_advisories(self._state.id, few)
                unit.drop_advisories(self._state.id, plan.gone)
                self._finish(unit, finish)
            return True
        with self._catalog.write() as unit:
            unit.note_feed(replace(self._held(unit), phase=FeedPhase.IMPORTING))
        done = 0
        for batch in batches:
            with self._catalog.write() as unit:
                unit.put_advisories(self._state.id, batch)
            done += len(batch)
            if not told(done, total):
                return False
        for start in range(0, len(plan.gone), AT_ONCE):
            with self._catalog.write() as unit:
                unit.drop_advisories(self._state.id, plan.gone[start : start + AT_ONCE])
        with self._catalog.write() as unit:
            self._finish(unit, finish)
        return True

    def _held(self, unit: Writing) -> FeedState:
        return unit.hold_feed(self._state.name, self._state.kind)

    def _finish(self, unit: Writing, finish: Callable[[Writing, FeedState], None]) -> None:
        state = self._held(unit)
        count, newest, contexts = unit.count_contexts(state.id)
        finish(unit, replace(state, phase=FeedPhase.COMPLETE, count=count, newest_at=newest, contexts=contexts))

    def _digest(self, content: bytes) -> str:
        return hashlib.sha256(self._salt + content).hexdigest()

    def _kept(self, advisory: Advisory) -> Advisory | None:
        """Without what is about other distributions; nothing when that is all of it."""
        affected = advisory.affected
        if self._contexts:
            affected = tuple(entry for entry in affected if entry.context in self._contexts)
        return replace(advisory, affected=affected) if affected else None

    def _keep(self, plan: Plan, name: str, modified_at: datetime) -> None:
        plan.seen.add(name)
        plan.newest_at = max(plan.newest_at or modified_at, modified_at)

    def _note(self, plan: Plan, advisory: Advisory, digest: str, known: tuple[datetime, str] | None) -> None:
        self._keep(plan, advisory.id, advisory.modified_at)
        other = plan.wanted.get(advisory.id)
        newest = max((age for age in (known and known[0], other and other[1]) if age), default=None)
        if newest is not None and advisory.modified_at < newest and not self._force:
            return  # an older text of it
        plan.wanted[advisory.id] = (digest, advisory.modified_at)
        plan.remembered.pop(advisory.id, None)
        if len(plan.remembered) < _REMEMBERED:
            plan.remembered[advisory.id] = advisory

    def _check(self, plan: Plan, there: int) -> None:
        before = self._state.newest_at
        if before is not None and (plan.newest_at is None or plan.newest_at < before - _MOST_BACK):
            told = f"{plan.newest_at:%Y-%m-%d}" if plan.newest_at else "nothing"
            raise FeedRefused(
                f"the newest advisory in it is of {told}, and of {before:%Y-%m-%d} in what is there; "
                "say force=true if it is meant"
            )
        if there > _FEW and len(plan.seen) * 2 < there:
            raise FeedRefused(
                f"it has {len(plan.seen)} advisories, less than half of the {there} that are there; "
                "say force=true if it is meant"
            )

    def _batches(self, holding: Holding, plan: Plan) -> Iterator[list[tuple[Advisory, str]]]:
        found: list[tuple[Advisory, str]] = []
        for advisory, digest in self._wanted(holding, plan):
            found.append((advisory, digest))
            if len(found) == AT_ONCE:
                yield found
                found = []
        if found:
            yield found

    def _wanted(self, holding: Holding, plan: Plan) -> Iterator[tuple[Advisory, str]]:
        if len(plan.remembered) == len(plan.wanted):
            for name, advisory in plan.remembered.items():
                yield advisory, plan.wanted[name][0]
            return
        left = {digest: name for name, (digest, _) in plan.wanted.items()}
        for member in holding.members():
            content = member.read()
            digest = self._digest(content)
            if left.pop(digest, None) is not None:
                again = self._kept(read_osv(content))
                if again is not None:
                    yield again, digest
        if left:
            raise MalformedAdvisory("the files changed while they were read; the next try begins anew")
