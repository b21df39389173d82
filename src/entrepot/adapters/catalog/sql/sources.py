"""Other people's repositories, and what their indexes list."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.compiler import SQLCompiler

from entrepot.adapters.catalog.sources import UpstreamFilter, UpstreamPackage
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import Row
from entrepot.domain.dependencies.capabilities import capability_key
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.upstream.listed import ListedPackage
from entrepot.domain.upstream.source import FIRST_BUILTIN, Reach, Root, Source, SourceId, SourceState, Trust
from entrepot.errors import AlreadyExists, LostRace, NotFound

_CHUNK = 400
_LAST = "\U0010ffff"
_AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class SourceQueries:
    """Implements ``SourceReading`` and ``SourceWriting``."""

    _connection: sa.Connection

    def sources(self) -> list[Source]:
        """All of them; there are few."""
        query = sa.select(t.source).order_by(t.source.c.name)
        return [_source_of(row) for row in self._connection.execute(query)]

    def source(self, source_id: SourceId) -> Source:
        """One by id."""
        return self._one_source(t.source.c.id == source_id)

    def source_called(self, name: str) -> Source:
        """One by name."""
        return self._one_source(t.source.c.name == name)

    def _one_source(self, condition: sa.ColumnElement[bool]) -> Source:
        row = self._connection.execute(sa.select(t.source).where(condition)).first()
        if row is None:
            raise NotFound("there is no such source; GET /import/sources lists them")
        return _source_of(row)

    def upstream_packages(self, conditions: UpstreamFilter, limit: int) -> list[UpstreamPackage]:
        """By the index of names."""
        found: list[UpstreamPackage] = []
        for wanted in _names_of(conditions):
            query = _in_force(conditions).where(*wanted).order_by(*_ORDER).limit(limit - len(found))
            found += map(_upstream_of, self._connection.execute(query))
            if len(found) >= limit:
                break
        return found

    def upstream_providers(
        self, names: Collection[str], conditions: UpstreamFilter
    ) -> list[tuple[str, UpstreamPackage]]:
        """By the index of capabilities."""
        keys = {capability_key(name): name for name in names}
        same = sa.and_(
            *(
                t.upstream_capability.c[each] == t.upstream_package.c[each]
                for each in ("source_id", "generation", "number")
            )
        )
        found = []
        for chunk in _chunks(sorted(keys)):
            query = _in_force(conditions).join(t.upstream_capability, same)
            query = query.add_columns(t.upstream_capability.c.name.label("capability"))
            rows = self._connection.execute(query.where(t.upstream_capability.c.name.in_(chunk)).order_by(*_ORDER))
            found += [(keys[row.capability], _upstream_of(row)) for row in rows]
        return found

    def upstream_synced(self) -> bool:
        """Whether any generation is in force."""
        query = sa.select(sa.exists().where(t.source.c.generation > 0))
        return bool(self._connection.execute(query).scalar_one())

    def add_source(self, source: Source) -> SourceId:
        """Those of administrators are numbered from one, below the built-in ones."""
        number = int(source.id)
        if not number:
            highest = sa.select(sa.func.max(t.source.c.id)).where(t.source.c.id < FIRST_BUILTIN)
            number = (self._connection.execute(highest).scalar_one() or 0) + 1
        fresh = {"generation": 0, "built": 0, "root": {}, **_state_values(SourceState())}
        values = {"id": number, "name": source.name, "builtin": source.builtin, **_values(source), **fresh}
        try:
            with self._connection.begin_nested():
                self._connection.execute(sa.insert(t.source).values(**values))
        except IntegrityError as error:
            raise AlreadyExists("a source of this name, or with this URL and distribution, exists already") from error
        return SourceId(number)

    def change_source(self, source: Source) -> None:
        """By id."""
        query = sa.update(t.source).where(t.source.c.id == source.id).values(**_values(source))
        try:
            with self._connection.begin_nested():
                self._connection.execute(query)
        except IntegrityError as error:
            raise AlreadyExists("a source with this URL and distribution exists already") from error

    def remove_source(self, source_id: SourceId) -> None:
        """The row."""
        self._connection.execute(sa.delete(t.source).where(t.source.c.id == source_id))

    def note_source(self, source_id: SourceId, state: SourceState) -> None:
        """Not the generations."""
        self._connection.execute(sa.update(t.source).where(t.source.c.id == source_id).values(**_state_values(state)))

    def begin_generation(self, source_id: SourceId) -> int:
        """The row is locked until the unit ends."""
        query = sa.update(t.source).where(t.source.c.id == source_id).values(built=t.source.c.built + 1)
        found = self._connection.execute(query.returning(t.source.c.built)).scalar_one_or_none()
        if found is None:
            raise NotFound("the source was removed meanwhile")
        return int(found)

    def add_upstream(self, source_id: SourceId, generation: int, first: int, packages: Sequence[ListedPackage]) -> None:
        """Two inserts of many rows."""
        rows = [_row(source_id, generation, number, each) for number, each in enumerate(packages, first)]
        if rows:
            self._insert_plain(t.upstream_package, rows)
        names = [
            {"name": key, "source_id": source_id, "generation": generation, "number": number}
            for number, each in enumerate(packages, first)
            for key in {capability_key(name) for name in each.capabilities if name and "\0" not in name}
        ]
        if names:
            self._connection.execute(sa.insert(t.upstream_capability), names)

    def _insert_plain(self, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Rows of plain values, given to the driver as they are: a third less work where they come by ten thousands."""
        compiled = sa.insert(table).compile(dialect=self._connection.dialect)
        if isinstance(compiled, SQLCompiler) and compiled.positiontup is not None:
            values = itemgetter(*compiled.positiontup)
            self._connection.exec_driver_sql(str(compiled), [values(row) for row in rows])
        else:
            self._connection.exec_driver_sql(str(compiled), list(rows))

    def switch_upstream(self, source_id: SourceId, generation: int, state: SourceState) -> None:
        """Compare and set."""
        query = sa.update(t.source).where(t.source.c.id == source_id, t.source.c.built == generation)
        done = self._connection.execute(query.values(generation=generation, **_state_values(state)))
        if done.rowcount != 1:
            raise LostRace("another synchronisation of this source began meanwhile")

    def forget_upstream(self, source_id: SourceId, keep: Collection[int], limit: int) -> int:
        """By number, which is the order in which rows lie."""
        gone = 0
        for table in (t.upstream_capability, t.upstream_package):
            here = table.c.source_id == source_id
            others = sa.select(table.c.generation, sa.func.min(table.c.number)).where(
                here, table.c.generation.not_in(list(keep))
            )
            found = self._connection.execute(others.group_by(table.c.generation).limit(1)).first()
            if found is None:
                continue
            batch = sa.delete(table).where(here, table.c.generation == found[0], table.c.number < found[1] + limit)
            gone += self._connection.execute(batch).rowcount
        return gone


