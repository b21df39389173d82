"""Imports as jobs: what is needed is fetched, verified and asked through the gate, one package after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.jobs import Begin
from entrepot.adapters.catalog.records import AuditEntry, JsonValue, PackageFilter
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.domain.upstream.source import SourceId
from entrepot.errors import CatalogConflict, EntrepotError, ImportFailed, InvalidRequest, Kind
from entrepot.services.imports.carrying import Bringer, Errand, Patience, Stop
from entrepot.services.imports.choosing import Choice, Wanted
from entrepot.services.imports.groups import check_group
from entrepot.services.imports.resolving import Member, Plan, UpstreamResolutions

IMPORT_JOB = "import"
MOST_ASKED = 50
_MOST_MEMBERS = 1000
_POSTPONED = (Kind.UNAVAILABLE, Kind.FULL)
_CANCELLED = {"cancelled": True, "error": "it was cancelled", "code": "job.ended"}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """One package to import; ``group`` is its own name where nobody says otherwise."""

    wanted: Wanted
    group: str = ""
    dependencies: bool = True


class Imports:
    """Begins jobs and does them."""

    def __init__(
        self,
        catalog: Catalog,
        resolutions: UpstreamResolutions,
        bringer: Bringer,
        begin: Begin,
        wake: Callable[[JobId], None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._resolutions = resolutions
        self._bringer = bringer
        self._begin = begin
        self._wake = wake
        self._now = now

    def fetch(self, actor: Actor, ask: Ask) -> JobId:
        """From wherever it can be found; the job that does it, perhaps one that runs already.

        Raises:
            NotFound, UpstreamNotSynced, UnknownDistribution, InvalidRequest: it is not there, or nowhere to go.
            PermissionDenied: the suite is outside the scope of the actor's token.
        """
        demand(actor, Permission.IMPORT_FETCH)
        return self._one(actor, ask)

    def package(self, actor: Actor, ask: Ask) -> JobId:
        """From a source that is named.

        Raises:
            As ``fetch``.
        """
        demand(actor, Permission.IMPORT_PACKAGE)
        return self._one(actor, ask)

    def _one(self, actor: Actor, ask: Ask) -> JobId:
        row, choice, suite = self._chosen(actor, ask)
        subject = f"{suite.id}:{choice.source.id}:{choice.package.digest[:71]}:{int(ask.dependencies)}:{row['group']}"
        label = f"{choice.package.key} into {suite.codename}"
        with self._catalog.write() as unit:
            running = unit.running_job(IMPORT_JOB, subject[:200])
            job = self._begin(unit, IMPORT_JOB, label[:200], actor, subject[:200], None, {"asks": [row]})
            if running is None:
                key = choice.package.key
                detail: dict[str, JsonValue] = {
                    "source": choice.source.name,
                    "architecture": key.architecture,
                    "dependencies": ask.dependencies,
                    "job": job,
                }
                entry = AuditEntry("IMPORT", "START", actor, self._now(), key.name, key.version, suite.codename, detail)
                unit.audit(entry)
        self._wake(job)
        return job

    def batch(self, actor: Actor, asks: Sequence[Ask]) -> JobId:
        """Many, each for itself: one that cannot be had is told, and the others go on.

        Raises:
            InvalidRequest: there are none, or more than fifty.
            UpstreamNotSynced: nothing can be found yet.
        """
        demand(actor, Permission.IMPORT_FETCH)
        if not 1 <= len(asks) <= MOST_ASKED:
            raise InvalidRequest(f"packages: name 1 to {MOST_ASKED} packages", field="packages")
        rows: list[Row] = []
        for ask in asks:
            try:
                rows.append(self._chosen(actor, ask)[0])
            except EntrepotError as error:
                if error.kind in (Kind.UNPREPARED, *_POSTPONED):
                    raise
                rows.append({"name": ask.wanted.name[:255], "error": error.detail, "code": error.code})
        told = hashlib.sha256(json.dumps([actor.owner, rows], sort_keys=True).encode()).hexdigest()
        with self._catalog.write() as unit:
            running = unit.running_job(IMPORT_JOB, f"batch:{told}")
            label = f"{len(rows)} packages"
            job = self._begin(unit, IMPORT_JOB, label, actor, f"batch:{told}", len(rows), {"asks": rows, "batch": True})
            if running is None:
                names: list[JsonValue] = [row["name"] for row in rows]
                detail: dict[str, JsonValue] = {"packages": names, "job": job}
                unit.audit(AuditEntry("IMPORT", "START", actor, self._now(), detail=detail))
        self._wake(job)
        return job

    def _chosen(self, actor: Actor, ask: Ask) -> tuple[Row, Choice, Suite]:
        """What is meant, so that another synchronisation between now and then changes nothing about it."""
        choice = self._resolutions.choose(ask.wanted)
        suite = choice.suite
        if suite is None:
            raise InvalidRequest(
                f"say which distribution {choice.package.key.name} is for; none here is called as that of source "
                f"{choice.source.name} ({choice.source.distribution or 'none'})",
                field="distribution",
            )
        demand_suite(actor, suite)
        key = choice.package.key
        row = {
            "name": key.name,
            "version": key.version,
            "architecture": key.architecture,
            "source": int(choice.source.id),
            "suite": suite.id,
            "group": check_group(ask.group) if ask.group else key.name,
            "dependencies": ask.dependencies,
        }
        return row, choice, suite

    def pursue(self, work: Work) -> Mapping[str, JsonValue]:
        """Do a job.  What came in before a crash is not fetched again.

        Raises:
            EntrepotError: the one package that was asked for could not be had.
        """
        asks = cast("list[Row]", work.parameters["asks"])
        batch = bool(work.parameters.get("batch"))
        rows = [dict(row) for row in cast("list[Row]", work.position.get("rows") or [])]
        patience = Patience()
        for ask in asks[len(rows) :]:
            rows.append(self._pursue_one(work, ask, rows, patience))
            work.progress(
                done=len(rows) if batch else None,
                errors=sum("error" in row for row in rows),
                position={"rows": rows},
                at_once=True,
            )
            if rows[-1].get("cancelled"):
                break
        if not batch and "error" in rows[0] and not rows[0].get("cancelled"):
            raise _failure(rows[0])
        return {"packages": rows} if batch else rows[0]

    def _pursue_one(self, work: Work, ask: Row, before: Sequence[Row], patience: Patience) -> Row:
        if "error" in ask:
            work.progress(event={"level": "error", "message": f"{ask['name']}: {ask['error']}", "status": "error"})
            return ask
        try:
            return self._carry_out(work, ask, before, patience)
        except EntrepotError as error:
            if error.kind in _POSTPONED or isinstance(error, CatalogConflict):
                raise
            return {**_identity(ask), "error": error.detail, "code": error.code}

    def _carry_out(self, work: Work, ask: Row, before: Sequence[Row], patience: Patience) -> Row:
        plan = self._plan(ask)
        if len(plan.members) > _MOST_MEMBERS:
            raise InvalidRequest(f"{ask['name']} needs {len(plan.members)} packages; {_MOST_MEMBERS} are the most")
        actor = Actor(work.begun_by, frozenset({Role.UPLOADER}), work.address)
        suite = cast("Suite", plan.choice.suite)
        single = not work.parameters.get("batch")
        errand = Errand(actor, suite, str(ask["group"]), work.id, plan.choice.around, patience)
        imported: list[Row] = []
        skipped: list[Row] = []
        failed: list[Row] = [
            {"name": text.partition(" ")[0], "message": f"nobody has it: {text}"} for text in plan.missing
        ]
        # What others need comes in before them; the package itself is the last.
        for number, member in enumerate(reversed(plan.members)):
            root = number == len(plan.members) - 1
            try:
                row = self._member(work, errand, member, root=root)
            except Stop:
                return {**_identity(ask), **_CANCELLED, **_shares(imported, skipped, failed)}
            place = failed if "error" in row else skipped if row["status"] == "skipped" else imported
            place.append(row)
            work.progress(
                done=number + 1 if single else None,
                total=len(plan.members) if single else None,
                errors=len(failed) if single else None,
                position={"rows": list(before)},
                event=_event(row, number + 1),
                at_once=True,
            )
        root_row = next(row for row in (*imported, *skipped, *failed) if row.get("root"))
        return {
            **root_row,
            "source_id": plan.choice.source.name,
            "distribution": suite.codename,
            **_shares(imported, skipped, failed),
        }

    def _plan(self, ask: Row) -> Plan:
        wanted = Wanted(ask["name"], ask["version"], ask["architecture"], "", str(ask["source"]))
        choice = self._resolutions.choose(wanted)
        with self._catalog.read() as reading:
            suite = reading.suite(SuiteId(ask["suite"]))
        return self._resolutions.plan(choice.into(suite), dependencies=bool(ask["dependencies"]))

    def _member(self, work: Work, errand: Errand, member: Member, *, root: bool) -> Row:
        """What became of one package."""
        if work.cancelled():
            raise Stop
        key = member.key
        row: Row = {"name": key.name, "version": key.version, "arch": key.architecture, "root": root}
        if member.present or member.upstream is None:
            with self._catalog.read() as reading:
                there = _present(reading, errand, member)
            return {**row, "status": "skipped", "message": f"it is in {errand.suite.codename} already", **there}
        try:
            taken = self._bringer.bring(errand, member.upstream, work)
        except EntrepotError as error:
            if error.kind in _POSTPONED or isinstance(error, CatalogConflict):
                raise
            self._note_failure(errand, member, error)
            return {**row, "error": error.detail, "code": error.code, "status": "error", "message": error.detail}
        return {**row, **taken}

    def _note_failure(self, errand: Errand, member: Member, error: EntrepotError) -> None:
        key, found = member.key, member.upstream
        source = found.source_id if found else SourceId(0)
        detail: dict[str, JsonValue] = {
            "architecture": key.architecture,
            "source": next((each.name for each in errand.sources if each.id == source), ""),
            "error": error.code,
            "message": error.detail[:500],
            "job": errand.job,
        }
        entry = AuditEntry(
            "IMPORT", "FAILURE", errand.actor, self._now(), key.name, key.version, errand.suite.codename, detail
        )
        with self._catalog.write() as unit:
            unit.audit(entry)


def _present(reading: Reading, errand: Errand, member: Member) -> Row:
    """Where it is; before a crash it may have been this job that brought it."""
    key, suite = member.key, errand.suite
    wanted = PackageFilter(name=key.name, version=key.version, architecture=key.architecture, suite=suite.codename)
    found = [each for each in reading.placements(wanted) if each.suite.id == suite.id]
    if not found:
        return {}
    number = found[0].package.id
    mine = any(each.suite_id == suite.id and each.job == errand.job for each in reading.imported(number))
    there: Row = {"package_id": number, "suite_id": suite.id, "sha256": found[0].package.digest}
    return {**there, "status": "published", "message": ""} if mine else there


def _identity(ask: Row) -> Row:
    return {"name": ask["name"], "version": ask.get("version", ""), "arch": ask.get("architecture", "")}


def _shares(imported: Sequence[Row], skipped: Sequence[Row], failed: Sequence[Row]) -> Row:
    return {
        "imported": [_shown(row) for row in imported],
        "skipped": [_shown(row) for row in skipped],
        "failed": [_shown(row) for row in failed if not row.get("root")],
    }


def _shown(row: Row) -> Row:
    return {
        name: row[name] for name in ("name", "version", "arch", "status", "message", "sha256", "code") if name in row
    }


def _event(row: Row, count: int) -> Row:
    level = "error" if "error" in row else "info"
    message = f"{row['name']} {row['version']} {row['arch']}: {row['status']}"
    if row.get("message"):
        message += f" ({row['message']})"
    return {"status": row["status"], "count": count, "message": message[:500], "level": level}


def _failure(row: Row) -> EntrepotError:
    """What ended the import, as it was raised."""
    return named_error(str(row.get("code") or ""), str(row["error"]))


def named_error(code: str, detail: str) -> EntrepotError:
    """One of ours by its code."""
    waiting: list[type[EntrepotError]] = [EntrepotError]
    for kind in waiting:
        if kind.__dict__.get("code") == code:
            return kind(detail)
        waiting += kind.__subclasses__()
    return ImportFailed(detail)
