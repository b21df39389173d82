"""The members of a .deb in the one order that deb(5) allows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.compression import Codec, open_stream
from entrepot.domain.formats.deb.ar import ArMember, ArReader
from entrepot.domain.formats.deb.tar import REGULAR, TarReader
from entrepot.errors import AmbiguousPackage, MalformedPackage

MAX_IGNORED_MEMBERS = 64

_FORMAT_VERSION = re.compile(rb"2\.[0-9]{1,3}\n")
_MEMBER = re.compile(r"(control|data)\.tar(?:\.([a-z0-9]+))?")
# deb(5): control knows fewer compressors than data.
_CODECS = {
    "control": {None: Codec.NONE, "gz": Codec.GZ, "xz": Codec.XZ, "zst": Codec.ZST},
    "data": {
        None: Codec.NONE,
        "gz": Codec.GZ,
        "xz": Codec.XZ,
        "zst": Codec.ZST,
        "bz2": Codec.BZ2,
        "lzma": Codec.LZMA,
    },
}


class DebParts:
    """One pass over a .deb: ``open_control``, then ``open_data``, then ``finish``.

    Opening the next part skips what was not read of the one before, unverified.  ``signed`` is known after ``finish``.
    """

    def __init__(self, source: ByteSource, size_bytes: int) -> None:
        """Read as far as the format version; raises MalformedPackage."""
        self._archive = ArReader(source, size_bytes)
        self.signed = False
        self._ignored = 0
        first = self._archive.next_member()
        if first is None or first.name != "debian-binary":
            raise MalformedPackage("the first ar member is not debian-binary")
        if first.size_bytes > 8 or not _FORMAT_VERSION.fullmatch(first.read(8)):
            raise MalformedPackage("debian-binary does not hold the format version 2.x", member="debian-binary")

    def open_control(self, limits: Limits) -> TarReader:
        """control.tar, bounded by ``limits.control_bytes``."""
        member = self._next()
        return self._open(member, "control", limits, limits.control_bytes)

    def open_data(self, limits: Limits) -> TarReader:
        """data.tar, bounded by ``limits.unpacked_bytes`` and ``limits.members``."""
        member = self._next()
        if member is not None and member.name.startswith("control.tar"):
            raise AmbiguousPackage(f"there is a second control member, {member.name}", member=member.name)
        return self._open(member, "data", limits, limits.unpacked_bytes)

    def finish(self) -> None:
        """Verify that nothing follows data.tar that another reader could take for a part of the package."""
        member = self._next()
        if member is None:
            return
        if _MEMBER.fullmatch(member.name):
            raise AmbiguousPackage(f"there is a second candidate for a member, {member.name}", member=member.name)
        raise MalformedPackage(f"the unknown ar member {member.name} follows data.tar", member=member.name)

    def _open(self, member: ArMember | None, part: str, limits: Limits, max_bytes: int) -> TarReader:
        if member is None:
            raise MalformedPackage(f"there is no {part}.tar member", member=f"{part}.tar")
        match = _MEMBER.fullmatch(member.name)
        if match is None or match[1] != part:
            raise MalformedPackage(f"the ar member {member.name} is where {part}.tar must be", member=member.name)
        codec = _CODECS[part].get(match[2])
        if codec is None:
            raise MalformedPackage(f"{member.name} has a compression that {part}.tar cannot have", member=member.name)
        stream = open_stream(member, codec, limits, name=member.name, max_bytes=max_bytes)
        return TarReader(stream, member.name, limits, max_bytes=max_bytes, max_members=limits.members)

    def _next(self) -> ArMember | None:
        """The next member that counts; deb(5) says to skip those that begin with an underscore."""
        while (member := self._archive.next_member()) is not None and member.name[0] == "_":
            self.signed = self.signed or member.name.startswith("_gpg")
            self._ignored += 1
            if self._ignored > MAX_IGNORED_MEMBERS:
                raise MalformedPackage(f"there are more than {MAX_IGNORED_MEMBERS} ar members to ignore")
        return member


def payload_files(source: ByteSource, size_bytes: int, limits: Limits) -> Iterator[tuple[bytes, ByteSource]]:
    """Every regular file of both tars with its bytes, for scanners; control files are named ``DEBIAN/<name>``.

    The bytes can be read until the next file is taken.  Raises what ``DebFormat.read`` raises about containers.
    """
    parts = DebParts(source, size_bytes)
    yield from _regular_files(b"DEBIAN/", parts.open_control(limits))
    yield from _regular_files(b"", parts.open_data(limits))
    parts.finish()


def _regular_files(prefix: bytes, tar: TarReader) -> Iterator[tuple[bytes, ByteSource]]:
    for member in tar.members():
        if member.kind == REGULAR:
            yield prefix + member.name.removeprefix(b"./"), tar
