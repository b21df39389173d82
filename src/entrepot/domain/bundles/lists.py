"""What a state holds: a line of JSON for each file, packed with gzip; and the list of digests that is signed."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from entrepot.domain.bundles.manifest import BundledState
from entrepot.domain.formats.quoting import quote
from entrepot.domain.model.digest import Digest, is_digest
from entrepot.errors import BundleMalformed

_SUM = re.compile(rb"([0-9a-f]{64})  ([A-Za-z0-9._/-]{1,100})\Z")
_PIECE_BYTES = 256 << 10
_MOST_LINE_BYTES = 64 << 10
_MOST_PATH = 1024
_STRINGS = ("name", "version", "architecture", "component", "filename")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a state.

    ``path`` is where it lies: of a package in the pool, of a file with its own signature below the URL of its
    upstream.  The others are there for packages; ``told`` is what the server that made the bundle thinks of it.
    """

    path: str
    digest: Digest
    size_bytes: int
    name: str = ""
    version: str = ""
    architecture: str = ""
    component: str = ""
    filename: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


def write_list(entries: Iterable[Entry]) -> tuple[bytes, int, int]:
    """The packed list, how many entries and how many bytes unpacked; the same entries give the same bytes."""
    text, count = bytearray(), 0
    for entry in entries:
        row: dict[str, Any] = {"path": entry.path, "sha256": entry.digest, "size": entry.size_bytes}
        row |= {name: value for name in _STRINGS if (value := getattr(entry, name))}
        if entry.told:
            row["told"] = dict(entry.told)
        text += json.dumps(row, separators=(",", ":")).encode() + b"\n"
        count += 1
    return gzip.compress(bytes(text), 6, mtime=0), count, len(text)


def read_list(packed: bytes, state: BundledState) -> Iterator[Entry]:
    """The entries in order; members of a line that are not known are passed over.

    Raises:
        BundleMalformed: it is not what the state says.
    """
    count = 0
    for line in _lines(packed, state):
        count += 1
        if count > state.entry_count:
            break
        yield _entry(line, state)
    if count != state.entry_count:
        raise BundleMalformed(f"{state.list_path} has not the {state.entry_count} entries that bundle.json says")


def _lines(packed: bytes, state: BundledState) -> Iterator[bytes]:
    unpacking, rest, total = zlib.decompressobj(31), b"", 0
    data = packed
    while not unpacking.eof:
        try:
            piece = unpacking.decompress(data, _PIECE_BYTES)
        except zlib.error:
            raise BundleMalformed(f"{state.list_path} cannot be unpacked") from None
        data = unpacking.unconsumed_tail
        total += len(piece)
        if total > state.list_bytes or (not piece and not data and not unpacking.eof):
            raise BundleMalformed(f"{state.list_path} has not the {state.list_bytes} bytes that bundle.json says")
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _MOST_LINE_BYTES:
            raise BundleMalformed(f"{state.list_path} has a line that is too long")
        yield from lines
    if rest or total != state.list_bytes or unpacking.unused_data:
        raise BundleMalformed(f"{state.list_path} has not the {state.list_bytes} bytes that bundle.json says")


def _entry(line: bytes, state: BundledState) -> Entry:
    try:
        row = json.loads(line)
        path, digest, size = row["path"], row["sha256"], row["size"]
        strings = {name: row.get(name, "") for name in _STRINGS}
        told = row.get("told", {})
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise BundleMalformed(f"{state.list_path}: {quote(line)} is no entry") from None
    good = (
        isinstance(path, str)
        and _is_path(path)
        and isinstance(digest, str)
        and is_digest(digest)
        and isinstance(size, int)
        and not isinstance(size, bool)
        and size >= 0
        and isinstance(told, dict)
        and all(isinstance(value, str) and len(value) <= _MOST_PATH for value in strings.values())
    )
    if not good:
        raise BundleMalformed(f"{state.list_path}: {quote(line)} is no entry")
    return Entry(path, Digest(digest), size, **strings, told=told)


def _is_path(path: str) -> bool:
    parts = path.split("/")
    return len(path) <= _MOST_PATH and path.isprintable() and all(part not in ("", ".", "..") for part in parts)


def file_path(digest: Digest) -> str:
    """Where a file lies in a volume."""
    return f"files/{digest[:2]}/{digest}"


def write_sums(digests: Mapping[str, str]) -> bytes:
    """As ``sha256sum`` writes and checks them: digest, two blanks, path."""
    return "".join(f"{digest}  {path}\n" for path, digest in digests.items()).encode()


def read_sums(text: bytes) -> dict[str, Digest]:
    """The reverse, in its order.

    Raises:
        BundleMalformed: a line is something else.
    """
    found: dict[str, Digest] = {}
    for line in text.removesuffix(b"\n").split(b"\n"):
        match = _SUM.match(line)
        if match is None:
            raise BundleMalformed(f"SHA256SUMS: {quote(line)} is no line of a digest and a path")
        path = match[2].decode()
        if path in found:
            raise BundleMalformed(f"SHA256SUMS lists {path} twice")
        found[path] = Digest(match[1].decode())
    return found
