"""Entries as files: JSON with one entry in a line, CSV that no spreadsheet runs, day files in a ZIP archive."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from entrepot.adapters.catalog.auditing import ChainedEntry
from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.model.chain import canonical

FIELDS = (
    *("id", "timestamp", "action", "result", "user", "account", "role", "ip", "package", "version", "distribution"),
    *("detail", "previous", "hash"),
)
# What makes a spreadsheet take a cell for a formula; and the mark itself, so that it can be taken off again.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_MARK = "'"


def safe_cell(value: JsonValue) -> str:
    """Text for a cell: what could be run is marked by an apostrophe in front."""
    text = "" if value is None else value if isinstance(value, str) else canonical_text(value)
    return _MARK + text if text.startswith(_RISKY) else text


def canonical_text(value: JsonValue) -> str:
    """JSON in one line."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def csv_chunks(batches: Iterable[Sequence[ChainedEntry]]) -> Iterator[bytes]:
    """A heading and a row for each entry (RFC 4180)."""
    yield _rows([FIELDS])
    for batch in batches:
        documents = [link.document() for link in batch]
        yield _rows([safe_cell(document[name]) for name in FIELDS] for document in documents)


def _rows(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def json_chunks(head: Mapping[str, JsonValue], batches: Iterable[Sequence[ChainedEntry]]) -> Iterator[bytes]:
    """An object whose last member is ``entries``, each of which has a line of its own."""
    yield canonical(head)[:-1] + b',"entries":[\n'
    between = b""
    for batch in batches:
        yield between + b",\n".join(canonical(link.document()) for link in batch)
        between = b",\n"
    yield b"\n]}\n"


def line_chunks(batches: Iterable[Sequence[ChainedEntry]]) -> Iterator[bytes]:
    """One entry in a line."""
    for batch in batches:
        yield b"".join(canonical(link.document()) + b"\n" for link in batch)
