"""Which mirrors there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Archive, Suite, SuiteOptions
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.upstream.mirror import Mirror, MirrorId, OnBad
from entrepot.domain.upstream.source import Source
from entrepot.errors import AlreadyRunning, InvalidRequest, StillShown
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


@dataclass(frozen=True, slots=True)
class MirrorStanding:
    """A mirror, whom it follows, where it is seen, and the job that works on it."""

    mirror: Mirror
    source: Source
    suite: Suite
    job: str | None


class Mirrors:
    """The register."""

    def __init__(self, catalog: Catalog, prepare_key: Callable[[Archive], None], now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._prepare_key = prepare_key
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
        now = self._now()
        with self._catalog.write() as unit:
            source = wanted_source(unit, draft.source)
            archive_name, codename = _place_of(draft, source)
            archive = _archive(unit, source, archive_name)
            options = SuiteOptions(
                components=source.components or ("main",),
                architectures=source.architectures,
                suite=codename,
                description=f"Mirror of {source.label}"[:200],
            )
            suite = unit.add_suite(archive, codename, options, now, verbatim=True)
            mirror = Mirror(MirrorId(0), draft.name, source.id, suite.id, draft.every_hours, draft.on_bad)
            mirror = replace(mirror, id=unit.add_mirror(mirror))
            self._note(unit, actor, "MIRROR_CREATE", mirror, suite)
            made = _standing(unit, mirror)
        self._prepare_key(archive)
        return made

    def change(
        self, actor: Actor, name: str, every_hours: int | None = None, on_bad: OnBad | None = None
    ) -> MirrorStanding:
        """What is given.

        Raises:
            NotFound: there is none.
            InvalidRequest: it makes no sense.
        """
        demand(actor, Permission.SOURCE_WRITE)
        if every_hours is not None:
            _check_hours(every_hours)
        with self._catalog.write() as unit:
            before = unit.mirror_called(name)
            after = replace(
                before,
                every_hours=before.every_hours if every_hours is None else every_hours,
                on_bad=on_bad or before.on_bad,
            )
            unit.change_mirror(after)
            self._note(unit, actor, "MIRROR_UPDATE", after, unit.suite(after.suite_id))
            return _standing(unit, after)

    def remove(self, actor: Actor, name: str) -> Mirror:
        """With its suite: clients find nothing there any more.

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
            if unit.pinned_generations(suite.id):
                raise StillShown(
                    f"snapshots of {suite.full_name} exist; remove these first", distributions=suite.codename
                )
            unit.remove_mirror(mirror)
            self._note(unit, actor, "MIRROR_DELETE", mirror, suite)
            return mirror

    def _note(self, unit: Writing, actor: Actor, action: str, mirror: Mirror, suite: Suite) -> None:
        detail: dict[str, JsonValue] = {
            "mirror": mirror.name,
            "distribution": suite.full_name,
            "every_hours": mirror.every_hours,
            "on_bad": mirror.on_bad.value,
        }
        unit.audit(AuditEntry(action, "SUCCESS", actor, self._now(), suite=suite.codename, detail=detail))


def _standing(reading: Reading, mirror: Mirror) -> MirrorStanding:
    running = reading.running_job(MIRROR_JOB, subject_of(mirror))
    job = None if running is None else str(running.id)
    return MirrorStanding(mirror, reading.source(mirror.source_id), reading.suite(mirror.suite_id), job)


def _place_of(draft: MirrorDraft, source: Source) -> tuple[str, str]:
    """Archive and codename.  That of apt is the upstream's own: it is part of the signed paths."""
    archive, codename = draft.archive or draft.name, draft.codename or source.distribution or draft.name
    if source.format is Format.DEB and ("/" in source.distribution or codename != source.distribution):
        raise InvalidRequest(
            f"{source.name}: only a distribution with a plain name can be mirrored, and keeps its name",
            field="codename",
        )
    if not _NAME.fullmatch(archive):
        raise InvalidRequest("archive: 1 to 64 lower-case letters, digits and . + ~ - are wanted", field="archive")
    if not _CODENAME.fullmatch(codename) or codename in _RESERVED:
        raise InvalidRequest("codename: 1 to 64 letters, digits and . + _ ~ - are wanted", field="codename")
    return archive, codename


def _archive(unit: Writing, source: Source, name: str) -> Archive:
    """An archive for mirrors of this upstream alone: a path in its pool means one file."""
    archive = unit.archive(source.format, name)
    if archive is None:
        return unit.add_archive(source.format, name)
    for suite in unit.suites(archive.id):
        mirror = unit.mirror_of(suite.id)
        if mirror is None:
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


def _check_hours(hours: int) -> None:
    if not 0 <= hours <= _MOST_HOURS:
        raise InvalidRequest(f"every_hours: 0 (by hand only) to {_MOST_HOURS} are wanted", field="every_hours")
