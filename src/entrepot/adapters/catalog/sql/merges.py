"""States apart: rows of ``content`` that were there at one number below zero, and nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.merges import Occupant
from entrepot.adapters.catalog.records import AdmissionState, Placing
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import generation_of
from entrepot.adapters.catalog.sql.states import held_at
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import ArchiveId, PackageId, SuiteId, listing_key
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.errors import NotFound

_CHUNK = 400
_NOT_LET_IN = [state.value for state in (AdmissionState.HELD, AdmissionState.REFUSED)]
_PUBLISHING = [action.value for action in DecisionAction if action.publishes]
_COLUMNS = ("package_id", "architecture", "sort_key", "pool_path")


class MergeQueries:
    """Implements ``MergeReading`` and ``MergeWriting``."""

    _connection: sa.Connection

    def generations_apart(self, suite_id: SuiteId) -> list[Generation]:
        """Their numbers are those of their states."""
        row = t.generation.c
        query = sa.select(t.generation).where(row.suite_id == suite_id, row.number < 0).order_by(row.number)
        return [generation_of(found) for found in self._connection.execute(query)]

    def barred(self, suite_id: SuiteId) -> Mapping[PackageId, str]:
        """Two queries."""
        apart = self._connection.execute(sa.select(t.quarantine.c.package_id)).scalars()
        return {**self.refusals(suite_id), **{PackageId(number): "it is in quarantine" for number in apart}}

    def refusals(self, suite_id: SuiteId) -> Mapping[PackageId, str]:
        """By the newest admission of each package that is not there, and by what people keep out."""
        asked, later, stays = t.admission, t.admission.alias("later"), t.content.c
        again = sa.exists().where(
            later.c.package_id == asked.c.package_id, later.c.suite_id == suite_id, later.c.id > asked.c.id
        )
        live = sa.exists().where(
            stays.package_id == asked.c.package_id, stays.suite_id == suite_id, stays.removed_revision.is_(None)
        )
        query = sa.select(asked.c.package_id, asked.c.state, asked.c.justification, asked.c.reasons).where(
            asked.c.state.in_(_NOT_LET_IN), asked.c.suite_id == suite_id, ~again, ~live
        )
        found = {
            PackageId(row.package_id): row.justification or "; ".join(row.reasons) or f"it is {row.state}"
            for row in self._connection.execute(query)
        }
        decided = t.decision.c
        kept_out = sa.select(decided.package_id, decided.decided_by, decided.justification).where(
            decided.suite_id == suite_id, decided.ended_at.is_(None), decided.action.not_in(_PUBLISHING)
        )
        for row in self._connection.execute(kept_out):
            found[PackageId(row.package_id)] = f"{row.decided_by} keeps it out: {row.justification}"
        return found

    def shown_before(self, suite_id: SuiteId, package_ids: Collection[PackageId]) -> set[PackageId]:
        """By the index on packages."""
        row, wanted, found = t.content.c, sorted(package_ids), set[PackageId]()
        for start in range(0, len(wanted), _CHUNK):
            query = sa.select(row.package_id).where(
                row.suite_id == suite_id,
                row.package_id.in_(wanted[start : start + _CHUNK]),
                row.added_revision >= 0,
            )
            found.update(PackageId(number) for number in self._connection.execute(query).scalars())
        return found

    def claims(self, archive_id: ArchiveId, names: Collection[str]) -> Mapping[PackageKey, Digest]:
        """By the order of the table's key."""
        found: dict[PackageKey, Digest] = {}
        wanted, row = sorted(names), t.claim.c
        for start in range(0, len(wanted), _CHUNK):
            query = (
                sa.select(row.name, row.version, row.architecture, t.package.c.digest, t.package.c.format)
                .join(t.package, t.package.c.id == row.package_id)
                .where(row.archive_id == archive_id, row.name.in_(wanted[start : start + _CHUNK]))
            )
            for one in self._connection.execute(query):
                key = PackageKey(Format(one.format), one.name, one.version, one.architecture)
                found[key] = Digest(one.digest)
        return found

    def occupants(self, numbers: Collection[int]) -> list[Occupant]:
        """By id."""
        row, found = t.package.c, list[Occupant]()
        wanted = sorted(numbers)
        for start in range(0, len(wanted), _CHUNK):
            query = (
                sa.select(
                    t.content.c.component, row.id, row.format, row.name, row.version, row.architecture, row.digest
                )
                .add_columns(row.source)
                .join(t.content, t.content.c.package_id == row.id)
                .where(t.content.c.id.in_(wanted[start : start + _CHUNK]))
                .order_by(t.content.c.id)
            )
            for one in self._connection.execute(query):
                key = PackageKey(Format(one.format), one.name, one.version, one.architecture)
                found.append(Occupant(PackageId(one.id), key, Digest(one.digest), one.source, one.component))
        return found

    def begin_merge(self, suite_id: SuiteId, rule: str, sources: Sequence[str], now: datetime) -> int:
        """The row stays as long as anything of the state."""
        values = {"suite_id": suite_id, "rule": rule, "sources": list(sources), "created_at": now}
        query = sa.insert(t.merge).values(values).returning(t.merge.c.id)
        return -int(self._connection.execute(query).scalar_one())

    def copy_apart(
        self, suite_id: SuiteId, state: int, numbers: Sequence[int], component: str | None, by: str, now: datetime
    ) -> None:
        """Within the database."""
        row = t.content.c
        told = {"suite_id": suite_id, "added_revision": state, "removed_revision": state + 1, "added_by": by}
        told |= {} if component is None else {"component": component}
        copied = [row[name] for name in (*_COLUMNS, *(() if component is not None else ("component",)))]
        for start in range(0, len(numbers), _CHUNK):
            values = [sa.bindparam(None, value, t.content.c[name].type).label(name) for name, value in told.items()]
            moment = sa.bindparam(None, now, row.added_at.type).label("added_at")
            chosen = sa.select(*copied, *values, moment).where(row.id.in_(numbers[start : start + _CHUNK]))
            names = [*(column.name for column in copied), *told, "added_at"]
            self._connection.execute(sa.insert(t.content).from_select(names, chosen))

    def place_apart(self, suite_id: SuiteId, state: int, placings: Sequence[Placing], by: str, now: datetime) -> None:
        """With claims and paths that are new to the archive."""
        rows = [
            {
                "suite_id": suite_id,
                "package_id": one.package_id,
                "component": one.component,
                "architecture": one.tree,
                "sort_key": listing_key(one.key.name, one.key.version, one.key.architecture),
                "pool_path": one.pool_path,
                "added_revision": state,
                "removed_revision": state + 1,
                "added_at": now,
                "added_by": by,
            }
            for one in placings
        ]
        if rows:
            self._connection.execute(sa.insert(t.content), rows)

    def switch_apart(
        self, suite_id: SuiteId, state: int, manifest: Digest, package_count: int, now: datetime
    ) -> Generation:
        """Superseded when it began, so that no time finds it."""
        begun = sa.select(t.merge.c.id).where(t.merge.c.id == -state, t.merge.c.suite_id == suite_id)
        if self._connection.execute(begun.with_for_update()).first() is None:
            raise NotFound("the merge took so long that it was given up; begin it again")
        values = {
            "suite_id": suite_id,
            "number": state,
            "revision": state,
            "manifest": manifest,
            "package_count": package_count,
            "published_at": now,
            "superseded_at": now,
            "refresh_at": None,
        }
        query = sa.insert(t.generation).values(values).returning(t.generation)
        return generation_of(self._connection.execute(query).one())

    def forget_apart(self, before: datetime, most: int) -> int:
        """The generation goes first, which its snapshot kept; the number is free when nothing is left."""
        shown = sa.exists().where(t.generation.c.suite_id == t.merge.c.suite_id, t.generation.c.number == -t.merge.c.id)
        over = sa.select(t.merge.c.id, t.merge.c.suite_id).where(t.merge.c.created_at < before, ~shown)
        gone = 0
        for merge in self._connection.execute(over.order_by(t.merge.c.id)).all():
            left = sa.select(t.content.c.id).where(t.content.c.suite_id == merge.suite_id, held_at(-int(merge.id)))
            chosen = self._connection.execute(left.limit(most - gone)).scalars().all()
            for start in range(0, len(chosen), _CHUNK):
                part = chosen[start : start + _CHUNK]
                self._connection.execute(sa.delete(t.content).where(t.content.c.id.in_(part)))
            gone += len(chosen)
            if gone >= most:
                break
            self._connection.execute(sa.delete(t.merge).where(t.merge.c.id == merge.id))
        return gone
