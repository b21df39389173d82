"""Which mirrors there are, and what a filter would take."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.choices import Choice, ChoiceState
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Archive, Suite, SuiteOptions
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.upstream.mirror import DownloadPolicy, Mirror, MirrorId, MirrorKind, OnBad, codename_of
from entrepot.domain.upstream.sieve import EVERYTHING, Filter
from entrepot.domain.upstream.source import Source
from entrepot.errors import AlreadyRunning, InvalidRequest, StillShown
from entrepot.services.upstream import streaks
from entrepot.services.upstream.mirrors.choosing import Choosing, Chosen
from entrepot.services.upstream.mirrors.endings import subject_of as streaks_of
from entrepot.services.upstream.mirrors.runs import MIRROR_JOB, subject_of
from entrepot.services.upstream.sources import wanted_source

_NAME = re.compile(r"[a-z0-9][a-z0-9.+~-]{0,63}")
_CODENAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.+_~-]{0,63}")
_RESERVED = ("snapshot", "env")
_MOST_HOURS = 24 * 366


@dataclass(frozen=True, slots=True)
class MirrorDraft:
    """What is to be set; none is left to the program.  ``archive`` and ``codename`` say where the suite stands."""

    name: str
    source: str
    archive: str | None = None
    codename: str | None = None
    every_hours: int = 24
    on_bad: OnBad = OnBad.FAIL
    kind: MirrorKind = MirrorKind.VERBATIM
    filter: Filter = EVERYTHING
    keep_removed: bool = False
    download_policy: DownloadPolicy = DownloadPolicy.IMMEDIATE
    sources: bool = False
    installer: bool = False


@dataclass(frozen=True, slots=True)
class MirrorChange:
    """What is to be another; what is ``None`` stays."""

    every_hours: int | None = None
    on_bad: OnBad | None = None
    filter: Filter | None = None
    keep_removed: bool | None = None
    download_policy: DownloadPolicy | None = None
    sources: bool | None = None
    installer: bool | None = None


@dataclass(frozen=True, slots=True)
class MirrorStanding:
    """A mirror, whom it follows, where it is seen, the job that works on it, and how many packages stand how.

    ``absent_files`` of those it lists are not stored, with ``absent_bytes``.
    """

    mirror: Mirror
    source: Source
    suite: Suite
    job: str | None
    counts: Mapping[ChoiceState, tuple[int, int]] = field(default_factory=dict)
    absent_files: int = 0
    absent_bytes: int = 0


class Mirrors:
    """The register."""

    def __init__(
        self,
        catalog: Catalog,
        choosing: Choosing,
        prepare_key: Callable[[Archive], None],
        ask_run: Callable[[Writing, Actor, Mirror], object],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._choosing = choosing
        self._prepare_key = prepare_key
        self._ask_run = ask_run
        self._now = now

    def all(self, actor: Actor) -> list[MirrorStanding]:
        """In order of their names."""
        demand(actor, Permission.SOURCE_READ)
        with self._catalog.read() as reading:
            return [_standing(reading, mirror) for mirror in reading.mirrors()]

    def one(self, actor: Actor, name: str) -> MirrorStanding:
        """By name.

        Raises:
            NotFound: there is none.
        """
        demand(actor, Permission.SOURCE_READ)
        with self._catalog.read() as reading:
            return _standing(reading, reading.mirror_called(name))

    def packages(
        self, actor: Actor, name: str, state: ChoiceState | None, offset: int, limit: int
    ) -> tuple[list[Choice], int]:
        """What a mirror that is signed here wants, of one state or all, and how many there are; none of other mirrors.

        Raises:
            NotFound: there is none.
        """
        demand(actor, Permission.SOURCE_READ)
        with self._catalog.read() as reading:
            return reading.choice_page(reading.mirror_called(name).id, state, offset, limit)

    def create(self, actor: Actor, draft: MirrorDraft) -> MirrorStanding:
        """A new one, with a suite that shows nothing before its first run has ended.

        Raises:
            InvalidRequest: something about it makes no sense.
            AlreadyExists: its name, or the place of its suite, is taken.
            NotFound: there is no such source.
        """
        demand(actor, Permission.SOURCE_WRITE)
        _check_name(draft.name)
        _check_hours(draft.every_hours)
        now, verbatim = self._now(), draft.kind is MirrorKind.VERBATIM
        with self._catalog.write() as unit:
            source = wanted_source(unit, draft.source)
            self._check_filter(draft.kind, draft.filter, source, keep_removed=draft.keep_removed)
            _check_policy(draft.kind, draft.download_policy)
            _check_more(draft.kind, source, sources=draft.sources, installer=draft.installer)
            archive_name, codename = _place_of(draft, source)
            archive = _archive(unit, source, archive_name, draft.kind)
            options = SuiteOptions(
                components=source.components or ("main",),
                architectures=source.architectures if verbatim else self._choosing.trees(source, draft.filter),
                suite=codename,
                description=f"Mirror of {source.label}"[:200],
            )
            suite = unit.add_suite(archive, codename, options, now, verbatim=verbatim)
            if not verbatim:
                unit.await_first_run(suite.id)
            mirror = Mirror(
                MirrorId(0),
                draft.name,
                source.id,
                suite.id,
                draft.every_hours,
                draft.on_bad,
                kind=draft.kind,
                filter=draft.filter,
                keep_removed=draft.keep_removed,
                download_policy=draft.download_policy,
                sources=draft.sources,
                installer=draft.installer,
            )
            mirror = replace(mirror, id=unit.add_mirror(mirror))
            self._note(unit, actor, "MIRROR_CREATE", mirror, suite)
            made = _standing(unit, mirror)
        self._prepare_key(archive)
        return made

    def change(self, actor: Actor, name: str, change: MirrorChange) -> MirrorStanding:
        """What is given.  A mirror that shall have everything from now on begins to fetch what it lacks.

        Raises:
            NotFound: there is none.
            InvalidRequest: it makes no sense.
        """
        demand(actor, Permission.SOURCE_WRITE)
        if change.every_hours is not None:
            _check_hours(change.every_hours)
        with self._catalog.write() as unit:
            before = unit.mirror_called(name)
            after = replace(
                before,
                every_hours=before.every_hours if change.every_hours is None else change.every_hours,
                on_bad=change.on_bad or before.on_bad,
                filter=before.filter if change.filter is None else change.filter,
                keep_removed=before.keep_removed if change.keep_removed is None else change.keep_removed,
                download_policy=change.download_policy or before.download_policy,
                sources=before.sources if change.sources is None else change.sources,
                installer=before.installer if change.installer is None else change.installer,
            )
            source = unit.source(after.source_id)
            self._check_filter(after.kind, after.filter, source, keep_removed=after.keep_removed)
            _check_policy(after.kind, after.download_policy)
            _check_more(after.kind, source, sources=after.sources, installer=after.installer)
            unit.change_mirror(after)
            if before.is_on_demand and not after.is_on_demand and unit.suite(after.suite_id).generation_id is not None:
                self._ask_run(unit, actor, after)
            self._note(unit, actor, "MIRROR_UPDATE", after, unit.suite(after.suite_id))
            return _standing(unit, after)

    def _check_filter(self, kind: MirrorKind, wanted: Filter, source: Source, *, keep_removed: bool) -> None:
        if kind is MirrorKind.VERBATIM and (wanted != EVERYTHING or keep_removed):
            raise InvalidRequest(
                "what the upstream has signed can only be shown whole; say kind=resigned to choose from it",
                field="filter" if wanted != EVERYTHING else "keep_removed",
            )
        self._choosing.check(wanted, source.format)

    def preview(self, actor: Actor, source: str, wanted: Filter) -> tuple[Source, Chosen]:
        """What a filter takes of a source as it was synchronised last; nothing is fetched.

        Raises:
            NotFound: there is no such source.
            UpstreamNotSynced: nobody has looked at it.
            InvalidRequest: the filter makes no sense.
        """
        demand(actor, Permission.SOURCE_READ)
        with self._catalog.read() as reading:
            found = wanted_source(reading, source)
        return found, self._choosing.choose(found, wanted, None)

    def remove(self, actor: Actor, name: str) -> Mirror:
        """A verbatim one with its suite: clients find nothing there any more.  The suite of another one stays.

        Raises:
            NotFound: there is none.
            AlreadyRunning: it runs; cancel that first.
            StillShown: snapshots of its suite exist.
        """
        demand(actor, Permission.SOURCE_WRITE)
        with self._catalog.write() as unit:
            mirror = unit.mirror_called(name)
            suite = unit.suite(mirror.suite_id)
            if unit.running_job(MIRROR_JOB, subject_of(mirror)) is not None:
                raise AlreadyRunning(f"{mirror.name} is being run; cancel that first")
            if mirror.kind is MirrorKind.VERBATIM and unit.pinned_generations(suite.id):
                raise StillShown(
                    f"snapshots of {suite.full_name} exist; remove these first", distributions=suite.codename
                )
            unit.remove_mirror(mirror)
            streaks.forget(unit, streaks_of(mirror))
            self._note(unit, actor, "MIRROR_DELETE", mirror, suite)
            return mirror

    def _note(self, unit: Writing, actor: Actor, action: str, mirror: Mirror, suite: Suite) -> None:
        detail: dict[str, JsonValue] = {
            "mirror": mirror.name,
            "distribution": suite.full_name,
            "every_hours": mirror.every_hours,
            "on_bad": mirror.on_bad.value,
            "kind": mirror.kind.value,
            "download_policy": mirror.download_policy.value,
            "sources": mirror.sources,
            "installer": mirror.installer,
        }
        if mirror.kind is MirrorKind.RESIGNED:
            detail |= {"filter": mirror.filter.to_json(), "keep_removed": mirror.keep_removed}
        unit.audit(AuditEntry(action, "SUCCESS", actor, self._now(), suite=suite.codename, detail=detail))


def _standing(reading: Reading, mirror: Mirror) -> MirrorStanding:
    running = reading.running_job(MIRROR_JOB, subject_of(mirror))
    job = None if running is None else str(running.id)
    counts = reading.choice_counts(mirror.id) if mirror.kind is MirrorKind.RESIGNED else {}
    source, suite = reading.source(mirror.source_id), reading.suite(mirror.suite_id)
    return MirrorStanding(mirror, source, suite, job, counts, *reading.absent(suite.id))


def _place_of(draft: MirrorDraft, source: Source) -> tuple[str, str]:
    """Archive and codename.  Of a verbatim apt mirror it is the upstream's own: it is part of the signed paths."""
    own = codename_of(source) if source.format is Format.DEB else source.distribution
    archive, codename = draft.archive or draft.name, draft.codename or own or draft.name
    if draft.kind is MirrorKind.VERBATIM and source.format is Format.DEB and codename != own:
        raise InvalidRequest(
            f"{source.name}: a distribution that is shown as it is keeps its name; leave it out, or say {own}",
            field="codename",
        )
    if not _NAME.fullmatch(archive):
        raise InvalidRequest("archive: 1 to 64 lower-case letters, digits and . + ~ - are wanted", field="archive")
    if not _CODENAME.fullmatch(codename) or codename in _RESERVED:
        raise InvalidRequest("codename: 1 to 64 letters, digits and . + _ ~ - are wanted", field="codename")
    return archive, codename


