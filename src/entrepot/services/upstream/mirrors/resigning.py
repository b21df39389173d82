"""One mirror with our own signature brought up to date: synchronise, choose, collect, settle, show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.choices import ChoiceState, Listed
from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import Suite
from entrepot.domain.upstream.mirror import Mirror, MirrorId, MirrorRun, MirrorState
from entrepot.domain.upstream.source import Source
from entrepot.errors import EntrepotError, Kind, LostRace, UpstreamMassDeletion
from entrepot.services.upstream.courier import Courier
from entrepot.services.upstream.mirrors.choosing import Choosing, Chosen
from entrepot.services.upstream.mirrors.collecting import Collecting, Collection, Feed
from entrepot.services.upstream.mirrors.companions import Companions
from entrepot.services.upstream.mirrors.endings import Endings
from entrepot.services.upstream.mirrors.filling import Tally, Tell
from entrepot.services.upstream.mirrors.mirroring import MirrorOutcome
from entrepot.services.upstream.mirrors.settling import Settled, Settling
from entrepot.services.upstream.syncing import Syncing

_log = structlog.get_logger(__name__)

_CHOICES_A_UNIT = 400
_MOST_LOST = 0.5
_TRIES = 3
_MOST_NOTES = 20
_MOST_NAMED = 5
_PRESENT = (ChoiceState.PLACED, ChoiceState.THERE)


@dataclass(frozen=True, slots=True)
class Stages:
    """What a run goes through."""

    courier: Courier
    syncing: Syncing
    choosing: Choosing
    collecting: Collecting
    settling: Settling
    companions: Companions


class Resigning:
    """Works on one mirror at a time; may be killed anywhere and be called again."""

    def __init__(self, catalog: Catalog, stages: Stages, feed: Feed, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._courier = stages.courier
        self._syncing = stages.syncing
        self._choosing = stages.choosing
        self._collecting = stages.collecting
        self._settling = stages.settling
        self._companions = stages.companions
        self._feed = feed
        self._endings = Endings(catalog, now)

    def run(self, mirror_id: MirrorId, actor: Actor, job: str, tell: Tell, *, accept_loss: bool) -> MirrorOutcome:
        """Bring it up to date.  What was shown stays until all of the new state is in the suite.

        Raises:
            NotFound: the mirror was removed.
            EntrepotError: of the upstream; it is noted with the mirror as well.
        """
        with self._catalog.read() as reading:
            mirror = reading.mirror(mirror_id)
            suite, source = reading.suite(mirror.suite_id), reading.source(mirror.source_id)
        run = MirrorRun(actor, suite, mirror.name, source.name, job)
        try:
            if suite.settling > 0:  # what a crash has cut off is finished first
                self._finish(run, mirror, suite.settling, tell)
            return self._until_won(run, mirror, tell, accept_loss=accept_loss)
        except EntrepotError as error:
            if error.kind not in (Kind.UNAVAILABLE, Kind.FULL, Kind.NOT_FOUND):
                self._endings.failed(mirror, actor, error)
            raise

    def _until_won(self, run: MirrorRun, mirror: Mirror, tell: Tell, *, accept_loss: bool) -> MirrorOutcome:
        """Again, where the source became another one while it was chosen from."""
        for _ in range(_TRIES - 1):
            try:
                return self._run(run, mirror, tell, accept_loss=accept_loss)
            except LostRace:
                tell("started", 0, f"{run.source} has changed meanwhile; once more")
        return self._run(run, mirror, tell, accept_loss=accept_loss)

    def _finish(self, run: MirrorRun, mirror: Mirror, number: int, tell: Tell) -> None:
        self._settling.settle(run, mirror, number, tell)
        self._companions.settle(mirror, run)
        with self._catalog.write() as unit:
            unit.end_settling(mirror.suite_id)
        self._settling.show(mirror.suite_id)

    def _run(self, run: MirrorRun, mirror: Mirror, tell: Tell, *, accept_loss: bool) -> MirrorOutcome:
        self._syncing.sync(mirror.source_id, run.actor, _Told(tell), accept_loss=accept_loss)
        with self._catalog.write() as unit:
            unit.follow_decisions(mirror)
            source, suite = unit.source(mirror.source_id), unit.suite(mirror.suite_id)
            counts, known = unit.choice_counts(mirror.id), unit.chosen_packages(mirror.id)
        own = [number for number, state in known.items() if state is not ChoiceState.THERE]
        selection = self._selection(mirror, source, suite)
        root = source.state.root
        same = root is not None and mirror.state.root is not None and root.sha256 == mirror.state.root.sha256
        if same and selection == mirror.state.selection and not counts.get(ChoiceState.BAD):
            self._endings.unchanged(mirror, run.actor)
            return MirrorOutcome(changed=False, file_count=mirror.state.file_count)
        tell("parsing", 0, f"choosing from {source.state.package_count} packages of {source.name}")
        chosen = self._choosing.choose(source, mirror.filter, suite, own)
        if selection == mirror.state.selection and not (accept_loss or mirror.keep_removed):
            _check_loss(mirror, chosen.count, sum(counts.get(state, (0, 0))[0] for state in _PRESENT))
        number = self._want(mirror, suite, chosen, tell)
        bases = self._courier.bases(source)
        notes = self._companions.bring(mirror, source, chosen, bases, tell)
        collection = Collection(run, mirror, source, bases, number)
        self._collecting.collect(collection, tell)
        done = self._settling.settle(run, mirror, number, tell)
        changed = self._companions.settle(mirror, run)
        state = MirrorState(root, selection, notes=self._notes(mirror, chosen, collection.tally, notes))
        return self._end(run, mirror, state, collection.tally, done, documents_changed=changed)

    def _selection(self, mirror: Mirror, source: Source, suite: Suite) -> str:
        """What decides about the choice besides what the source lists, in a few letters."""
        where = [source.url, source.distribution, sorted(source.components), sorted(source.architectures)]
        rules = self._feed.rules_of(suite)
        text = json.dumps([where, mirror.filter.to_json(), mirror.keep_removed, rules], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _want(self, mirror: Mirror, suite: Suite, chosen: Chosen, tell: Tell) -> int:
        with self._catalog.write() as unit:
            number = unit.begin_run(mirror.id)
        judged = self._feed.rules_of(suite)
        wanted: list[tuple[Listed, bool]] = [(one, False) for one in chosen.named]
        wanted += [(one, True) for one in chosen.needed]
        for start in range(0, len(wanted), _CHOICES_A_UNIT):
            with self._catalog.write() as unit:
                unit.want_choices(mirror.id, number, wanted[start : start + _CHOICES_A_UNIT], judged)
            tell("", start, "")
        message = f"{len(chosen.named)} packages are chosen, {len(chosen.needed)} more are needed by them"
        tell("indexing", len(wanted), message)
        return number

    def _notes(self, mirror: Mirror, chosen: Chosen, tally: Tally, more: tuple[str, ...]) -> tuple[str, ...]:
        with self._catalog.read() as reading:
            counts = reading.choice_counts(mirror.id)
        held, refused = (counts.get(state, (0, 0))[0] for state in (ChoiceState.HELD, ChoiceState.REFUSED))
        notes = list(more)
        if held:
            notes.append(f"{held} packages wait for a review and are not shown")
        if refused:
            notes.append(f"{refused} packages were refused and are not shown")
        if chosen.unresolved_count:
            named = "; ".join(chosen.unresolved[:_MOST_NAMED])
            notes.append(f"{chosen.unresolved_count} needs are met by nobody, such as {named}")
        if tally.bad:
            notes += [f"{tally.bad} files are no good or missing upstream, and are missing here", *tally.named]
        return tuple(notes)[:_MOST_NOTES]

    def _end(
        self,
        run: MirrorRun,
        mirror: Mirror,
        state: MirrorState,
        tally: Tally,
        done: Settled,
        *,
        documents_changed: bool,
    ) -> MirrorOutcome:
        with self._catalog.write() as unit:
            if documents_changed:
                unit.touch_suite(mirror.suite_id)
            unit.end_settling(mirror.suite_id)
            counts = unit.choice_counts(mirror.id)
            present = [counts.get(each, (0, 0)) for each in _PRESENT]
            files, size = sum(one[0] for one in present), sum(one[1] for one in present)
            figures, state = _figures(counts, done), replace(state, file_count=files, size_bytes=size)
            told: dict[str, JsonValue] = {"files": files, "fetched": tally.fetched, **figures}
            self._endings.changed(unit, mirror, run.actor, state, told)
        self._settling.show(mirror.suite_id)
        _log.info("mirror.settled", mirror=mirror.name, files=files, **figures)
        changed = bool(done.placed or done.removed or documents_changed)
        return MirrorOutcome(changed, files, tally, state.notes, figures)


class _Told:
    """Says to a run what a synchronisation says."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def __call__(self, status: str, count: int, message: str = "") -> None:
        self._tell(status, count, message)


def _figures(counts: Mapping[ChoiceState, tuple[int, int]], done: Settled) -> dict[str, int]:
    waiting = {each.value: counts.get(each, (0, 0))[0] for each in (ChoiceState.HELD, ChoiceState.REFUSED)}
    return {"placed": done.placed, "removed": done.removed, **waiting, "bad": counts.get(ChoiceState.BAD, (0, 0))[0]}


def _check_loss(mirror: Mirror, count: int, before: int) -> None:
    if before and count < before * _MOST_LOST:
        raise UpstreamMassDeletion(
            f"{mirror.name}: {count} packages are chosen and {before} are in the suite; look at it, then run it with "
            "accept_loss if that is right"
        )
