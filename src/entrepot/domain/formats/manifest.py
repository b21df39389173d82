"""The manifest: every file of a generation and where its bytes lie, in one blob.

Layout: 8 bytes length of the header, the header as JSON, then the small files (Release, signatures, the bytes around
index members) one after another.  Index members lie in packs: blobs with the bytes that one publication added.  An
index document is written once, as its segments; the files that show it refer to it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.domain.formats.segments.codecs import CODECS
from entrepot.domain.formats.segments.document import Document, MemberRef, Segment, extents
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Extent, PublishedFile
from entrepot.errors import BlobCorrupt

VERSION = 1
SELF = Digest("")
"""Stands for the manifest's own blob, whose digest is known only when it is stored."""
_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document, the recipe that its text was made by, and the suite's revision that it shows.

    Another recipe means another text.  Documents that are made later than others show an older revision for a while.
    """

    document: Document
    recipe: str
    revision: int


@dataclass(frozen=True, slots=True)
class Form:
    """A file that shows a document through a codec, between bytes kept in the manifest itself."""

    document: str
    codec: str
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class FileDraft:
    """A file of a generation before its manifest is stored: it has a ``form`` or a ``body``, or is a ``whole`` blob."""

    digest: Digest
    sha512: str | None
    size_bytes: int
    modified_at: int
    dated: bool
    form: Form | None = None
    body: bytes = b""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """A generation as a list of files, by path relative to the suite."""

    revision: int
    package_count: int
    documents: Mapping[str, StoredDocument]
    files: Mapping[str, PublishedFile]
    hashed: Mapping[str, str]
    """SHA-256, and SHA-512 where the suite has it, of every file, to its path."""
    whole: frozenset[Digest] = frozenset()
    """Files that are blobs of their own."""

    def by_digest(self, digest: str) -> PublishedFile | None:
        """A file by its content."""
        path = self.hashed.get(digest)
        return None if path is None else self.files[path]

    def packs(self) -> set[Digest]:
        """Blobs, other than the manifest itself, that hold bytes of this generation."""
        return set(self.whole) | {
            member.extent.blob
            for stored in self.documents.values()
            for segment in stored.document.segments
            for member in segment.members.values()
        }


def write_manifest(
    revision: int, package_count: int, documents: Mapping[str, StoredDocument], files: Mapping[str, FileDraft]
) -> bytes:
    """The blob of a manifest; the same generation gives the same bytes."""
    packs: dict[str, int] = {}
    small = bytearray()

    def keep(data: bytes) -> list[int]:
        offset = len(small)
        small.extend(data)
        return [offset, len(data)]

    rows: dict[str, Any] = {}
    for path, file in files.items():
        row: dict[str, Any] = {
            "digest": file.digest,
            "sha512": file.sha512,
            "size": file.size_bytes,
            "at": file.modified_at,
            "dated": file.dated,
        }
        if file.whole:
            row["whole"] = True
        elif file.form is None:
            row["body"] = keep(file.body)
        else:
            row["form"] = [file.form.document, file.form.codec, keep(file.form.before), keep(file.form.after)]
        rows[path] = row
    header = {
        "manifest": VERSION,
        "revision": revision,
        "packages": package_count,
        "documents": {name: _document_row(stored, packs) for name, stored in documents.items()},
        "files": rows,
        "packs": list(packs),
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    return _LENGTH.pack(len(text)) + text + bytes(small)


def _document_row(stored: StoredDocument, packs: dict[str, int]) -> dict[str, Any]:
    document = stored.document
    segments = []
    for segment in document.segments:
        members = {}
        for codec, member in segment.members.items():
            pack = packs.setdefault(member.extent.blob, len(packs))
            members[codec] = [pack, member.extent.offset, member.extent.length, member.unpadded]
        key = segment.first_key.decode("latin-1")  # any bytes, reversibly
        segments.append([key, segment.first_length, segment.count, segment.text_digest, segment.plain_length, members])
    return {
        "recipe": stored.recipe,
        "revision": stored.revision,
        "head": document.head.decode(),
        "tail": document.tail.decode(),
        "segments": segments,
    }


def parse_manifest(data: bytes, digest: Digest) -> Manifest:
    """The reverse; ``digest`` is the one of the blob.

    Raises:
        BlobCorrupt: the bytes are not a manifest that this program can read.
    """
    try:
        (length,) = _LENGTH.unpack_from(data)
        header = json.loads(data[_LENGTH.size : _LENGTH.size + length])
        if header["manifest"] != VERSION:
            raise BlobCorrupt("a manifest was written by another version of this program", blob=digest)
        return _manifest(header, digest, _LENGTH.size + length)
    except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        raise BlobCorrupt("a stored manifest cannot be read", blob=digest) from error


def _manifest(header: Mapping[str, Any], digest: Digest, base: int) -> Manifest:
    packs = [Digest(pack) for pack in header["packs"]]
    documents = {name: _document(row, packs) for name, row in header["documents"].items()}
    files: dict[str, PublishedFile] = {}
    hashed: dict[str, str] = {}

    def own(place: Sequence[int]) -> list[Extent]:
        return [Extent(digest, base + place[0], place[1])] if place[1] else []

    whole = {Digest(row["digest"]) for row in header["files"].values() if "whole" in row}
    for path, row in header["files"].items():
        if "whole" in row:
            found = [Extent(Digest(row["digest"]), 0, row["size"])]
        elif "body" in row:
            found = own(row["body"])
        else:
            name, codec, before, after = row["form"]
            found = [*own(before), *extents(documents[name].document, CODECS[codec]), *own(after)]
        files[path] = PublishedFile(Digest(row["digest"]), row["size"], tuple(found), row["at"], row["dated"])
        hashed[row["digest"]] = path
        if row["sha512"]:
            hashed[row["sha512"]] = path
    return Manifest(header["revision"], header["packages"], documents, files, hashed, frozenset(whole))


def _document(row: Mapping[str, Any], packs: Sequence[Digest]) -> StoredDocument:
    segments = [
        Segment(
            first_key=key.encode("latin-1"),
            first_length=first_length,
            count=count,
            text_digest=Digest(text),
            plain_length=plain,
            members={
                codec: MemberRef(Extent(packs[pack], offset, length), unpadded)
                for codec, (pack, offset, length, unpadded) in members.items()
            },
        )
        for key, first_length, count, text, plain, members in row["segments"]
    ]
    return StoredDocument(
        Document(segments, row["head"].encode(), row["tail"].encode()), row["recipe"], row["revision"]
    )
