"""Exports as jobs, into folders below the one that the settings name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.jobs import Begin
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.services.publish.exported import ExportWish, check_site
from entrepot.services.publish.exports import Exports, Find

EXPORT_JOB = "export"
_MOST_NAMED = 20

Below = Callable[[str], str]
"""The path of a folder by its name; raises ``InvalidRequest`` when there can be none."""


class _Stop(Exception):
    """Somebody wants the export to end."""


class ExportJobs:
    """Begins jobs and does them."""

    def __init__(
        self,
        catalog: Catalog,
        exports: Exports,
        find: Find,
        below: Below,
        begin: Begin,
        wake: Callable[[JobId], None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._exports = exports
        self._find = find
        self._below = below
        self._begin = begin
        self._wake = wake
        self._now = now

    def begin(self, actor: Actor, reference: str, folder: str, wish: ExportWish) -> JobId:
        """The job that has a folder show a state; the same one while it runs.

        Raises:
            UnknownDistribution, NotFound, InvalidRequest: there is no such state, or no place for the folder.
        """
        demand(actor, Permission.TREE_EXPORT)
        check_site(wish.url)
        self._below(folder)
        with self._catalog.read() as reading:
            self._find(reading, reference)
        parameters: dict[str, JsonValue] = {
            "state": reference,
            "folder": folder,
            "delete_after": wish.delete_after_seconds,
            "site": wish.url,
        }
        subject = hashlib.sha256(repr(sorted(parameters.items())).encode()).hexdigest()[:32]
        with self._catalog.write() as unit:
            label = f"{reference} to {folder}"[:200]
            job = self._begin(unit, EXPORT_JOB, label, actor, f"export:{subject}", None, parameters)
            unit.audit(AuditEntry("EXPORT", "START", actor, self._now(), detail={**parameters, "job": job}))
        self._wake(job)
        return job

    def pursue(self, work: Work) -> Mapping[str, JsonValue]:
        """Do a job.  What is there already is left alone, so that one that broke off goes on.

        Raises:
            EntrepotError: it cannot be done.
        """
        asked = work.parameters
        actor = Actor(work.begun_by, frozenset({Role.ADMIN}), work.address)
        wish = ExportWish(cast("int", asked["delete_after"]), str(asked["site"]))

        def told(stage: str, done: int, total: int) -> None:
            if work.cancelled():
                raise _Stop
            work.progress(done=done, total=total, event={"message": f"{stage} {done} of {total}", "level": "info"})

        try:
            done = self._exports.export(actor, str(asked["state"]), self._below(str(asked["folder"])), wish, told)
        except _Stop:
            return {}
        result: dict[str, JsonValue] = {**asdict(done), "withheld": list(done.withheld[:_MOST_NAMED])}
        return result
