"""Counted downloads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.downloads import Counted, DayTotal, LogPosition, PackageTotal, Seen, Sized
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.download import ClientType, Item
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import ArchiveId

_FIRST_DAY = date(1970, 1, 1)
_AT_ONCE = 500


class DownloadQueries:
    """Implements ``DownloadReading`` and ``DownloadWriting``."""

    _connection: sa.Connection

    def downloads_by_day(self, first: date, last: date) -> list[DayTotal]:
        """By day."""
        table = t.download_day
        query = sa.select(table).where(_within(table, first, last)).order_by(table.c.day)
        return [
            DayTotal(
                _day(row.day), Format(row.format), ClientType(row.client_type), int(row.downloads), int(row.sent_bytes)
            )
            for row in self._connection.execute(query)
        ]

    def most_downloaded(self, first: date, last: date, limit: int) -> tuple[list[PackageTotal], int]:
        """One query for the names, one for their versions, two for their clients."""
        names = _names(first, last)
        total = sa.func.count().over().label("total")  # in the same pass: it looks at every count of these days
        query = sa.select(names, total).order_by(names.c.downloads.desc(), names.c.name, names.c.format).limit(limit)
        rows = self._connection.execute(query).all()
        wanted = [(row.format, row.name) for row in rows]
        versions, clients = self._versions(first, last, wanted), self._clients(first, last, wanted)
        found = [
            PackageTotal(
                Format(row.format),
                row.name,
                int(row.downloads),
                int(row.sent_bytes),
                versions.get((row.format, row.name), []),
                clients.get(f"{row.format}/{row.name}", 0),
            )
            for row in rows
        ]
        return found, int(rows[0].total) if rows else 0

    def _versions(
        self, first: date, last: date, wanted: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], list[str]]:
        item, counts = t.download_item, t.download_count
        query = (
            sa.select(item.c.format, item.c.name, item.c.version)
            .where(
                sa.tuple_(item.c.format, item.c.name).in_(wanted),
                sa.exists().where(counts.c.item_id == item.c.id, _within(counts, first, last), counts.c.downloads > 0),
            )
            .group_by(item.c.format, item.c.name, item.c.version)
            .order_by(sa.func.max(item.c.id).desc())
        )
        found: dict[tuple[str, str], list[str]] = {}
        for row in self._connection.execute(query) if wanted else ():
            found.setdefault((row.format, row.name), []).append(row.version)
        return found

    def _clients(self, first: date, last: date, wanted: Sequence[tuple[str, str]]) -> Mapping[str, int]:
        packages = [f"{format_}/{name}" for format_, name in wanted]
        return self._audience(first, last, packages) if packages else {}

    def _audience(self, first: date, last: date, packages: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        folded, live = t.download_audience, t.download_client
        queries: tuple[sa.Select[Any], ...] = (
            sa.select(folded.c.package, sa.func.sum(folded.c.clients)).where(
                _within(folded, first, last), folded.c.package.in_(packages)
            ),
            sa.select(live.c.package, sa.func.count()).where(_within(live, first, last), live.c.package.in_(packages)),
        )
        for query in queries:
            for package, clients in self._connection.execute(query.group_by("package")):
                found[package] = found.get(package, 0) + int(clients)
        return found

    def download_clients(self, first: date, last: date) -> int:
        """Of folded days and of those that are not."""
        return self._audience(first, last, [""]).get("", 0)

    def recent_downloads(self, limit: int) -> list[Seen]:
        """By number."""
        item, recent = t.download_item, t.download_recent
        query = (
            sa.select(recent, item.c.format, item.c.name, item.c.version, item.c.architecture, item.c.filename)
            .join(item, item.c.id == recent.c.item_id)
            .order_by(recent.c.id.desc())
            .limit(limit)
        )
        return [
            Seen(
                at=row.at,
                item=_item(row),
                client=row.client,
                client_type=ClientType(row.client_type),
                sent_bytes=row.sent_bytes,
                user_agent=row.user_agent,
                status=row.status,
                path=row.path,
            )
            for row in self._connection.execute(query)
        ]

    def items_with_digests(self, digests: Sequence[Digest]) -> Mapping[Digest, Item]:
        """Over the index of digests."""
        package, found = t.package, {}
        columns = (package.c.format, package.c.name, package.c.version, package.c.architecture, package.c.filename)
        for some in _batches(digests):
            query = sa.select(package.c.digest, *columns).where(package.c.digest.in_(some))
            found.update({Digest(row.digest): _item(row) for row in self._connection.execute(query)})
        return found

    def packages_at(self, archive_id: ArchiveId, paths: Sequence[str]) -> Mapping[str, Sized]:
        """Over the key of pool paths."""
        found: dict[str, Sized] = {}
        for some in _batches(paths):
            query = (
                sa.select(t.pool.c.path, t.package.c.digest, t.package.c.size_bytes)
                .join(t.package, t.package.c.id == t.pool.c.package_id)
                .where(t.pool.c.archive_id == archive_id, t.pool.c.path.in_(some))
            )
            for row in self._connection.execute(query):
                found[row.path] = Sized(Digest(row.digest), row.size_bytes)
        return found

    def log_positions(self, logs: Sequence[str]) -> Mapping[str, LogPosition]:
        """By the hash of host and first line."""
        found: dict[str, LogPosition] = {}
        for some in _batches(logs):
            for row in self._connection.execute(sa.select(t.access_log).where(t.access_log.c.log.in_(some))):
                found[row.log] = LogPosition(row.log, row.position, row.inside_line, row.lines, row.skipped)
        return found

    def log_lines(self) -> tuple[int, int]:
        """Over all logs that are remembered."""
        sums = (sa.func.coalesce(sa.func.sum(column), 0) for column in (t.access_log.c.lines, t.access_log.c.skipped))
        lines, skipped = self._connection.execute(sa.select(*sums)).one()
        return int(lines), int(skipped)

    def download_salt(self, day: date, fresh: str) -> str:
        """Insert unless it is there, then look."""
        table, number = t.download_salt, _number(day)
        row = self._upsert(table).values(day=number, salt=fresh)
        self._connection.execute(row.on_conflict_do_nothing(index_elements=["day"]))
        return str(self._connection.execute(sa.select(table.c.salt).where(table.c.day == number)).scalar_one())

    def count_downloads(self, counted: Counted, recent_kept: int) -> None:
        """In an order that all processes share, so that two of them never wait for each other."""
        items = self._item_ids({tally.item for tally in counted.tallies} | {seen.item for seen in counted.recent})
        counts: dict[tuple[int, int, str], list[int]] = {}
        days: dict[tuple[int, str, str], list[int]] = {}
        for tally in counted.tallies:
            day = _number(tally.day)
            for sums in (
                counts.setdefault((day, items[tally.item], tally.client_type.value), [0, 0]),
                days.setdefault((day, tally.item.format.value, tally.client_type.value), [0, 0]),
            ):
                sums[0] += tally.downloads
                sums[1] += tally.sent_bytes
        self._add(t.download_count, ("day", "item_id", "client_type"), counts)
        self._add(t.download_day, ("day", "format", "client_type"), days)
        clients = sorted({(_number(day), package, client) for day, package, client in counted.clients})
        if clients:
            query = self._upsert(t.download_client).on_conflict_do_nothing()
            names = ("day", "package", "client")
            self._connection.execute(query, [dict(zip(names, row, strict=True)) for row in clients])
        self._remember(counted.recent[-recent_kept:], items, recent_kept)

    def _add(self, table: sa.Table, key: tuple[str, ...], sums: Mapping[tuple[Any, ...], Sequence[int]]) -> None:
        if not sums:
            return
        insert = self._upsert(table)
        query = insert.on_conflict_do_update(
            index_elements=list(key),
            set_={name: table.c[name] + insert.excluded[name] for name in ("downloads", "sent_bytes")},
        )
        rows = [
            {**dict(zip(key, values, strict=True)), "downloads": added[0], "sent_bytes": added[1]}
            for values, added in sorted(sums.items())
        ]
        self._connection.execute(query, rows)

    def _remember(self, recent: Sequence[Seen], items: Mapping[Item, int], kept: int) -> None:
        if not recent:
            return
        rows = [
            {
                "at": seen.at,
                "item_id": items[seen.item],
                "client": seen.client,
                "client_type": seen.client_type.value,
                "sent_bytes": seen.sent_bytes,
                "user_agent": seen.user_agent,
                "status": seen.status,
                "path": seen.path,
            }
            for seen in recent
        ]
        table = t.download_recent
        self._connection.execute(sa.insert(table), rows)
        oldest = sa.select(table.c.id).order_by(table.c.id.desc()).offset(kept).limit(1).scalar_subquery()
        self._connection.execute(sa.delete(table).where(table.c.id <= oldest))

    def _item_ids(self, items: Iterable[Item]) -> dict[Item, int]:
        table, key = t.download_item, ("format", "name", "version", "architecture")
        rows = sorted(
            (item.format.value, item.name, item.version, item.architecture, item.filename[:600]) for item in items
        )
        names = (*key, "filename")
        if not rows:
            return {}
        self._connection.execute(
            self._upsert(table).on_conflict_do_nothing(index_elements=list(key)),
            [dict(zip(names, row, strict=True)) for row in rows],
        )
        found: dict[tuple[str, ...], int] = {}
        for some in _batches([row[:4] for row in rows]):
            query = sa.select(table).where(sa.tuple_(*(table.c[name] for name in key)).in_(some))
            for row in self._connection.execute(query):
                found[row.format, row.name, row.version, row.architecture] = row.id
        return {item: found[item.format.value, item.name, item.version, item.architecture] for item in items}

    def fold_downloads(self, before: date, oldest: date) -> int:
        """Count, then remove; the salt goes, and with it the way back from a pseudonym to an address."""
        live, folded, limit = t.download_client, t.download_audience, _number(before)
        days = list(self._connection.execute(sa.select(t.download_salt.c.day).where(t.download_salt.c.day < limit)))
        if days:
            counted = (
                sa.select(live.c.day, live.c.package, sa.func.count().label("clients"))
                .where(live.c.day < limit)
                .group_by(live.c.day, live.c.package)
            )
            insert = self._upsert(folded).from_select(["day", "package", "clients"], counted)
            self._connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["day", "package"], set_={"clients": folded.c.clients + insert.excluded.clients}
                )
            )
            self._connection.execute(sa.delete(live).where(live.c.day < limit))
            self._connection.execute(sa.delete(t.download_salt).where(t.download_salt.c.day < limit))
            for table in (t.download_count, t.download_day, folded):
                self._connection.execute(sa.delete(table).where(table.c.day < _number(oldest)))
        return len(days)

    def move_log_position(self, before: LogPosition, after: LogPosition, now: datetime) -> bool:
        """A new one is inserted, unless somebody did."""
        values = {
            "position": after.position,
            "inside_line": after.inside_line,
            "lines": after.lines,
            "skipped": after.skipped,
            "read_at": now,
        }
        table = t.access_log
        if before.position == 0 and before.lines == 0:
            row = self._upsert(table).values(log=before.log, **values).on_conflict_do_nothing(index_elements=["log"])
            return self._connection.execute(row.returning(table.c.log)).first() is not None
        mine = sa.update(table).where(table.c.log == before.log, table.c.position == before.position)
        return self._connection.execute(mine.values(**values)).rowcount == 1

    def forget_log_positions(self, read_before: datetime) -> None:
        """Of logs whose lines are too old to count."""
        self._connection.execute(sa.delete(t.access_log).where(t.access_log.c.read_at < read_before))

    def _upsert(self, table: sa.Table) -> Any:
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        return insert(table)


def _number(day: date) -> int:
    return (day - _FIRST_DAY).days


def _day(number: int) -> date:
    return _FIRST_DAY + timedelta(days=number)


def _within(table: sa.Table, first: date, last: date) -> sa.ColumnElement[bool]:
    return table.c.day.between(_number(first), _number(last))


def _names(first: date, last: date) -> sa.Subquery:
    """Sums by name: first by item, which is an index's order, then by what the item is called."""
    counts, item = t.download_count, t.download_item
    by_item = (
        sa.select(
            counts.c.item_id,
            sa.func.sum(counts.c.downloads).label("downloads"),
            sa.func.sum(counts.c.sent_bytes).label("sent_bytes"),
        )
        .where(_within(counts, first, last))
        .group_by(counts.c.item_id)
        .subquery()
    )
    downloads = sa.func.sum(by_item.c.downloads)
    return (
        sa.select(
            item.c.format,
            item.c.name,
            downloads.label("downloads"),
            sa.func.sum(by_item.c.sent_bytes).label("sent_bytes"),
        )
        .join(item, item.c.id == by_item.c.item_id)
        .group_by(item.c.format, item.c.name)
        .having(downloads > 0)
        .subquery()
    )


def _item(row: Any) -> Item:
    return Item(Format(row.format), row.name, row.version, row.architecture, row.filename)


def _batches(values: Sequence[Any]) -> Iterator[list[Any]]:
    left = iter(values)
    while some := list(islice(left, _AT_ONCE)):
        yield some
