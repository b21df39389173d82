"""One source brought up to date: look, fetch, read, and put in force what is whole."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.upstream.listed import Ledger, ListedPackage
from entrepot.domain.upstream.release import IndexFile
from entrepot.domain.upstream.source import Root, Source, SourceId, SourceState
from entrepot.errors import (
    EntrepotError,
    Kind,
    LostRace,
    UpstreamDigest,
    UpstreamMassDeletion,
    UpstreamMissing,
)
from entrepot.services.upstream import streaks
from entrepot.services.upstream.indexes import Indexes
from entrepot.services.upstream.roots import Look, Roots

_log = structlog.get_logger(__name__)

_PACKAGES_A_UNIT = 2000
_ROWS_A_UNIT = 4000
_MOST_LOST = 0.5
"""Less than so much of what there was is no change that somebody made on purpose, or they should say so."""
_MOST_NOTES = 20
_NOT_ITS_FAULT = (Kind.UNAVAILABLE, Kind.FULL, Kind.NOT_FOUND)


class Tell(Protocol):
    """Hears how far it is; raises to end it."""

    def __call__(self, status: str, count: int, message: str = "") -> None:
        """``status`` in the words of contract 4.5."""
        ...


class Cancelled(Exception):
    """Somebody wants it to end; everything is whole."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went."""

    changed: bool
    package_count: int
    notes: tuple[str, ...] = ()


