"""What a suite held at some revision: rows of ``content`` say when each package came and went."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from entrepot.adapters.catalog.offers import Offer
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import package_of
from entrepot.domain.dependencies.capabilities import capability_key
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.snapshot import Content, PackageFile
from entrepot.domain.model.suite import ArchiveId, PackageId, SuiteId

T = TypeVar("T")
_BATCH = 2000
_CHUNK = 400


def held_at(revision: Any) -> sa.ColumnElement[bool]:
    """Whether a row of ``content`` was in its suite at a revision, or is in the state apart that has this number."""
    row = t.content.c
    if isinstance(revision, int) and revision < 0:
        # Twice, so that the database sees that its index of such rows will do.
        return sa.and_(row.added_revision == revision, row.added_revision < sa.literal_column("0"))
    return sa.and_(row.added_revision <= revision, _not_before(row.removed_revision, revision))


def _held_in_passing(row: Any, revision: int) -> sa.ColumnElement[bool]:
    """The same for one package; as sums, since SQLite takes an index on revisions for better than that on packages."""
    added, removed = row.added_revision + 0, row.removed_revision + 0
    return added == revision if revision < 0 else sa.and_(added <= revision, _not_before(removed, revision))


def _not_before(removed: sa.ColumnElement[Any], revision: Any) -> sa.ColumnElement[bool]:
    return sa.or_(removed.is_(None), removed > revision)


def in_a_snapshot() -> sa.ColumnElement[bool]:
    """Whether a row of ``content`` is in some snapshot."""
    return (
        sa.exists()
        .where(t.snapshot.c.suite_id == t.content.c.suite_id, held_at(t.snapshot.c.revision))
        .correlate(t.content)
    )


class StateQueries:
    """Implements ``StateReading``."""

    _connection: sa.Connection

    def contents_at(
        self, suite_id: SuiteId, revision: int, offset: int = 0, limit: int | None = None
    ) -> Iterator[Content]:
        """Streamed; components bytewise, whatever the database thinks of words."""
        query = _contents(suite_id).where(held_at(revision)).order_by(self._bytewise(), t.content.c.sort_key)
        query = query.offset(offset).limit(limit)
        for row in self._connection.execute(query.execution_options(yield_per=_BATCH)):
            yield _content_of(row)

    def _bytewise(self) -> sa.ColumnElement[str]:
        component: sa.ColumnElement[str] = t.content.c.component
        return sa.collate(component, "C") if self._connection.dialect.name == "postgresql" else component

    def marks_at(self, suite_id: SuiteId, revision: int) -> Iterator[tuple[str, bytes, str, int]]:
        """Streamed as they come from the database: making packages of them takes three times as long."""
        query = (
            sa.select(t.content.c.component, t.content.c.sort_key, t.package.c.digest, t.package.c.size_bytes)
            .join(t.package, t.package.c.id == t.content.c.package_id)
            .where(t.content.c.suite_id == suite_id, held_at(revision))
            .order_by(self._bytewise(), t.content.c.sort_key)
            .execution_options(yield_per=_BATCH)
        )
        for rows in self._connection.execute(query).partitions():
            for component, key, digest, size_bytes in rows:  # noqa: UP028 - tuples, not rows
                yield component, key, digest, size_bytes

    def contents_by_key(self, suite_id: SuiteId, revision: int) -> Iterator[Content]:
        """Streamed."""
        query = _contents(suite_id).where(held_at(revision)).order_by(t.content.c.sort_key)
        for row in self._connection.execute(query.execution_options(yield_per=_BATCH)):
            yield _content_of(row)

    def moved_between(self, suite_id: SuiteId, older: int, newer: int) -> tuple[list[Content], list[Content]]:
        """By the rows that came or went in between; a package that left and came back is in neither list."""
        revision = t.content.c
        came = _contents(suite_id).where(
            revision.added_revision > older, revision.added_revision <= newer, held_at(newer)
        )
        went = _contents(suite_id).where(
            revision.removed_revision > older, revision.removed_revision <= newer, held_at(older)
        )
        added = {_place(one): one for one in map(_content_of, self._connection.execute(came))}
        gone = {_place(one): one for one in map(_content_of, self._connection.execute(went))}
        stayed = added.keys() & gone.keys()
        return (
            sorted((one for place, one in gone.items() if place not in stayed), key=lambda one: one.key),
            sorted((one for place, one in added.items() if place not in stayed), key=lambda one: one.key),
        )

    def alone(self, here: tuple[SuiteId, int], there: tuple[SuiteId, int]) -> list[Content]:
        """A package is a content, so that looking for its number is enough."""
        other = t.content.alias("other")
        same = sa.exists().where(
            other.c.package_id == t.content.c.package_id,
            other.c.suite_id == there[0],
            other.c.component == t.content.c.component,
            _held_in_passing(other.c, there[1]),
        )
        query = _contents(here[0]).where(held_at(here[1]), ~same.correlate(t.content))
        return sorted(map(_content_of, self._connection.execute(query)), key=lambda one: (one.component, one.key))

    def versions_at(
        self, suite_id: SuiteId, revision: int, names: Collection[str]
    ) -> Mapping[tuple[str, str, str], list[Content]]:
        """By name."""
        found: dict[tuple[str, str, str], list[Content]] = {}
        for chunk in _chunks(sorted(names)):
            query = _contents(suite_id).where(held_at(revision), t.package.c.name.in_(chunk))
            for one in map(_content_of, self._connection.execute(query)):
                found.setdefault((one.name, one.architecture, one.component), []).append(one)
        return found

    def needs_at(self, suite_id: SuiteId, revision: int, kinds: Sequence[str]) -> Iterator[tuple[PackageId, str]]:
        """Cut out by the database: reading all that is known of a package takes ten times as long."""
        relations = t.package.c.facts["relations"]
        wanted: list[sa.ColumnElement[str]] = [sa.cast(relations[kind], sa.Text) for kind in kinds]
        if self._connection.dialect.name == "sqlite":
            wanted = [sa.func.json_extract(t.package.c.facts, f'$.relations."{kind}"', type_=sa.Text) for kind in kinds]
        query = (
            sa.select(t.package.c.id, *wanted)
            .join(t.content, t.content.c.package_id == t.package.c.id)
            .where(t.content.c.suite_id == suite_id, held_at(revision))
        )
        for number, *texts in self._connection.execute(query.execution_options(yield_per=_BATCH)):
            if any(texts):
                yield PackageId(number), "\n".join(filter(None, texts))

    def files_at(self, suite_id: SuiteId, revision: int) -> Iterator[PackageFile]:
        """Streamed."""
        content, package = t.content.c, t.package.c
        apart = sa.exists().where(t.quarantine.c.package_id == content.package_id).correlate(t.content)
        query = (
            sa.select(content.pool_path, content.architecture, package.digest, package.size_bytes, apart.label("apart"))
            .join(t.package, package.id == content.package_id)
            .where(content.suite_id == suite_id, held_at(revision))
            .order_by(content.pool_path, content.architecture)
        )
        for row in self._connection.execute(query.execution_options(yield_per=_BATCH)):
            yield PackageFile(row.pool_path, row.architecture, Digest(row.digest), row.size_bytes, bool(row.apart))

    def quarantined_paths(self, archive_id: ArchiveId) -> set[str]:
        """Of packages, and of files of mirrors with the same bytes; few."""
        apart, file = t.quarantine.c.package_id, t.mirror_file.c
        pooled = sa.select(t.pool.c.path).join(t.quarantine, apart == t.pool.c.package_id)
        brought = (
            sa.select(file.path)
            .join(t.package, t.package.c.digest == file.digest)
            .join(t.quarantine, apart == t.package.c.id)
            .join(t.suite, t.suite.c.id == file.suite_id)
        )
        queries = (pooled.where(t.pool.c.archive_id == archive_id), brought.where(t.suite.c.archive_id == archive_id))
        return {str(path) for query in queries for path in self._connection.execute(query).scalars()}

    def offered_names(self, package_ids: Collection[PackageId]) -> set[str]:
        """By the index of capabilities."""
        found: set[str] = set()
        for chunk in _chunks(sorted(package_ids)):
            query = sa.select(t.capability.c.name).where(t.capability.c.package_id.in_(chunk))
            found.update(row.name for row in self._connection.execute(query))
        return found

    def offers_at(self, suite_id: SuiteId, revision: int, names: Collection[str]) -> list[Offer]:
        """Looked up by name and by capability."""
        found: list[Offer] = []
        control = sa.and_(t.fragment.c.package_id == t.package.c.id, t.fragment.c.kind == "control")
        here = sa.exists().where(
            t.content.c.package_id == t.package.c.id,
            t.content.c.suite_id == suite_id,
            _held_in_passing(t.content.c, revision),
        )
        for chunk in _chunks(sorted(names)):
            keys = {capability_key(name): name for name in chunk}
            called = sa.select(t.package, t.fragment.c.body).outerjoin(t.fragment, control)
            found += (
                Offer(row.name, package_of(row), bytes(row.body or b""))
                for row in self._connection.execute(called.where(t.package.c.name.in_(chunk), here))
            )
            provided = called.add_columns(t.capability.c.name.label("offered")).join(
                t.capability, t.capability.c.package_id == t.package.c.id
            )
            found += (
                Offer(keys[row.offered], package_of(row), bytes(row.body or b""))
                for row in self._connection.execute(provided.where(t.capability.c.name.in_(list(keys)), here))
            )
        return found


def _contents(suite_id: SuiteId) -> sa.Select[Any]:
    return (
        sa.select(
            t.content.c.id,
            t.content.c.package_id,
            t.content.c.sort_key,
            t.content.c.component,
            t.package.c.name,
            t.package.c.version,
            t.package.c.architecture,
            t.package.c.digest,
            t.package.c.size_bytes,
        )
        .join(t.package, t.package.c.id == t.content.c.package_id)
        .where(t.content.c.suite_id == suite_id)
    )


def _content_of(row: sa.Row[Any]) -> Content:
    return Content(
        package_id=PackageId(row.package_id),
        key=row.sort_key,
        name=row.name,
        version=row.version,
        architecture=row.architecture,
        component=row.component,
        digest=row.digest,
        size_bytes=row.size_bytes,
        number=row.id,
    )


def _place(one: Content) -> tuple[str, int]:
    return one.component, one.package_id


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
