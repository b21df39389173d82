"""Streams of the compressors that packages use, decoded piece by piece under fixed bounds.

A stream ends only where its own format says so: what is cut short, what follows the end and what fails its check sum
is refused, because two readers would otherwise see two different packages.
"""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.errors import MalformedPackage, PackageBomb

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

INPUT_BYTES = 64 << 10
XZ_MEMORY_BYTES = 160 << 20  # xz -9 asks for 65 MiB; two of those and room for their tables
ZSTD_WINDOW_LOG = 27  # 128 MiB, what ``zstd --long=27`` writes
MAX_STREAMS = 65_536  # concatenated streams; each costs a decoder
RATIO_FLOOR_BYTES = 64 << 20  # a smaller output harms nobody, however well it compresses
DEFLATE_RATIO = 500  # deflate reaches 1032 at best; half of it over tens of megabytes is nothing but filler


class Codec(StrEnum):
    """A compressor, named by the suffix of the members that use it."""

    NONE = "none"
    GZ = "gz"
    XZ = "xz"
    ZST = "zst"
    BZ2 = "bz2"
    LZMA = "lzma"


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _GzipDecoder:
    """zlib with the surface that the other decoders have."""

    __slots__ = ("_inflate", "_more")

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._more = False

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._more

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        tail = self._inflate.unconsumed_tail
        out = self._inflate.decompress(tail + data if tail else data, max_length)
        # A full output may leave bytes inside zlib even when all input is gone.
        self._more = bool(self._inflate.unconsumed_tail) or len(out) == max_length
        return out


def _zstd_decoder() -> _Decoder:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})


_DECODERS: dict[Codec, Callable[[], _Decoder]] = {
    Codec.GZ: _GzipDecoder,
    Codec.XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES),
    Codec.LZMA: lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, XZ_MEMORY_BYTES),
    Codec.BZ2: bz2.BZ2Decompressor,
    Codec.ZST: _zstd_decoder,
}
_FAULTS = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError)


def open_stream(
    source: ByteSource,
    codec: Codec,
    limits: Limits,
    *,
    name: str,
    max_bytes: int | None = None,
    concatenated: bool = False,
) -> ByteSource:
    """The decoded bytes of ``source``, which must hold exactly one compressed stream.

    ``name`` stands in the sentences of errors.  ``max_bytes`` bounds the output in place of
    ``limits.unpacked_bytes``.  ``concatenated`` also takes several streams in a row; gzip always does (RFC 1952
    section 2.2), the others only where the reader of the format does: dpkg stops after the first.

    ``read(n)`` of the result gives between 1 and ``n`` bytes, and ``b""`` only once the whole source was read and
    every check sum held.  It raises MalformedPackage or PackageBomb.
    """
    bound = limits.unpacked_bytes if max_bytes is None else max_bytes
    if codec is Codec.NONE:
        return _Plain(source, name, bound)
    ratio = min(limits.ratio, DEFLATE_RATIO) if codec is Codec.GZ else limits.ratio
    return _Decoded(source, codec, name, bound, ratio, concatenated=concatenated or codec is Codec.GZ)


class _Plain:
    """Stored bytes; only their number is bounded."""

    __slots__ = ("_left", "_max_bytes", "_name", "_source")

    def __init__(self, source: ByteSource, name: str, max_bytes: int) -> None:
        self._source, self._name, self._max_bytes, self._left = source, name, max_bytes, max_bytes

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise PackageBomb(f"{self._name} holds more than {self._max_bytes} bytes", member=self._name)
        return data


class _Decoded:
    __slots__ = (
        "_codec", "_concatenated", "_consumed", "_decoder", "_max_bytes", "_name", "_pending", "_produced", "_ratio",
        "_source", "_starved", "_streams",
    )  # fmt: skip

    def __init__(
        self, source: ByteSource, codec: Codec, name: str, max_bytes: int, ratio: int, *, concatenated: bool
    ) -> None:
        self._source, self._codec, self._name = source, codec, name
        self._max_bytes, self._ratio, self._concatenated = max_bytes, ratio, concatenated
        self._consumed = self._produced = 0
        self._pending = b""
        self._starved = True
        self._streams = 1
        self._decoder: _Decoder | None = _DECODERS[codec]()

    def read(self, size: int, /) -> bytes:
        if size <= 0:
            return b""
        while self._decoder is not None:
            if self._decoder.eof:
                self._next_stream(self._decoder)
                continue
            out = self._decode(self._decoder, size)
            if out:
                self._produced += len(out)
                self._check_bounds()
                return out
        return b""

    def _decode(self, decoder: _Decoder, size: int) -> bytes:
        chunk = b""
        if self._starved or decoder.needs_input:
            chunk = self._take_input()
            if not chunk:
                raise MalformedPackage(
                    f"{self._name} ends in the middle of its {self._codec} stream", member=self._name
                )
        try:
            out = decoder.decompress(chunk, size)
        except _FAULTS as fault:
            raise self._fault(fault) from fault
        # A decoder that wants no input and gives no output would spin: feed it, and let the end of input decide.
        self._starved = not out
        return out

    def _take_input(self) -> bytes:
        chunk, self._pending = self._pending or self._source.read(INPUT_BYTES), b""
        self._consumed += len(chunk)
        return chunk

    def _next_stream(self, ended: _Decoder) -> None:
        rest = ended.unused_data
        self._consumed -= len(rest)
        rest = rest or self._source.read(INPUT_BYTES)
        self._decoder = None
        if not rest:
            return
        if not self._concatenated or (self._codec is Codec.GZ and rest[:1] != b"\x1f"):
            raise MalformedPackage(
                f"{self._name} has bytes after the end of its {self._codec} stream", member=self._name
            )
        self._streams += 1
        if self._streams > MAX_STREAMS:
            raise PackageBomb(f"{self._name} is made of more than {MAX_STREAMS} streams", member=self._name)
        self._pending, self._starved = rest, True
        self._decoder = _DECODERS[self._codec]()

    def _fault(self, fault: Exception) -> MalformedPackage | PackageBomb:
        # liblzma and libzstd tell a refused window or dictionary from damage by their sentence alone.
        if "memory" in str(fault).lower():
            return PackageBomb(f"{self._name} asks for more memory to unpack than is allowed", member=self._name)
        return MalformedPackage(f"{self._name} is not a valid {self._codec} stream", member=self._name)

    def _check_bounds(self) -> None:
        if self._produced > self._max_bytes:
            raise PackageBomb(f"{self._name} unpacks to more than {self._max_bytes} bytes", member=self._name)
        if self._produced > RATIO_FLOOR_BYTES and self._produced > self._ratio * self._consumed:
            raise PackageBomb(f"{self._name} unpacks to more than {self._ratio} times its size", member=self._name)
