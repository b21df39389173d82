"""Packages, their claims on names, and where they stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from entrepot.adapters.catalog.records import (
    AdmissionState,
    JsonValue,
    PackageFilter,
    Placement,
    Placing,
    Pooled,
    StoredPackage,
)
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.choices import ready_packages
from entrepot.adapters.catalog.sql.conditions import conditions_of
from entrepot.adapters.catalog.sql.contents import insert_composition
from entrepot.adapters.catalog.sql.mirrors import mirrored_digests
from entrepot.adapters.catalog.sql.rows import package_of, suite_columns, suite_of
from entrepot.adapters.catalog.sql.shelving import Shelving
from entrepot.adapters.catalog.sql.states import in_a_snapshot
from entrepot.domain.dependencies.capabilities import capabilities
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import PackageFacts, PackageKey
from entrepot.domain.model.suite import ArchiveId, PackageId, SuiteId, listing_key
from entrepot.errors import NotFound

_LIVE = t.content.c.removed_revision.is_(None)
_BATCH = 2000
# Asked of every package that comes in: a statement that is composed once costs a quarter.
_WITH_DIGEST = sa.select(t.package).where(t.package.c.digest == sa.bindparam("its_digest"))
_CLAIMED = (
    sa.select(t.package)
    .join(t.claim, t.claim.c.package_id == t.package.c.id)
    .where(
        t.claim.c.archive_id == sa.bindparam("its_archive"),
        t.claim.c.name == sa.bindparam("its_name"),
        t.claim.c.version == sa.bindparam("its_version"),
        t.claim.c.architecture == sa.bindparam("its_architecture"),
    )
)
_POOL_OWNER = sa.select(t.pool.c.package_id).where(
    t.pool.c.archive_id == sa.bindparam("its_archive"), t.pool.c.path == sa.bindparam("its_path")
)
_ADD_PACKAGE = sa.insert(t.package).returning(t.package.c.id)
_ADD_FRAGMENTS, _ADD_CAPABILITIES = sa.insert(t.fragment), sa.insert(t.capability)
_ADD_CLAIM, _ADD_POOL_PATH, _ADD_CONTENT = sa.insert(t.claim), sa.insert(t.pool), sa.insert(t.content)


class PackageQueries(Shelving):
    """Implements most of ``PackageReading`` and its half of ``Writing``."""

    def package(self, package_id: PackageId) -> StoredPackage:
        """One by id."""
        row = self._connection.execute(sa.select(t.package).where(t.package.c.id == package_id)).first()
        if row is None:
            raise NotFound("no such package")
        return package_of(row)

    def packages(self, package_ids: Collection[PackageId]) -> list[StoredPackage]:
        """Some by id."""
        query = sa.select(t.package).where(t.package.c.id.in_(list(package_ids)))
        return [package_of(row) for row in self._connection.execute(query)] if package_ids else []

    def package_with_digest(self, digest: Digest) -> StoredPackage | None:
        """One by content."""
        row = self._connection.execute(_WITH_DIGEST, {"its_digest": digest}).first()
        return None if row is None else package_of(row)

    def claimed(self, archive_id: ArchiveId, key: PackageKey) -> StoredPackage | None:
        """Who has the key."""
        wanted = {
            "its_archive": archive_id,
            "its_name": key.name,
            "its_version": key.version,
            "its_architecture": key.architecture,
        }
        row = self._connection.execute(_CLAIMED, wanted).first()
        return None if row is None else package_of(row)

    def placements(self, conditions: PackageFilter) -> list[Placement]:
        """All that meet the conditions."""
        query = self._placements(conditions).order_by(t.package.c.name, t.content.c.id)
        return self._placed(query)

    def _placements(self, conditions: PackageFilter) -> sa.Select[Any]:
        placed = (
            t.content.c.component,
            t.content.c.pool_path,
            t.content.c.added_at,
            t.content.c.added_by,
            t.content.c.added_revision,
        )
        return (
            sa.select(t.package, *placed, *suite_columns)
            .select_from(t.content)
            .join(t.package, t.package.c.id == t.content.c.package_id)
            .join(t.suite, t.suite.c.id == t.content.c.suite_id)
            .join(t.archive, t.archive.c.id == t.suite.c.archive_id)
            .where(_LIVE, *conditions_of(conditions, t.suite.c.codename))
        )

    def _placed(self, query: sa.Select[Any]) -> list[Placement]:
        found = []
        for row in self._connection.execute(query):
            suite = suite_of(row)
            found.append(
                Placement(
                    package=package_of(row),
                    suite=suite,
                    component=row.component,
                    pool_path=row.pool_path,
                    added_at=row.added_at,
                    added_by=row.added_by,
                    published=row.added_revision <= suite.published_revision,
                )
            )
        return found

    def pooled(self, archive_id: ArchiveId, path: str) -> Pooled | None:
        """The package at a path, if a suite's current or a kept generation names it."""
        seen = (
            sa.exists()
            .where(
                t.content.c.package_id == t.pool.c.package_id,
                t.content.c.suite_id == t.suite.c.id,
                t.suite.c.archive_id == archive_id,
                t.suite.c.former_codename.is_(None),
                t.content.c.added_revision <= t.suite.c.published_revision,
                sa.or_(_LIVE, t.content.c.removed_revision > t.suite.c.oldest_kept_revision, in_a_snapshot()),
            )
            .correlate(t.pool)
        )
        apart = sa.exists().where(t.quarantine.c.package_id == t.pool.c.package_id).correlate(t.pool)
        query = (
            sa.select(t.package.c.digest, t.package.c.size_bytes, t.package.c.received_at)
            .join(t.pool, t.pool.c.package_id == t.package.c.id)
            .where(t.pool.c.archive_id == archive_id, t.pool.c.path == path, seen, sa.not_(apart))
        )
        row = self._connection.execute(query).first()
        return None if row is None else Pooled(Digest(row.digest), row.size_bytes, row.received_at)

    def pool_owner(self, archive_id: ArchiveId, path: str) -> PackageId | None:
        """Whose path it is, downloadable or not."""
        wanted = {"its_archive": archive_id, "its_path": path}
        found = self._connection.execute(_POOL_OWNER, wanted).scalar_one_or_none()
        return None if found is None else PackageId(found)

    def needed_digests(self) -> Iterator[tuple[Digest, int]]:
        """By id."""
        shown = (
            sa.select(t.content.c.package_id)
            .join(t.suite, t.suite.c.id == t.content.c.suite_id)
            .where(sa.or_(_LIVE, t.content.c.removed_revision > t.suite.c.oldest_kept_revision, in_a_snapshot()))
        )
        open_states = (AdmissionState.HELD.value, AdmissionState.RECEIVED.value)
        waiting = sa.select(t.admission.c.package_id).where(t.admission.c.state.in_(open_states))
        blocked, apart = sa.select(t.held.c.package_id), sa.select(t.quarantine.c.package_id)
        query = (
            sa.select(t.package.c.digest, t.package.c.size_bytes)
            .where(t.package.c.id.in_(sa.union(shown, waiting, blocked, apart, ready_packages())))
            .order_by(t.package.c.id)
        )
        for row in self._connection.execute(query.execution_options(yield_per=_BATCH)):
            yield Digest(row.digest), row.size_bytes
        for row in self._connection.execute(mirrored_digests().execution_options(yield_per=_BATCH)):
            yield Digest(row.digest), row.size_bytes
        for table in (t.incoming_file, t.evidence):
            for row in self._connection.execute(sa.select(table.c.digest, table.c.size_bytes)):
                yield Digest(row.digest), row.size_bytes
        for row in self._connection.execute(sa.select(t.incoming_file.c.digest, t.incoming_file.c.size_bytes)):
            yield Digest(row.digest), row.size_bytes
        pending = sa.select(t.feed.c.pending, t.feed.c.pending_bytes).where(t.feed.c.pending != "")
        for row in self._connection.execute(pending):
            yield Digest(row.pending), row.pending_bytes

    def add_package(
        self,
        facts: PackageFacts,
        digest: Digest,
        sha512: str,
        size_bytes: int,
        filename: str,
        actor: Actor,
        now: datetime,
    ) -> PackageId:
        """A new package with its fragments and what it offers."""
        row = {
            "digest": digest,
            "sha512": sha512,
            "size_bytes": size_bytes,
            "format": facts.key.format.value,
            "name": facts.key.name,
            "version": facts.key.version,
            "architecture": facts.key.architecture,
            "filename": filename,
            "source": facts.source,
            "section": facts.section,
            "summary": facts.summary,
            "facts": facts_to_json(facts),
            "received_at": now,
            "received_by": actor.name,
        }
        package_id = PackageId(self._connection.execute(_ADD_PACKAGE, row).scalar_one())
        bodies = dict(facts.fragments)
        bodies["paths"] = b"\n".join(facts.paths)
        self._connection.execute(
            _ADD_FRAGMENTS,
            [{"package_id": package_id, "kind": kind, "body": body} for kind, body in bodies.items()],
        )
        offers = capabilities(facts.key.format, facts.key.name, facts.relations, facts.fragments)
        if offers:
            rows = [{"name": name, "package_id": package_id} for name in offers]
            self._connection.execute(_ADD_CAPABILITIES, rows)
        if facts.composition is not None:
            insert_composition(self._connection, package_id, facts.composition, now)
        return package_id

    def claim(self, archive_id: ArchiveId, key: PackageKey, package_id: PackageId) -> None:
        """Take a key for ever."""
        row = {
            "archive_id": archive_id,
            "name": key.name,
            "version": key.version,
            "architecture": key.architecture,
            "package_id": package_id,
        }
        self._connection.execute(_ADD_CLAIM, row)

    def take_pool_path(self, archive_id: ArchiveId, path: str, package_id: PackageId) -> None:
        """Take a path for ever."""
        row = {"archive_id": archive_id, "path": path, "package_id": package_id}
        self._connection.execute(_ADD_POOL_PATH, row)

    def place(
        self,
        suite_id: SuiteId,
        placing: Placing,
        revision: int,
        actor: Actor,
        now: datetime,
    ) -> None:
        """Put a package into a suite."""
        key = placing.key
        row = {
            "suite_id": suite_id,
            "package_id": placing.package_id,
            "component": placing.component,
            "architecture": placing.tree,
            "sort_key": listing_key(key.name, key.version, key.architecture),
            "pool_path": placing.pool_path,
            "added_revision": revision,
            "removed_revision": None,
            "added_at": now,
            "added_by": actor.name,
        }
        self._connection.execute(_ADD_CONTENT, row)
        self._shelve(suite_id, placing.package_id, now, waits=False)

    def withdraw(self, suite_id: SuiteId, package_id: PackageId, revision: int) -> bool:
        """Take a package out of a suite; the row stays as history."""
        query = (
            sa.update(t.content)
            .where(t.content.c.suite_id == suite_id, t.content.c.package_id == package_id, _LIVE)
            .values(removed_revision=revision)
        )
        self._unshelve(suite_id, package_id, waits=False)
        return self._connection.execute(query).rowcount == 1


def facts_to_json(facts: PackageFacts) -> dict[str, JsonValue]:
    """What has no column of its own."""
    return {
        "maintainer": facts.maintainer,
        "description": facts.description,
        "license": facts.license,
        "homepage": facts.homepage,
        "installed_size_bytes": facts.installed_size_bytes,
        "relations": {name: list(entries) for name, entries in facts.relations.items()},
        "scripts": list(facts.scripts),
        "conffiles": list(facts.conffiles),
        "signed": facts.signed,
        "concerns": [{"code": concern.code, "detail": concern.detail} for concern in facts.concerns],
    }
