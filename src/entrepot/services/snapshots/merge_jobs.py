"""Merges as jobs: states of many thousands of packages take longer than a request should."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.jobs import Begin
from entrepot.adapters.catalog.naming import find_suite
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.services.snapshots.choosing import Rule
from entrepot.services.snapshots.keeping import Frozen, name_of
from entrepot.services.snapshots.merging import MergeRequest, Merging, Selection

MERGE_JOB = "merge"
MOST_TOLD = 1000
"""So many conflicts, and packages that are left out, the result of a job names."""

Words = Callable[[Selection | None, Frozen | None], Mapping[str, JsonValue]]
"""What a merge consists of, if that is known, and the snapshot that was made, as a result of a job."""


class _Stop(Exception):
    """Somebody wants the merge to end."""


class MergeJobs:
    """Begins jobs and does them."""

    def __init__(
        self,
        catalog: Catalog,
        merging: Merging,
        words: Words,
        begin: Begin,
        wake: Callable[[JobId], None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._merging = merging
        self._words = words
        self._begin = begin
        self._wake = wake
        self._now = now

    def begin(self, actor: Actor, request: MergeRequest, *, dry_run: bool) -> JobId:
        """The job that merges, or with ``dry_run`` says what a merge would consist of; the same one while it runs.

        Raises:
            As ``Merging.plan``, but for what only a look at the packages shows: with that the job ends.
        """
        demand(actor, Permission.SNAPSHOT_WRITE)
        self._merging.check(actor, request)
        asked = replace(request, name=request.name or name_of(None, self._now()))
        parameters: dict[str, JsonValue] = {
            "states": list(asked.states),
            "into": asked.target,
            "name": asked.name,
            "rule": asked.rule.value,
            "description": asked.description,
            "dry_run": dry_run,
            "scope": None if actor.scope is None else sorted(actor.scope),
        }
        subject = hashlib.sha256(repr(sorted(parameters.items())).encode()).hexdigest()[:32]
        label = f"{'what would be ' if dry_run else ''}{asked.target}@{asked.name}"[:200]
        with self._catalog.write() as unit:
            job = self._begin(unit, MERGE_JOB, label, actor, f"merge:{subject}", None, parameters)
            if not dry_run:
                detail: dict[str, JsonValue] = {"snapshot": asked.name, "of": list(asked.states), "job": job}
                unit.audit(AuditEntry("SNAPSHOT_MERGE", "START", actor, self._now(), asked.target, detail=detail))
        self._wake(job)
        return job

    def pursue(self, work: Work) -> Mapping[str, JsonValue]:
        """Do a job, from the beginning: what a try before this one left shows nothing, and is collected.

        Raises:
            EntrepotError: it cannot be done.
        """
        asked = work.parameters
        scope = cast("Sequence[str] | None", asked["scope"])
        actor = Actor(
            work.begun_by,
            frozenset({Role.MAINTAINER}),
            work.address,
            scope=None if scope is None else frozenset(scope),
        )
        request = MergeRequest(
            cast("Sequence[str]", asked["states"]),
            str(asked["into"]),
            str(asked["name"]),
            Rule(str(asked["rule"])),
            str(asked["description"]),
        )

        def told(stage: str, done: int, total: int | None) -> None:
            if work.cancelled():
                raise _Stop
            work.progress(done=done, total=total, event={"message": stage, "level": "info"})

        try:
            if asked["dry_run"]:
                return self._words(self._merging.plan(actor, request, told), None)
            made = self._made(request, work.begun_by)
            if made is not None:
                return self._words(None, made)
            done = self._merging.merge(actor, request, told)
        except _Stop:
            return {}
        return self._words(done.selection, done.frozen)

    def _made(self, request: MergeRequest, by: str) -> Frozen | None:
        """What a try before this one made, and then could not say any more: the name was free when the job began."""
        with self._catalog.read() as reading:
            suite = find_suite(reading, request.target)
            found = reading.snapshot_named(suite.id, name_of(request.name, self._now()))
        same = found is not None and (tuple(found.merged_from), found.rule) == (tuple(request.states), request.rule)
        return Frozen(found, suite) if found is not None and same and found.created_by == by else None
