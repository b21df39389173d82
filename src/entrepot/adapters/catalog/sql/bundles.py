"""Bundles, and the suites that they go into."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.bundles import Bundle, Bundled, BundleStatus, BundleTarget
from entrepot.adapters.catalog.mirrors import Brought
from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.mirrors import brought_of
from entrepot.adapters.catalog.sql.rows import Row
from entrepot.adapters.catalog.sql.states import held_at
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import SuiteId
from entrepot.errors import AlreadyExists, AlreadyRunning

_BATCH = 2000
_bundle, _target, _file = t.bundle.c, t.bundle_target.c, t.mirror_file.c
_KEEPING = (BundleStatus.READY.value, BundleStatus.ARRIVING.value)


class BundleQueries:
    """Implements ``BundleReading`` and ``BundleWriting``."""

    _connection: sa.Connection

    def bundles(self, offset: int, limit: int) -> tuple[list[Bundle], int]:
        """Newest first."""
        query = sa.select(t.bundle).order_by(_bundle.id.desc()).offset(offset).limit(limit)
        count = sa.select(sa.func.count()).select_from(t.bundle)
        return [_bundle_of(row) for row in self._connection.execute(query)], self._connection.execute(
            count
        ).scalar_one()

    def bundle(self, bundle_id: str, *, made_here: bool) -> Bundle | None:
        """One by name."""
        query = sa.select(t.bundle).where(_bundle.name == bundle_id, _bundle.made_here == made_here)
        row = self._connection.execute(query).first()
        return None if row is None else _bundle_of(row)

    def bundle_heads(self) -> list[tuple[Digest, bool]]:
        """An import that goes on keeps its files as well."""
        holding = sa.exists().where(_target.bundle_id == _bundle.id, _target.holding).correlate(t.bundle)
        query = sa.select(_bundle.head, sa.or_(_bundle.status.in_(_KEEPING), holding).label("whole"))
        return [(Digest(row.head), bool(row.whole)) for row in self._connection.execute(query)]

    def bundle_targets(self, number: int) -> list[BundleTarget]:
        """By suite."""
        query = sa.select(t.bundle_target).where(_target.bundle_id == number).order_by(_target.suite_id)
        return [_target_of(row) for row in self._connection.execute(query)]

    def last_bundle_of(self, suite_id: SuiteId) -> tuple[Bundle, BundleTarget] | None:
        """By the time at which its import ended."""
        query = (
            sa.select(t.bundle_target)
            .join(t.bundle, _bundle.id == _target.bundle_id)
            .where(_target.suite_id == suite_id, _target.done)
            .order_by(_bundle.finished_at.desc(), _target.id.desc())
            .limit(1)
        )
        row = self._connection.execute(query).first()
        if row is None:
            return None
        found = self._connection.execute(sa.select(t.bundle).where(_bundle.id == row.bundle_id)).one()
        return _bundle_of(found), _target_of(row)

    def held_suites(self) -> list[tuple[SuiteId, int]]:
        """All."""
        query = sa.select(_target.suite_id, _target.bundle_id).where(_target.holding).order_by(_target.id)
        return [(SuiteId(row.suite_id), row.bundle_id) for row in self._connection.execute(query)]

    def bundled_at(self, suite_id: SuiteId, revision: int) -> Iterator[Bundled]:
        """Streamed; what was decided about packages is few, and read before."""
        content, package, admission = t.content.c, t.package.c, t.admission.c
        decided = (
            sa.select(admission.package_id, admission.decided_by, admission.decided_at, admission.justification)
            .where(admission.suite_id == suite_id, admission.decided_by.is_not(None))
            .order_by(admission.id)
        )
        decisions = {row.package_id: row for row in self._connection.execute(decided)}
        apart = sa.exists().where(t.quarantine.c.package_id == content.package_id).correlate(t.content)
        query = (
            sa.select(t.package, content.component, content.pool_path, apart.label("apart"))
            .join(t.content, content.package_id == package.id)
            .where(content.suite_id == suite_id, held_at(revision))
            .order_by(content.component, content.sort_key)
        )
        for row in self._connection.execute(query.execution_options(yield_per=_BATCH)):
            yield _bundled_of(row, decisions.get(row.id))

    def quarantined_digests(self) -> set[Digest]:
        """Few."""
        query = sa.select(t.package.c.digest).join(t.quarantine, t.quarantine.c.package_id == t.package.c.id)
        return {Digest(row.digest) for row in self._connection.execute(query)}

    def mirrored_at(self, suite_id: SuiteId, revision: int) -> Iterator[Brought]:
        """Streamed."""
        there = sa.or_(_file.removed_revision.is_(None), _file.removed_revision > revision)
        query = (
            sa.select(t.mirror_file)
            .where(_file.suite_id == suite_id, _file.added_revision <= revision, there)
            .order_by(_file.path, _file.id)
        )
        for row in self._connection.execute(query.execution_options(yield_per=_BATCH)):
            yield brought_of(row)

    def add_bundle(self, bundle: Bundle) -> int:
        """The row."""
        values = {
            "name": bundle.id,
            "made_here": bundle.made_here,
            "status": bundle.status.value,
            "chain": bundle.chain,
            "place": bundle.place,
            "base": bundle.base,
            "label": bundle.label,
            "head": bundle.head,
            "file_count": bundle.file_count,
            "size_bytes": bundle.size_bytes,
            "volumes": [list(volume) for volume in bundle.volumes],
            "states": [dict(state) for state in bundle.states],
            "signer": bundle.signer,
            "made_at": bundle.made_at,
            "noted_at": bundle.noted_at,
            "noted_by": bundle.noted_by,
            "finished_at": bundle.finished_at,
            "result": dict(bundle.result or {}),
        }
        try:
            with self._connection.begin_nested():
                query = sa.insert(t.bundle).values(**values).returning(_bundle.id)
                return int(self._connection.execute(query).scalar_one())
        except IntegrityError as error:
            raise AlreadyExists(f"bundle {bundle.id} is here already") from error

    def note_bundle(
        self, number: int, status: BundleStatus, finished_at: datetime | None, result: Mapping[str, JsonValue] | None
    ) -> None:
        """By number."""
        change = sa.update(t.bundle).where(_bundle.id == number)
        values = {"status": status.value, "finished_at": finished_at, "result": dict(result or {})}
        self._connection.execute(change.values(**values))

    def remove_bundle(self, number: int) -> None:
        """Targets first."""
        self._connection.execute(sa.delete(t.bundle_target).where(_target.bundle_id == number))
        self._connection.execute(sa.delete(t.bundle).where(_bundle.id == number))

    def hold_suites(self, targets: Collection[BundleTarget]) -> None:
        """One row each; a repeated import keeps what was noted when it began."""
        for target in targets:
            other = sa.select(_target.bundle_id).where(
                _target.suite_id == target.suite_id, _target.holding, _target.bundle_id != target.bundle
            )
            if self._connection.execute(other).first() is not None:
                raise AlreadyRunning(
                    "another bundle is just being imported into the same distribution; wait for its end"
                )
            here = sa.and_(_target.bundle_id == target.bundle, _target.suite_id == target.suite_id)
            known = self._connection.execute(sa.select(t.bundle_target).where(here)).first()
            if known is not None and known.holding:
                continue
            values = {"before": target.before, "list_path": target.list_path, "holding": True, "done": False}
            if known is not None:
                self._connection.execute(sa.update(t.bundle_target).where(here).values(**values))
            else:
                row = {"bundle_id": target.bundle, "suite_id": target.suite_id, **values}
                self._connection.execute(sa.insert(t.bundle_target).values(**row))

    def release_suites(self, number: int, *, done: bool) -> None:
        """Those that it holds."""
        change = sa.update(t.bundle_target).where(_target.bundle_id == number, _target.holding)
        self._connection.execute(change.values(holding=False, done=done))


def _bundle_of(row: Row) -> Bundle:
    return Bundle(
        number=row.id,
        id=row.name,
        made_here=row.made_here,
        status=BundleStatus(row.status),
        chain=row.chain,
        place=row.place,
        base=row.base,
        label=row.label,
        head=Digest(row.head),
        file_count=row.file_count,
        size_bytes=row.size_bytes,
        volumes=[(start, stop, size) for start, stop, size in row.volumes],
        states=row.states,
        signer=row.signer,
        made_at=row.made_at,
        noted_at=row.noted_at,
        noted_by=row.noted_by,
        finished_at=row.finished_at,
        result=row.result,
    )


def _bundled_of(row: Row, decision: Row | None) -> Bundled:
    told: dict[str, JsonValue] = {"received_at": row.received_at.isoformat(), "received_by": row.received_by}
    if decision is not None:
        told["decided_by"], told["reason"] = decision.decided_by, decision.justification[:1000]
        told["decided_at"] = None if decision.decided_at is None else decision.decided_at.isoformat()
    return Bundled(
        row.component,
        row.name,
        row.version,
        row.architecture,
        Digest(row.digest),
        row.size_bytes,
        row.filename,
        row.pool_path,
        bool(row.apart),
        told,
    )


def _target_of(row: Row) -> BundleTarget:
    return BundleTarget(row.bundle_id, SuiteId(row.suite_id), row.before, row.list_path, row.holding, row.done)
