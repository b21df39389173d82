"""Forms in which an index document is published: plain, gz, xz, zst."""

from __future__ import annotations

import lzma
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import deflate

from entrepot.domain.formats.segments import xz
from entrepot.errors import BlobCorrupt

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_LEVEL = 6  # libdeflate: the size of zlib -9 in a third of its time
XZ_PRESET = 6
_XZ_MEMORY_BYTES = 32 << 20
# Level 9 looks for matches of 4 bytes in inputs below 256 KiB and of 5 above; in index text 5 saves 3.5 %.
_ZSTD_OPTIONS: dict[int, int] = {zstd.CompressionParameter.compression_level: 9, zstd.CompressionParameter.min_match: 5}


@dataclass(frozen=True, slots=True)
class Member:
    """The packed bytes of one segment.  ``unpadded`` is the size that an xz index states; elsewhere the length."""

    data: bytes
    unpadded: int


class IndexCodec(Protocol):
    """One form.  A file is ``header``, members one after another, ``trailer``; equal text gives an equal member."""

    name: str
    suffix: str
    header: bytes

    def pack(self, text: bytes) -> Member:
        """Releases the interpreter's lock while it works; safe in many threads."""
        ...

    def unpack(self, member: Member, plain_length: int) -> bytes:
        """The text of one member, which must have exactly ``plain_length`` bytes; raises BlobCorrupt."""
        ...

    def trailer(self, members: Sequence[tuple[int, int]]) -> bytes:
        """What follows members of (unpadded, plain length); without any, the file must still be a valid one."""
        ...


class PlainCodec:
    """The document itself."""

    name, suffix, header = "plain", "", b""

    def pack(self, text: bytes) -> Member:  # noqa: D102
        return Member(text, len(text))

    def unpack(self, member: Member, plain_length: int) -> bytes:  # noqa: D102
        return _checked(member.data, plain_length, self.name)

    def trailer(self, members: Sequence[tuple[int, int]]) -> bytes:  # noqa: D102
        return b""


class GzipCodec:
    """One gzip member for each segment (RFC 1952 section 2.2), no time, no name."""

    name, suffix, header = "gz", ".gz", b""

    def pack(self, text: bytes) -> Member:  # noqa: D102
        data = bytes(deflate.gzip_compress(text, GZIP_LEVEL))
        return Member(data, len(data))

    def unpack(self, member: Member, plain_length: int) -> bytes:  # noqa: D102
        # libdeflate takes the size of its output from the last four bytes, so those are believed only if they fit.
        if len(member.data) < 18 or int.from_bytes(member.data[-4:], "little") != plain_length:
            raise _damaged(self.name)
        try:
            text = deflate.gzip_decompress(member.data, max(plain_length, 1))
        except deflate.DeflateError as fault:
            raise _damaged(self.name) from fault
        return _checked(bytes(text), plain_length, self.name)

    def trailer(self, members: Sequence[tuple[int, int]]) -> bytes:  # noqa: D102
        return b"" if members else self.pack(b"").data


class XzCodec:
    """One stream, a block for each segment, the dictionary as large as the block."""

    name, suffix, header = "xz", ".xz", xz.STREAM_HEADER

    def pack(self, text: bytes) -> Member:  # noqa: D102
        return Member(*xz.pack_block(text, XZ_PRESET))

    def unpack(self, member: Member, plain_length: int) -> bytes:  # noqa: D102
        decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES)
        stream = self.header + member.data + self.trailer([(member.unpadded, plain_length)])
        try:
            text = decoder.decompress(stream, plain_length + 1)
        except lzma.LZMAError as fault:
            raise _damaged(self.name) from fault
        if not decoder.eof:
            raise _damaged(self.name)
        return _checked(text, plain_length, self.name)

    def trailer(self, members: Sequence[tuple[int, int]]) -> bytes:  # noqa: D102
        return xz.stream_trailer(members)


class ZstdCodec:
    """One frame for each segment (RFC 8878 section 3)."""

    name, suffix, header = "zst", ".zst", b""

    def pack(self, text: bytes) -> Member:  # noqa: D102
        data = zstd.compress(text, options=_ZSTD_OPTIONS)
        return Member(data, len(data))

    def unpack(self, member: Member, plain_length: int) -> bytes:  # noqa: D102
        decoder = zstd.ZstdDecompressor()
        try:
            text = decoder.decompress(member.data, plain_length + 1)
        except zstd.ZstdError as fault:
            raise _damaged(self.name) from fault
        if not decoder.eof or decoder.unused_data:
            raise _damaged(self.name)
        return _checked(text, plain_length, self.name)

    def trailer(self, members: Sequence[tuple[int, int]]) -> bytes:  # noqa: D102
        return b"" if members else self.pack(b"").data


PLAIN: IndexCodec = PlainCodec()
GZ: IndexCodec = GzipCodec()
XZ: IndexCodec = XzCodec()
ZST: IndexCodec = ZstdCodec()
CODECS: Mapping[str, IndexCodec] = {codec.name: codec for codec in (PLAIN, GZ, XZ, ZST)}


def _damaged(name: str) -> BlobCorrupt:
    return BlobCorrupt(f"a stored {name} member of an index does not decode", form=name)


def _checked(text: bytes, plain_length: int, name: str) -> bytes:
    if len(text) != plain_length:
        raise BlobCorrupt(f"a stored {name} member of an index does not hold {plain_length} bytes of text", form=name)
    return text
