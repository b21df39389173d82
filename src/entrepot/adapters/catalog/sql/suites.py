"""Archives and suites."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import archive_of, options_to_json, suite_columns, suite_of
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Archive, ArchiveId, Suite, SuiteId, SuiteOptions
from entrepot.errors import AlreadyExists, NotFound

_THERE = t.suite.c.former_codename.is_(None)
_SUITES = sa.select(*suite_columns).join(t.archive, t.archive.c.id == t.suite.c.archive_id)
_SUITE = _SUITES.where(t.suite.c.id == sa.bindparam("its_suite"))
_NAMED = _SUITES.where(
    t.archive.c.name == sa.bindparam("its_archive"), t.suite.c.codename == sa.bindparam("its_codename"), _THERE
).order_by(t.archive.c.format)
_NEXT = (
    sa.update(t.suite)
    .where(t.suite.c.id == sa.bindparam("its_suite"), _THERE)
    .values(revision=t.suite.c.revision + 1)
    .returning(t.suite.c.revision)
)
_TO_REFRESH = (
    sa.select(t.suite.c.id)
    .join(t.generation, t.generation.c.id == t.suite.c.generation_id)
    .where(t.generation.c.refresh_at <= sa.bindparam("now"), t.suite.c.settling == 0)
)


class SuiteQueries:
    """Implements ``SuiteReading`` and its half of ``Writing``."""

    _connection: sa.Connection

    def archives(self) -> list[Archive]:
        """By format and name."""
        query = sa.select(t.archive).order_by(t.archive.c.format, t.archive.c.name)
        return [archive_of(row) for row in self._connection.execute(query)]

    def archive(self, format_: Format, name: str) -> Archive | None:
        """One by format and name."""
        query = sa.select(t.archive).where(t.archive.c.format == format_.value, t.archive.c.name == name)
        row = self._connection.execute(query).first()
        return None if row is None else archive_of(row)

    def suites(self, archive_id: ArchiveId | None = None, *, removed: bool = False) -> list[Suite]:
        """All, or those of one archive."""
        query = _SUITES.order_by(t.archive.c.format, t.archive.c.name, t.suite.c.codename)
        if not removed:
            query = query.where(_THERE)
        if archive_id is not None:
            query = query.where(t.suite.c.archive_id == archive_id)
        return [suite_of(row) for row in self._connection.execute(query)]

    def suite(self, suite_id: SuiteId) -> Suite:
        """One by id."""
        row = self._connection.execute(_SUITE, {"its_suite": suite_id}).first()
        if row is None:
            raise NotFound("no such suite")
        return suite_of(row)

    def suite_named(self, archive_id: ArchiveId, codename: str) -> Suite | None:
        """One by archive and codename."""
        query = _SUITES.where(t.suite.c.archive_id == archive_id, t.suite.c.codename == codename, _THERE)
        row = self._connection.execute(query).first()
        return None if row is None else suite_of(row)

    def suites_named(self, archive: str, codename: str) -> list[Suite]:
        """By the names of archive and suite."""
        wanted = {"its_archive": archive, "its_codename": codename}
        return [suite_of(row) for row in self._connection.execute(_NAMED, wanted)]

    def unpublished_suites(self) -> list[SuiteId]:
        """Whose goal is not met."""
        query = sa.select(t.suite.c.id).where(
            t.suite.c.settling == 0,
            _THERE,
            sa.or_(
                t.suite.c.revision > t.suite.c.published_revision,
                sa.and_(t.suite.c.generation_id.is_(None), sa.not_(t.suite.c.verbatim)),
            ),
        )
        return [SuiteId(row.id) for row in self._connection.execute(query)]

    def late_suites(self) -> list[SuiteId]:
        """Whose later documents are behind."""
        query = sa.select(t.suite.c.id).where(t.suite.c.late_revision < t.suite.c.published_revision)
        return [SuiteId(row.id) for row in self._connection.execute(query)]

    def suites_to_refresh(self, now: datetime) -> list[SuiteId]:
        """Whose signature must be renewed."""
        return [SuiteId(row.id) for row in self._connection.execute(_TO_REFRESH, {"now": now})]

    def add_archive(self, format_: Format, name: str) -> Archive:
        """A new archive."""
        query = sa.insert(t.archive).values(format=format_.value, name=name).returning(t.archive.c.id)
        try:
            return Archive(ArchiveId(self._connection.execute(query).scalar_one()), format_, name)
        except IntegrityError as error:
            raise AlreadyExists(f"archive {name} exists already") from error

    def add_suite(
        self, archive: Archive, codename: str, options: SuiteOptions, now: datetime, *, verbatim: bool = False
    ) -> Suite:
        """A new, empty suite; its first goal is an empty generation, unless it waits for an upstream's."""
        query = (
            sa.insert(t.suite)
            .values(
                archive_id=archive.id,
                codename=codename,
                options=options_to_json(options),
                revision=0 if verbatim else 1,
                published_revision=0,
                late_revision=0,
                oldest_kept_revision=0,
                generation_id=None,
                created_at=now,
                verbatim=verbatim,
            )
            .returning(t.suite.c.id)
        )
        try:
            return self.suite(SuiteId(self._connection.execute(query).scalar_one()))
        except IntegrityError as error:
            raise AlreadyExists(f"distribution {codename} exists already") from error

    def change_suite(self, suite_id: SuiteId, options: SuiteOptions) -> int:
        """New options under a new revision."""
        return self._next_revision(suite_id, options=options_to_json(options))

    def touch_suite(self, suite_id: SuiteId) -> int:
        """The next revision; the row stays locked until the unit ends."""
        return self._next_revision(suite_id)

    def _next_revision(self, suite_id: SuiteId, **values: object) -> int:
        query = _NEXT.values(**values) if values else _NEXT
        revision = self._connection.execute(query, {"its_suite": suite_id}).scalar_one_or_none()
        if revision is None:
            raise NotFound("no such suite")
        return int(revision)
