"""The head of a bundle, which every volume begins with: read before anything else, verified before it is understood.

In this order: ``SHA256SUMS``, ``SHA256SUMS.asc``, ``bundle.json``, ``key.asc``, the lists; other small files may follow
and are ignored.  ``SHA256SUMS`` lists all of these but the first two, and every file that the volumes carry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from entrepot.domain.bundles.archive import END, Archive, Member, Source, header_of, padding_of, space_of
from entrepot.domain.bundles.lists import Entry, file_path, read_list, read_sums
from entrepot.domain.bundles.manifest import BundledState, BundleManifest, read_manifest
from entrepot.domain.model.digest import Digest
from entrepot.errors import BundleDigest, BundleMalformed

SUMS, SIGNATURE, MANIFEST, KEY = "SHA256SUMS", "SHA256SUMS.asc", "bundle.json", "key.asc"
FILES = "files/"
_MOST_SUMS_BYTES = 256 << 20
_MOST_SIGNATURE_BYTES = 256 << 10
_MOST_SMALL_BYTES = 4 << 20
_MOST_LIST_BYTES = 256 << 20
_MOST_SMALL = 128

Verify = Callable[[bytes, bytes], None]
"""Raises unless the second is a good signature over the first."""


@dataclass(frozen=True)
class Head:
    """All of it.  ``small`` are the files that ``SHA256SUMS`` lists besides those that are carried."""

    sums: bytes
    signature: bytes
    small: Mapping[str, bytes]

    @cached_property
    def manifest(self) -> BundleManifest:
        """Raises BundleMalformed, BundleTooNew."""
        return read_manifest(self.small[MANIFEST])

    @cached_property
    def listed(self) -> dict[str, Digest]:
        """What is signed, by path."""
        return read_sums(self.sums)

    @cached_property
    def carried(self) -> Sequence[Digest]:
        """The files of all volumes, in their order."""
        return [digest for path, digest in self.listed.items() if path.startswith(FILES)]

    @cached_property
    def sizes(self) -> Mapping[Digest, int]:
        """Of everything that its states consist of."""
        found: dict[Digest, int] = {}
        for state in self.manifest.states:
            for entry in self.entries(state):
                if found.setdefault(entry.digest, entry.size_bytes) != entry.size_bytes:
                    raise BundleMalformed(f"the lists give two sizes for {entry.digest}")
        return found

    def entries(self, state: BundledState) -> Iterator[Entry]:
        """What a state holds."""
        packed = self.small.get(state.list_path)
        if packed is None:
            raise BundleMalformed(f"{state.list_path} is missing")
        return read_list(packed, state)

    def check(self) -> None:
        """Whether it fits together.

        Raises:
            BundleMalformed, BundleTooNew: it does not.
        """
        manifest, sizes = self.manifest, self.sizes
        for path, digest in self.listed.items():
            if path.startswith(FILES) and path != file_path(digest):
                raise BundleMalformed(f"SHA256SUMS lists {path} under another digest")
        if unlisted := next((digest for digest in self.carried if digest not in sizes), None):
            raise BundleMalformed(f"the bundle carries {unlisted}, which none of its states has")
        size_bytes = sum(sizes[digest] for digest in self.carried)
        if (len(self.carried), size_bytes) != (manifest.file_count, manifest.size_bytes):
            raise BundleMalformed("bundle.json does not count the files that SHA256SUMS lists")

    def kept(self) -> bytes:
        """To be kept: a volume without files."""
        return self.to_bytes() + END

    def to_bytes(self) -> bytes:
        """As every volume begins."""
        second = int(self.manifest.created_at.timestamp())
        files = {SUMS: self.sums, SIGNATURE: self.signature, **self.small}
        return b"".join(
            header_of(path, len(data), second) + data + padding_of(len(data)) for path, data in files.items()
        )


def read_head(archive: Archive, verify: Verify) -> tuple[Head, Iterator[Member]]:
    """The head, verified, and the members from the first carried file on.

    Raises:
        BundleSignature: nobody who is trusted signed it.
        BundleMalformed, BundleDigest, BundleTooNew: it is not whole, or not of this form.
    """
    members = archive.members()
    sums = _next(archive, members, SUMS, _MOST_SUMS_BYTES)
    signature = _next(archive, members, SIGNATURE, _MOST_SIGNATURE_BYTES)
    verify(sums, signature)
    listed = read_sums(sums)
    small: dict[str, bytes] = {}
    first: Member | None = None
    for member in members:
        if member.path.startswith(FILES):
            first = member
            break
        if len(small) >= _MOST_SMALL:
            raise BundleMalformed(f"the head of the bundle has more than {_MOST_SMALL} files")
        most = _MOST_LIST_BYTES if member.path.startswith("lists/") else _MOST_SMALL_BYTES
        data = archive.read_all(most)
        if listed.get(member.path) != hashlib.sha256(data).hexdigest():
            raise BundleDigest(f"{member.path} is not the file that SHA256SUMS lists")
        small[member.path] = data
    if MANIFEST not in small:
        raise BundleMalformed(f"the volume has no {MANIFEST}")
    head = Head(sums, signature, small)
    head.check()
    return head, _chained(first, members)


def stored_head(source: Source) -> Head:
    """One that was verified when it was kept, as ``kept`` gave it."""
    return read_head(Archive(source), lambda _sums, _signature: None)[0]


def _next(archive: Archive, members: Iterator[Member], path: str, most_bytes: int) -> bytes:
    member = next(members, None)
    if member is None or member.path != path:
        raise BundleMalformed(f"this is no volume of a bundle: {path} is not where it should be")
    return archive.read_all(most_bytes)


def _chained(first: Member | None, rest: Iterator[Member]) -> Iterator[Member]:
    if first is not None:
        yield first
        yield from rest


@dataclass(frozen=True, slots=True)
class Volume:
    """The files from ``start`` up to ``stop`` of those that are carried, and the size of the whole volume."""

    start: int
    stop: int
    size_bytes: int


def cut(head_bytes: int, sizes: Sequence[int], most_bytes: int | None) -> list[Volume]:
    """Volumes of at most so many bytes, in the order of the files; one, if nothing is said.

    Raises:
        BundleMalformed: a file does not fit into one.
    """
    volumes: list[Volume] = []
    start, space = 0, head_bytes + len(END)
    for number, size in enumerate(sizes):
        wanted = space_of(size)
        if most_bytes is not None and space + wanted > most_bytes:
            if head_bytes + len(END) + wanted > most_bytes:
                least = head_bytes + len(END) + wanted
                raise BundleMalformed(f"a volume needs {least} bytes at least, for the largest file and the head")
            volumes.append(Volume(start, number, space))
            start, space = number, head_bytes + len(END)
        space += wanted
    return [*volumes, Volume(start, len(sizes), space)]