_ORDER = (
    t.upstream_package.c.name,
    t.upstream_package.c.source_id,
    t.upstream_package.c.number,
)


def _in_force(conditions: UpstreamFilter) -> sa.Select[Any]:
    package, source = t.upstream_package, t.source
    # Where there are names, sums keep the engine from walking all rows of a generation instead of the index of names.
    plus = 0 if conditions.names or conditions.prefix else None
    number = package.c.source_id if plus is None else package.c.source_id + plus
    generation = package.c.generation if plus is None else package.c.generation + plus
    query = sa.select(package, source.c.format).join(
        source, sa.and_(source.c.id == number, source.c.generation == generation)
    )
    query = query.where(source.c.id.in_(list(conditions.sources)) if conditions.sources else source.c.enabled)
    if conditions.format is not None:
        query = query.where(source.c.format == conditions.format.value)
    if conditions.distribution:
        query = query.where(source.c.distribution == conditions.distribution)
    if conditions.architectures:
        query = query.where(package.c.architecture.in_(list(conditions.architectures)))
    if conditions.version:
        query = query.where(package.c.version == conditions.version)
    return query


def _names_of(conditions: UpstreamFilter) -> Iterator[list[sa.ColumnElement[bool]]]:
    name = t.upstream_package.c.name
    wanted: list[sa.ColumnElement[bool]] = []
    if conditions.prefix:
        wanted += [name >= conditions.prefix, name < conditions.prefix + _LAST]
    if conditions.word:
        wanted.append(name.contains(conditions.word, autoescape=True))
    if not conditions.names:
        yield wanted
    for chunk in _chunks(sorted(conditions.names)):
        yield [*wanted, name.in_(chunk)]


def _row(source_id: SourceId, generation: int, number: int, package: ListedPackage) -> dict[str, object]:
    relations = package.relations
    return {
        "source_id": source_id,
        "generation": generation,
        "number": number,
        "name": package.name,
        "version": package.version,
        "architecture": package.architecture,
        "component": package.component,
        "section": package.section,
        "priority": package.priority,
        "summary": package.summary,
        "source_package": package.source,
        "multi_arch": package.multi_arch,
        "filename": package.filename,
        "size_bytes": package.size_bytes,
        "installed_bytes": package.installed_bytes,
        "digest": package.digest,
        "relations": _AS_JSON(relations) if relations else "",
    }


def _upstream_of(row: Row) -> UpstreamPackage:
    format_ = Format(row.format)
    return UpstreamPackage(
        SourceId(row.source_id),
        row.generation,
        row.number,
        PackageKey(format_, row.name, row.version, row.architecture),
        row.component,
        row.section,
        row.summary,
        row.source_package,
        row.multi_arch,
        row.filename,
        row.size_bytes,
        row.installed_bytes,
        row.digest,
        _entries(format_, row.relations),
    )


def _entries(format_: Format, text: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, str] = json.loads(text) if text else {}
    mark = "," if format_ is Format.DEB else "\n"
    return {
        relation: tuple(" ".join(entry.split()) for entry in value.split(mark) if entry.strip())
        for relation, value in found.items()
    }


def _values(source: Source) -> dict[str, object]:
    return {
        "label": source.label,
        "format": source.format.value,
        "url": source.url,
        "distribution": source.distribution,
        "components": list(source.components),
        "architectures": list(source.architectures),
        "keyring": source.keyring,
        "enabled": source.enabled,
        "security": source.security,
        "trust": asdict(source.trust),
        "reach": asdict(source.reach),
    }


def _state_values(state: SourceState) -> dict[str, object]:
    return {
        "package_count": state.package_count,
        "checked_at": state.checked_at,
        "changed_at": state.changed_at,
        "attempted_at": state.attempted_at,
        "error": state.error,
        "error_code": state.error_code,
        "notes": list(state.notes),
        "root": state.root.to_json() if state.root else {},
    }


def _source_of(row: Row) -> Source:
    state = SourceState(
        row.generation,
        row.built,
        row.package_count,
        row.checked_at,
        row.changed_at,
        row.attempted_at,
        row.error,
        row.error_code,
        tuple(row.notes),
        Root.from_json(row.root),
    )
    return Source(
        SourceId(row.id),
        row.name,
        row.label,
        Format(row.format),
        row.url,
        row.distribution,
        tuple(row.components),
        tuple(row.architectures),
        row.keyring,
        row.enabled,
        row.security,
        row.builtin,
        Trust(**{**row.trust, "fingerprints": tuple(row.trust.get("fingerprints", ()))}),
        Reach(**row.reach),
        state,
    )


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
