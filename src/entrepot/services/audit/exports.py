"""Entries to take away: streamed from the catalog, some at a time; what is signed is spooled in the store first."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import BinaryIO

from entrepot.adapters.catalog.auditing import AuditFilter, ChainedEntry
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.storage.base import BlobStore, BlobWriter
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import InvalidRequest, NotFound
from entrepot.services.audit import formats
from entrepot.services.audit.counts import Counts
from entrepot.services.audit.seals import Seals, line_of

_BATCH = 1000
_PIECE = 1 << 18
_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
Batches = Iterator[Sequence[ChainedEntry]]


@dataclass(frozen=True, slots=True)
class Export:
    """A file on its way out; ``signature`` is armored and detached, over exactly the bytes of ``chunks``."""

    filename: str
    media_type: str
    count: int
    chunks: Iterator[bytes]
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is wanted, and how."""

    wanted: AuditFilter
    format: str = "csv"
    compress: bool = False
    sign: bool = False


class Exports:
    """Everything that leaves is noted in the log before the first byte goes."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, seals: Seals, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._seals = seals
        self._now = now
        self._counts = Counts()

    def entries(self, actor: Actor, asked: ExportRequest) -> Export:
        """Those that meet the conditions, as one file.

        Raises:
            InvalidRequest: there is no such format.
            StoreFull, StoreUnavailable: it was to be signed, and there is no room for it.
        """
        demand(actor, Permission.AUDIT_READ)
        if asked.format not in _TYPES:
            raise InvalidRequest(f"unknown format {asked.format[:40]!r}; there are csv and json")
        self._seals.seal()
        count, upto = self._count(asked.wanted)
        detail: dict[str, JsonValue] = {"format": asked.format, "count": count, "upto": upto, "signed": asked.sign}
        self._note("AUDIT_EXPORT", actor, {**detail, "filters": _shown(asked.wanted)})
        chunks = self._chunks(asked, count, upto)
        name, kind = f"audit-{self._stamp()}.{asked.format}", _TYPES[asked.format]
        if asked.compress:
            chunks, name, kind = _compressed(chunks), f"{name}.gz", "application/gzip"
        if not asked.sign:
            return Export(name, kind, count, chunks)
        file, signature = self._spooled(chunks)
        return Export(name, kind, count, _pieces(file), signature)

    def archive(self, actor: Actor, start: datetime | None, end: datetime | None) -> Export:
        """A ZIP archive of day files (UTC), with every checkpoint and the key that signed them.

        Raises:
            StoreFull, StoreUnavailable: there is no room for it.
        """
        demand(actor, Permission.AUDIT_ARCHIVE)
        self._seals.seal()
        wanted = AuditFilter(start=start, end=end)
        count, upto = self._count(wanted)
        self._note("AUDIT_EXPORT_ARCHIVE", actor, {"count": count, "upto": upto, "filters": _shown(wanted)})
        with self._blobs.writer() as writer:
            # Without a way back in the file, which a store does not have, sizes follow the members.
            with zipfile.ZipFile(_Forward(writer), "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
                for day, wanted_day in self._days(wanted, upto):
                    chunks = formats.line_chunks(self._batches(wanted_day, upto))
                    _add(archive, f"audit-{day}.jsonl", chunks)
                _add(archive, "checkpoints.jsonl", self._checkpoints())
                _add(archive, "key.asc", iter((self._seals.signer().armored(),)))
            file = writer.reopen()
        return Export(f"audit-{self._stamp()}.zip", "application/zip", count, _pieces(file))

    def of_user(self, actor: Actor, username: str) -> Export:
        """Everything the log and the accounts know about one person, as JSON.

        Raises:
            NotFound: nothing is known.
        """
        demand(actor, Permission.AUDIT_ARCHIVE)
        done, mentioned = AuditFilter(user=username), AuditFilter(text=username)
        count, upto = self._count(done)
        with self._catalog.read() as reading:
            account = reading.account(username)
        about = ([link for link in batch if _concerns(link, username)] for batch in self._batches(mentioned, upto))
        first = next((batch for batch in about if batch), None)
        if account is None and not count and first is None:
            raise NotFound(f"nothing is known of {username[:128]!r}")
        self._note("AUDIT_EXPORT_USER", actor, {"username": username, "count": count, "upto": upto})
        head: dict[str, JsonValue] = {"user": username, "exported_at": self._now().isoformat(), "account": None}
        if account is not None:
            head["account"] = {
                "username": account.username,
                "full_name": account.full_name,
                "email": account.email,
                "roles": sorted(str(role) for role in account.roles),
                "active": account.active,
                "created_at": account.created_at.isoformat(),
                "last_login": account.last_login.isoformat() if account.last_login else None,
            }

        def batches() -> Batches:
            yield from self._batches(done, upto)
            if first is not None:
                yield first
                yield from (batch for batch in about if batch)

        chunks = formats.json_chunks(head, batches())
        return Export(f"audit-user-{self._stamp()}.json", _TYPES["json"], count, chunks)

    def key(self) -> bytes:
        """The public key of checkpoints and signed exports, armored."""
        return self._seals.signer().armored()

    def _count(self, wanted: AuditFilter) -> tuple[int, int]:
        with self._catalog.read() as reading:
            upto = reading.audit_head().number
            return self._counts.of(reading, wanted, upto), upto

    def _note(self, action: str, actor: Actor, detail: dict[str, JsonValue]) -> None:
        with self._catalog.write() as unit:
            unit.audit(AuditEntry(action, "SUCCESS", actor, self._now(), detail=detail))

    def _stamp(self) -> str:
        return self._now().strftime("%Y%m%dT%H%M%SZ")

    def _batches(self, wanted: AuditFilter, upto: int) -> Batches:
        """Each in a unit of its own: a slow reader of the answer holds nothing."""
        last: ChainedEntry | None = None
        while True:
            with self._catalog.read() as reading:
                batch = reading.audit_batch(wanted, last, _BATCH, upto)
            if batch:
                yield batch
            if len(batch) < _BATCH:
                return
            last = batch[-1]

    def _chunks(self, asked: ExportRequest, count: int, upto: int) -> Iterator[bytes]:
        batches = self._batches(asked.wanted, upto)
        if asked.format == "csv":
            return formats.csv_chunks(batches)
        with self._catalog.read() as reading:
            last = reading.last_checkpoint()
        sealed = {"statement": last.statement, "signature": last.signature} if last else None
        head: dict[str, JsonValue] = {
            "exported_at": self._now().isoformat(),
            "count": count,
            "upto": upto,
            "conditions": _shown(asked.wanted),
            "checkpoint": sealed,
        }
        return formats.json_chunks(head, batches)

    def _spooled(self, chunks: Iterator[bytes]) -> tuple[BinaryIO, str]:
        """In the store's staging, from where it vanishes with the open file."""
        with self._blobs.writer() as writer:
            for chunk in chunks:
                writer.write(chunk)
            file = writer.reopen()
            signature = self._seals.signer().detach_file(file).decode()
        file.seek(0)
        return file, signature

    def _days(self, wanted: AuditFilter, upto: int) -> Iterator[tuple[str, AuditFilter]]:
        """Days on which something was done."""
        at = wanted.start - timedelta(microseconds=1) if wanted.start else None
        while True:
            with self._catalog.read() as reading:
                found = reading.audit_next_time(at)
            if found is None or (wanted.end is not None and found > wanted.end):
                return
            day = found.astimezone(UTC).date()
            start = datetime.combine(day, time.min, UTC)
            at = datetime.combine(day, time.max, UTC)
            yield (
                day.isoformat(),
                replace(
                    wanted,
                    start=max(start, wanted.start) if wanted.start else start,
                    end=min(at, wanted.end) if wanted.end else at,
                ),
            )

    def _checkpoints(self) -> Iterator[bytes]:
        after = 0
        while True:
            with self._catalog.read() as reading:
                rows = reading.checkpoints(after, _BATCH)
            if not rows:
                return
            yield b"".join(line_of(row) + b"\n" for _, row in rows)
            after = rows[-1][0]


