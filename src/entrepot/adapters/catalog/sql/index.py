"""What the index builder asks, and the pointer it moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.records import Pointer
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.errata import ErrataQueries
from entrepot.adapters.catalog.sql.rows import generation_of
from entrepot.adapters.catalog.sql.states import held_at
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.suite import ArchiveId, Change, GenerationId, Listing, Suite, SuiteId
from entrepot.errors import LostRace, NotFound

_LIVE = t.content.c.removed_revision.is_(None)
_BATCH = 1000
_OF_SUITE = t.content.c.suite_id == sa.bindparam("its_suite")
_LISTED = (
    _OF_SUITE,
    t.content.c.component == sa.bindparam("its_component"),
    t.content.c.architecture.in_(sa.bindparam("its_architectures", expanding=True)),
)
_COUNT = sa.select(sa.func.count()).where(*_LISTED)
_LISTING_COUNT = _COUNT.where(_LIVE)
_PACKAGE_COUNT = sa.select(sa.func.count()).where(_OF_SUITE, _LIVE)
_ROWS = (
    sa.select(
        t.content.c.package_id,
        t.content.c.sort_key,
        t.content.c.architecture,
        t.package.c.digest,
        t.package.c.sha512,
        t.package.c.size_bytes,
        t.content.c.pool_path,
        t.package.c.section,
        t.package.c.received_at,
        t.fragment.c.body,
    )
    .join(t.package, t.package.c.id == t.content.c.package_id)
    .join(
        t.fragment,
        sa.and_(t.fragment.c.package_id == t.content.c.package_id, t.fragment.c.kind == sa.bindparam("its_kind")),
    )
    .where(*_LISTED, t.content.c.sort_key >= sa.bindparam("its_first"))
    .order_by(t.content.c.sort_key)
    .execution_options(yield_per=_BATCH)
)
_LISTINGS = _ROWS.where(_LIVE)
_BEFORE = t.content.c.sort_key < sa.bindparam("its_before")
_LISTINGS_BEFORE = _LISTINGS.where(_BEFORE)
_CHANGED = (t.content.c.component, t.content.c.architecture, t.content.c.sort_key)
_SINCE: sa.BindParameter[int] = sa.bindparam("since_revision")
_CHANGES = sa.union(
    sa.select(*_CHANGED).where(_OF_SUITE, t.content.c.added_revision > _SINCE),
    sa.select(*_CHANGED).where(_OF_SUITE, t.content.c.removed_revision > _SINCE),
    sa.select(*_CHANGED)
    .join(t.rollout_package, t.rollout_package.c.package_id == t.content.c.package_id)
    .join(t.rollout, t.rollout.c.id == t.rollout_package.c.rollout_id)
    .where(t.rollout.c.suite_id == sa.bindparam("its_suite"), t.rollout.c.revision > _SINCE, _OF_SUITE, _LIVE),
)
_GENERATION = sa.select(t.generation).where(t.generation.c.id == sa.bindparam("its_generation"))
_ADD = sa.insert(t.generation).returning(t.generation.c.id)
_SEEN_BEFORE = sa.delete(t.generation_file).where(
    t.generation_file.c.suite_id == sa.bindparam("its_suite"),
    t.generation_file.c.digest.in_(sa.bindparam("its_digests", expanding=True)),
)
_SEEN = sa.insert(t.generation_file)


class IndexQueries(ErrataQueries):
    """Implements ``IndexReading`` and its half of ``Writing``."""

    def listings(
        self,
        suite_id: SuiteId,
        component: str,
        architectures: Sequence[str],
        kind: str,
        first: bytes = b"",
        before: bytes | None = None,
        revision: int | None = None,
    ) -> Iterator[Listing]:
        """Live packages, or those of a revision, in key order with one fragment, streamed."""
        wanted = {**_listed(suite_id, component, architectures), "its_kind": kind, "its_first": first}
        query = _LISTINGS if revision is None else _ROWS.where(held_at(revision))
        if before is not None:
            query = _LISTINGS_BEFORE if revision is None else query.where(_BEFORE)
            wanted["its_before"] = before
        phases, rows = self.phases(suite_id), self._connection.execute(query, wanted)
        for number, key, architecture, digest, sha512, size, path, section, at, body in rows:
            phase = phases.get(number)
            yield Listing(number, key, architecture, digest, sha512, size, path, section, at, {kind: body}, phase)

    def listing_count(
        self, suite_id: SuiteId, component: str, architectures: Sequence[str], revision: int | None = None
    ) -> int:
        """How many of them."""
        query = _LISTING_COUNT if revision is None else _COUNT.where(held_at(revision))
        return int(self._connection.execute(query, _listed(suite_id, component, architectures)).scalar_one())

    def fragment_bytes(
        self,
        suite_id: SuiteId,
        component: str,
        architectures: Sequence[str],
        kind: str,
        revision: int | None = None,
    ) -> int:
        """By the length of each."""
        query = (
            sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(t.fragment.c.body)), 0))
            .join(t.content, t.content.c.package_id == t.fragment.c.package_id)
            .where(
                t.content.c.suite_id == suite_id,
                t.content.c.component == component,
                _LIVE if revision is None else held_at(revision),
                t.content.c.architecture.in_(list(architectures)),
                t.fragment.c.kind == kind,
            )
        )
        return int(self._connection.execute(query).scalar_one())

    def package_count(self, suite_id: SuiteId) -> int:
        """Live packages."""
        return int(self._connection.execute(_PACKAGE_COUNT, {"its_suite": suite_id}).scalar_one())

    def changes(self, suite_id: SuiteId, since_revision: int) -> list[Change]:
        """Rows added or removed after a revision; what came and went in between is listed and does no harm."""
        wanted = {"its_suite": suite_id, "since_revision": since_revision}
        return [Change(*row) for row in self._connection.execute(_CHANGES, wanted)]

    def pointer(self, archive_id: ArchiveId, codename: str) -> Pointer | None:
        """The generation in force."""
        query = (
            sa.select(t.suite.c.id, t.generation.c.manifest)
            .join(t.generation, t.generation.c.id == t.suite.c.generation_id)
            .where(t.suite.c.archive_id == archive_id, t.suite.c.codename == codename)
            .where(t.suite.c.former_codename.is_(None))
        )
        row = self._connection.execute(query).first()
        return None if row is None else Pointer(SuiteId(row[0]), Digest(row[1]))

    def generation(self, generation_id: GenerationId) -> Generation:
        """One by id."""
        row = self._connection.execute(_GENERATION, {"its_generation": generation_id}).first()
        if row is None:
            raise NotFound("no such generation")
        return generation_of(row)

    def generations(self, suite_id: SuiteId) -> list[Generation]:
        """Kept ones, newest first."""
        query = (
            sa.select(t.generation)
            .where(t.generation.c.suite_id == suite_id, t.generation.c.number > 0)
            .order_by(t.generation.c.number.desc())
        )
        return [generation_of(row) for row in self._connection.execute(query)]

    def generation_with_file(self, suite_id: SuiteId, digest: str) -> Generation | None:
        """By the digest of one of its files."""
        query = (
            sa.select(t.generation)
            .join(t.generation_file, t.generation_file.c.generation_id == t.generation.c.id)
            .where(t.generation_file.c.suite_id == suite_id, t.generation_file.c.digest == digest)
        )
        row = self._connection.execute(query).first()
        return None if row is None else generation_of(row)

    def switch(
        self,
        suite: Suite,
        revision: int,
        manifest: Digest,
        package_count: int,
        files: Sequence[str],
        refresh_at: datetime | None,
        now: datetime,
        late_revision: int | None = None,
    ) -> Generation:
        """Insert the generation and move the pointer, if nobody else did."""
        same: sa.ColumnElement[bool] = sa.and_(t.suite.c.generation_id.is_(None), t.suite.c.former_codename.is_(None))
        number = 1
        if suite.generation_id is not None:
            same = t.suite.c.generation_id == suite.generation_id
            number = self.generation(suite.generation_id).number + 1
        generation_id = self._insert_generation(suite.id, number, revision, manifest, package_count, refresh_at, now)
        moved = self._connection.execute(
            sa.update(t.suite)
            .where(t.suite.c.id == suite.id, same)
            .values(
                generation_id=generation_id,
                published_revision=revision,
                **({} if late_revision is None else {"late_revision": late_revision}),
            )
        )
        if moved.rowcount != 1:
            raise LostRace("another publication of this suite came first")
        if suite.generation_id is not None:
            self._connection.execute(
                sa.update(t.generation).where(t.generation.c.id == suite.generation_id).values(superseded_at=now)
            )
        self._record_files(suite.id, generation_id, files)
        return self.generation(generation_id)

    def _insert_generation(
        self,
        suite_id: SuiteId,
        number: int,
        revision: int,
        manifest: Digest,
        package_count: int,
        refresh_at: datetime | None,
        now: datetime,
    ) -> GenerationId:
        values = {
            "suite_id": suite_id,
            "number": number,
            "revision": revision,
            "manifest": manifest,
            "package_count": package_count,
            "published_at": now,
            "superseded_at": None,
            "refresh_at": refresh_at,
        }
        try:
            return GenerationId(self._connection.execute(_ADD, values).scalar_one())
        except IntegrityError as error:
            raise LostRace("another publication of this suite came first") from error

    def _record_files(self, suite_id: SuiteId, generation_id: GenerationId, files: Sequence[str]) -> None:
        """Note in which generation each file was last seen, newest wins, so that by-hash names find it."""
        if not files:
            return
        self._connection.execute(_SEEN_BEFORE, {"its_suite": suite_id, "its_digests": list(files)})
        self._connection.execute(
            _SEEN,
            [{"suite_id": suite_id, "digest": digest, "generation_id": generation_id} for digest in set(files)],
        )

    def forget_generation(self, generation: Generation) -> None:
        """Drop a superseded generation; its manifest and packs become garbage."""
        self._connection.execute(sa.delete(t.generation_file).where(t.generation_file.c.generation_id == generation.id))
        self._connection.execute(sa.delete(t.generation).where(t.generation.c.id == generation.id))

    def keep_revisions(self, suite_id: SuiteId, oldest: int) -> None:
        """What left before it may go."""
        change = sa.update(t.suite).where(t.suite.c.id == suite_id)
        self._connection.execute(change.values(oldest_kept_revision=oldest))


def _listed(suite_id: SuiteId, component: str, architectures: Sequence[str]) -> dict[str, Any]:
    return {"its_suite": suite_id, "its_component": component, "its_architectures": list(architectures)}