class Syncing:
    """Works on one source at a time; may be killed anywhere and be called again."""

    def __init__(self, catalog: Catalog, roots: Roots, indexes: Indexes, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._roots = roots
        self._indexes = indexes
        self._now = now

    def sync(self, source_id: SourceId, actor: Actor, tell: Tell, *, accept_loss: bool = False) -> Outcome:
        """Bring it up to date.  What was in force stays until all of the new state is known to be good.

        Raises:
            NotFound: the source was removed.
            Cancelled: by ``tell``.
            LostRace: another node began to work on it meanwhile, and goes on.
            EntrepotError: of the upstream; it is noted with the source as well.
        """
        with self._indexes.turn(source_id, lambda: tell("", 0)):
            with self._catalog.read() as reading:
                source = reading.source(source_id)
            try:
                return self._sync(source, actor, tell, accept_loss=accept_loss)
            except EntrepotError as error:
                if error.kind not in _NOT_ITS_FAULT and not isinstance(error, LostRace):
                    self._note_failure(source, actor, error)
                raise

    def _sync(self, source: Source, actor: Actor, tell: Tell, *, accept_loss: bool) -> Outcome:
        tell("started", 0, f"looking at {source.name}")
        look = self._roots.look(source, lambda _: tell("", 0))
        if look.verdict is None:
            return self._note_unchanged(source, look.root, actor, tell)
        look, indexes = self._bring(source, look, tell)
        generation = self._begin(source, tell)
        ledger = Ledger(source.name)
        self._write(source, generation, indexes, ledger, tell)
        if not accept_loss:
            _check_loss(source, ledger.count)
        outcome = self._switch(source, generation, look, ledger, actor)
        self._forget(source.id, generation, tell)
        self._indexes.keep_only(source, [])
        return outcome

    def _bring(self, source: Source, look: Look, tell: Tell) -> tuple[Look, list[IndexFile]]:
        """All indexes; when they do not fit a root that was just replaced, those of the new root."""
        for again in (False, True):
            indexes = list(look.verdict.indexes if look.verdict is not None else ())
            self._indexes.keep_only(source, indexes)
            try:
                for number, index in enumerate(indexes):
                    tell("downloading", number, index.path)
                    self._indexes.bring(source, look, index, lambda _, at=number: tell("", at))  # type: ignore[misc]
            except (UpstreamDigest, UpstreamMissing):
                if again:
                    raise
                look = self._roots.look(source, None, anew=True)
            else:
                break
        tell("verifying", len(indexes), f"{len(indexes)} index files fit the signed root")
        return look, indexes

    def _begin(self, source: Source, tell: Tell) -> int:
        """The next generation; what an interrupted one left is removed first."""
        with self._catalog.write() as unit:
            generation = unit.begin_generation(source.id)
        self._forget(source.id, source.state.generation, tell)
        return generation

    def _write(self, source: Source, generation: int, indexes: list[IndexFile], ledger: Ledger, tell: Tell) -> None:
        tell("parsing", 0)
        written = 0
        for batch in _batches(self._listed(source, indexes, ledger)):
            with self._catalog.write() as unit:
                unit.add_upstream(source.id, generation, written, batch)
            written += len(batch)
            tell("indexing", written)

    def _listed(self, source: Source, indexes: list[IndexFile], ledger: Ledger) -> Iterator[ListedPackage]:
        for index in indexes:
            yield from self._indexes.packages(source, index, ledger)

    def _switch(self, source: Source, generation: int, look: Look, ledger: Ledger, actor: Actor) -> Outcome:
        now = self._now()
        notes = look.verdict.notes if look.verdict is not None else ()
        if ledger.skipped:
            notes += (f"{ledger.skipped} entries are no good and were left out", *ledger.named)
        notes = notes[:_MOST_NOTES]
        state = SourceState(
            package_count=ledger.count,
            checked_at=now,
            changed_at=now,
            attempted_at=now,
            notes=notes,
            root=look.root,
        )
        detail: dict[str, JsonValue] = {"source": source.name, "packages": ledger.count, "notes": list(notes)}
        with self._catalog.write() as unit:
            unit.switch_upstream(source.id, generation, state)
            detail["failures"] = streaks.ended(unit, streaks.of_source(source), now, streaks.SOURCE_PATIENCE)
            unit.audit(AuditEntry(_action(source), "SUCCESS", actor, now, detail=detail))
        _log.info("source.synced", source=source.name, packages=ledger.count, skipped=ledger.skipped)
        return Outcome(changed=True, package_count=ledger.count, notes=notes)

    def _forget(self, source_id: SourceId, keep: int, tell: Tell) -> None:
        """Everything but one generation, and any that began later."""
        while True:
            with self._catalog.write() as unit:
                newest = unit.source(source_id).state
                gone = unit.forget_upstream(source_id, {keep, newest.generation, newest.built}, _ROWS_A_UNIT)
            if not gone:
                return
            tell("", 0)

    def _note_unchanged(self, source: Source, root: Root, actor: Actor, tell: Tell) -> Outcome:
        now = self._now()
        with self._catalog.write() as unit:
            known = unit.source(source.id).state
            unit.note_source(
                source.id, replace(known, checked_at=now, attempted_at=now, error="", error_code="", root=root)
            )
            failures = streaks.ended(unit, streaks.of_source(source), now, streaks.SOURCE_PATIENCE)
            if failures:
                detail: dict[str, JsonValue] = {"source": source.name, "failures": failures}
                unit.audit(AuditEntry(_action(source), "SUCCESS", actor, now, detail=detail))
        self._forget(source.id, source.state.generation, tell)
        return Outcome(changed=False, package_count=source.state.package_count)

    def _note_failure(self, source: Source, actor: Actor, error: EntrepotError) -> None:
        now = self._now()
        detail: dict[str, JsonValue] = {"source": source.name, "code": error.code, "reason": error.detail}
        with self._catalog.write() as unit:
            known = unit.source(source.id).state
            otherwise = known.error_code != error.code
            detail["failures"], detail["is_news"] = streaks.failed(
                unit, streaks.of_source(source), now, streaks.SOURCE_PATIENCE, otherwise=otherwise
            )
            unit.note_source(source.id, replace(known, attempted_at=now, error=error.detail, error_code=error.code))
            unit.audit(AuditEntry(_action(source), "FAILURE", actor, now, detail=detail))
        _log.warning("source.refused", source=source.name, code=error.code, reason=error.detail)


def _check_loss(source: Source, count: int) -> None:
    before = source.state.package_count
    if before and count < before * _MOST_LOST:
        raise UpstreamMassDeletion(
            f"{source.name}: it lists {count} packages and listed {before} before; look at it, then synchronise with "
            "accept_loss if that is right"
        )


def _action(source: Source) -> str:
    return "SECURITY_SYNC" if source.security else "SYNC"


def _batches(packages: Iterator[ListedPackage]) -> Iterator[list[ListedPackage]]:
    while batch := list(itertools.islice(packages, _PACKAGES_A_UNIT)):
        yield batch