class _Forward(io.RawIOBase):
    """A writer of the store as a file that cannot go back."""

    def __init__(self, writer: BlobWriter) -> None:
        self._writer = writer

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._writer.write(piece)
        return len(piece)


def _add(archive: zipfile.ZipFile, name: str, chunks: Iterator[bytes]) -> None:
    with archive.open(name, "w", force_zip64=True) as member:
        for chunk in chunks:
            member.write(chunk)


def _compressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed:
        for chunk in chunks:
            packed.write(chunk)
            if buffer.tell() >= _PIECE:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
    yield buffer.getvalue()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _concerns(link: ChainedEntry, username: str) -> bool:
    """Whether it is about somebody who did not do it: their token did, or it was done to them."""
    actor = link.entry.actor
    return actor.name != username and (actor.account == username or _names(link.entry.detail, username))


def _names(value: JsonValue, username: str) -> bool:
    if isinstance(value, str):
        return value == username
    if isinstance(value, dict):
        return any(_names(inner, username) for inner in value.values())
    return isinstance(value, list) and any(_names(inner, username) for inner in value)


def _shown(wanted: AuditFilter) -> dict[str, JsonValue]:
    """Conditions that are set, in the words of the API."""
    words: dict[str, JsonValue] = {
        "package": wanted.package,
        "user": wanted.user,
        "action": wanted.action.upper(),
        "result": wanted.result.upper(),
        "distribution": wanted.suite,
        "start": wanted.start.isoformat() if wanted.start else None,
        "end": wanted.end.isoformat() if wanted.end else None,
        "q": wanted.text,
    }
    return {name: value for name, value in words.items() if value}