def _archive(unit: Writing, source: Source, name: str, kind: MirrorKind) -> Archive:
    """For a verbatim mirror one of this upstream alone, for another one any without such: a path means one file."""
    archive = unit.archive(source.format, name)
    if archive is None:
        return unit.add_archive(source.format, name)
    suites = unit.suites(archive.id)
    if kind is MirrorKind.RESIGNED:
        if any(suite.verbatim for suite in suites):
            raise InvalidRequest(f"archive {name} shows an upstream's own files; name another archive", field="archive")
        return archive
    for suite in suites:
        mirror = unit.mirror_of(suite.id)
        if mirror is None or mirror.kind is MirrorKind.RESIGNED:
            raise InvalidRequest(
                f"archive {name} has packages of its own; name another one, which the mirror has to itself",
                field="archive",
            )
        if source.format is Format.DEB and unit.source(mirror.source_id).url.rstrip("/") != source.url.rstrip("/"):
            raise InvalidRequest(f"archive {name} mirrors another upstream; name another archive", field="archive")
    return archive


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidRequest("name: 1 to 64 lower-case letters, digits and . + ~ - are wanted", field="name")


def _check_policy(kind: MirrorKind, policy: DownloadPolicy) -> None:
    if kind is not MirrorKind.VERBATIM and policy is DownloadPolicy.ON_DEMAND:
        raise InvalidRequest(
            "packages that the gate looks at have to be here before; on_demand is for mirrors that show the upstream's "
            "own files",
            field="download_policy",
        )


def _check_more(kind: MirrorKind, source: Source, *, sources: bool, installer: bool) -> None:
    if (sources or installer) and (kind is not MirrorKind.VERBATIM or source.format is not Format.DEB):
        raise InvalidRequest(
            "source packages and installers are chosen for mirrors of apt that show all as it is",
            field="sources" if sources else "installer",
        )


def _check_hours(hours: int) -> None:
    if not 0 <= hours <= _MOST_HOURS:
        raise InvalidRequest(f"every_hours: 0 (by hand only) to {_MOST_HOURS} are wanted", field="every_hours")
