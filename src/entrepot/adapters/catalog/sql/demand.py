"""Files of mirrors that are listed and not stored: which there are, who fetches one, and that it came."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.mirrors import Brought
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.mirrors import brought_of
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import SuiteId
from entrepot.errors import NotFound

_file = t.mirror_file.c


class DemandQueries:
    """Implements the part of ``MirrorReading`` and ``MirrorWriting`` about files that are not stored."""

    _connection: sa.Connection

    def listed_file(self, number: int) -> Brought:
        """By id."""
        row = self._connection.execute(sa.select(t.mirror_file).where(_file.id == number)).first()
        if row is None:
            raise NotFound("the mirror lists this file no longer")
        return brought_of(row)

    def absent(self, suite_id: SuiteId) -> tuple[int, int]:
        """Over their own index."""
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_file.size_bytes), 0)).where(
            _file.suite_id == suite_id,
            _file.digest == sa.literal_column("''"),
            _file.added_revision.is_not(None),
            _file.removed_revision.is_(None),
        )
        row = self._connection.execute(query).one()
        return int(row[0]), int(row[1])

    def successors(self, suite_id: SuiteId) -> list[Brought]:
        """Those that came into the list after one of their package that is stored."""
        stored = (
            sa.select(_file.package, sa.func.min(_file.added_revision).label("since"))
            .where(_file.suite_id == suite_id, _file.digest != "", _file.package != "")
            .group_by(_file.package)
            .subquery()
        )
        query = (
            sa.select(t.mirror_file)
            .join(stored, stored.c.package == _file.package)
            .where(
                _file.suite_id == suite_id,
                _file.digest == sa.literal_column("''"),
                _file.removed_revision.is_(None),
                _file.added_revision > stored.c.since,
            )
            .order_by(_file.id)
        )
        return [brought_of(row) for row in self._connection.execute(query)]

    def claim_listed(self, number: int, now: datetime, until: datetime) -> bool:
        """One row, or none."""
        free = sa.or_(_file.claimed_until.is_(None), _file.claimed_until < now)
        change = sa.update(t.mirror_file).where(_file.id == number, _file.digest == "", free)
        query = change.values(claimed_until=until).returning(_file.id)
        return self._connection.execute(query).first() is not None

    def release_listed(self, number: int) -> None:
        """By id."""
        self._connection.execute(sa.update(t.mirror_file).where(_file.id == number).values(claimed_until=None))

    def store_listed(self, number: int, digest: Digest) -> None:
        """By path and listed digest."""
        one = self._connection.execute(
            sa.select(_file.path, _file.listed, t.suite.c.archive_id)
            .join(t.suite, t.suite.c.id == _file.suite_id)
            .where(_file.id == number)
        ).first()
        if one is None:
            return
        suites = sa.select(t.suite.c.id).where(t.suite.c.archive_id == one.archive_id)
        change = sa.update(t.mirror_file).where(
            _file.path == one.path, _file.listed == one.listed, _file.suite_id.in_(suites)
        )
        self._connection.execute(change.values(digest=digest, claimed_until=None))
