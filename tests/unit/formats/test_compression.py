"""Decoded streams: real compressors as oracles, and every way to end too early, too late or never."""

from __future__ import annotations

import bz2
import io
import lzma
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.formats import compression
from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.compression import Codec, open_stream
from entrepot.errors import MalformedPackage, PackageBomb

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKED = [codec for codec in Codec if codec is not Codec.NONE]
TEXT = b"".join(b"line %d of a text that compresses\n" % n for n in range(5000))


def zst(data: bytes) -> bytes:
    return zstd.compress(data)


PACK: dict[Codec, Callable[[bytes], bytes]] = {
    Codec.NONE: bytes,
    Codec.GZ: lambda data: (c := zlib.compressobj(wbits=31)).compress(data) + c.flush(),
    Codec.XZ: lzma.compress,
    Codec.LZMA: lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    Codec.BZ2: bz2.compress,
    Codec.ZST: zst,
}


def unpack(packed: bytes, codec: Codec, limits: Limits | None = None, *, step: int = 65536, **how: bool | int) -> bytes:
    stream = open_stream(io.BytesIO(packed), codec, limits or Limits(), name="data.tar", **how)  # type: ignore[arg-type]
    out = bytearray()
    while piece := stream.read(step):
        assert len(piece) <= step
        out += piece
    assert stream.read(step) == b""
    return bytes(out)


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("step", [1 << 20, 4096, 13])
def test_gives_back_what_was_packed(codec: Codec, step: int) -> None:
    assert unpack(PACK[codec](TEXT), codec, step=step) == TEXT
    assert unpack(PACK[codec](b""), codec) == b""


@given(
    data=st.binary(max_size=3000), repeat=st.integers(1, 400), step=st.integers(1, 5000), codec=st.sampled_from(Codec)
)
def test_any_bytes_come_back_whatever_the_step(data: bytes, repeat: int, step: int, codec: Codec) -> None:
    data *= repeat if len(data) * repeat < 200_000 else 1
    assert unpack(PACK[codec](data), codec, step=max(step, len(data) // 500 + 1)) == data


@pytest.mark.parametrize(
    ("program", "codec"), [("gzip", Codec.GZ), ("xz", Codec.XZ), ("bzip2", Codec.BZ2), ("zstd", Codec.ZST)]
)
def test_reads_what_the_real_program_writes(program: str, codec: Codec) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    for options in (["-1"], ["-9"], ["-19", "--long=27"] if program == "zstd" else ["-9"]):
        packed = subprocess.run([program, *options, "-c"], input=TEXT, stdout=subprocess.PIPE, check=True).stdout
        assert unpack(packed, codec) == TEXT


@pytest.mark.parametrize("codec", PACKED)
def test_a_stream_cut_anywhere_is_malformed(codec: Codec) -> None:
    packed = PACK[codec](TEXT)
    for cut in (0, 1, 5, 11, len(packed) // 2, len(packed) - 1):
        with pytest.raises(MalformedPackage, match=r"data\.tar"):
            unpack(packed[:cut], codec)


@pytest.mark.parametrize("codec", PACKED)
@pytest.mark.parametrize("tail", [b"\0\0\0\0", b"garbage!", b"\x1f", b"\x1f\x8b"])
def test_bytes_after_the_end_are_malformed(codec: Codec, tail: bytes) -> None:
    with pytest.raises(MalformedPackage, match=r"data\.tar"):
        unpack(PACK[codec](TEXT) + tail, codec)


@pytest.mark.parametrize("codec", PACKED)
def test_noise_and_the_wrong_name_are_malformed(codec: Codec) -> None:
    for other in PACKED:
        if other is not codec:
            with pytest.raises(MalformedPackage):
                unpack(PACK[other](TEXT), codec)


@pytest.mark.parametrize("codec", [Codec.GZ, Codec.XZ, Codec.ZST, Codec.BZ2])
def test_one_flipped_bit_in_the_check_sum_is_malformed(codec: Codec) -> None:
    noise = zlib.compress(TEXT)
    packed = bytearray(PACK[codec](noise))
    if codec is Codec.ZST:
        packed = bytearray(zstd.compress(noise, options={zstd.CompressionParameter.checksum_flag: 1}))
    packed[-2 if codec is not Codec.GZ else -6] ^= 0x10
    with pytest.raises(MalformedPackage):
        unpack(bytes(packed), codec)


@pytest.mark.parametrize("codec", [Codec.XZ, Codec.ZST, Codec.BZ2])
def test_a_second_stream_is_taken_only_when_asked_for(codec: Codec) -> None:
    packed = PACK[codec](TEXT) + PACK[codec](b"second")
    assert unpack(packed, codec, concatenated=True) == TEXT + b"second"
    with pytest.raises(MalformedPackage, match="after the end"):
        unpack(packed, codec)


def test_gzip_members_follow_each_other() -> None:
    pack = PACK[Codec.GZ]
    assert unpack(pack(TEXT) + pack(b"") + pack(b"second"), Codec.GZ, step=7000) == TEXT + b"second"


def test_more_streams_than_any_program_writes_are_a_bomb() -> None:
    with pytest.raises(PackageBomb, match="streams"):
        unpack(PACK[Codec.GZ](b"") * (compression.MAX_STREAMS + 1), Codec.GZ)


@pytest.mark.parametrize("codec", Codec)
def test_output_is_bounded(codec: Codec) -> None:
    packed = PACK[codec](TEXT)
    assert unpack(packed, codec, max_bytes=len(TEXT)) == TEXT
    with pytest.raises(PackageBomb, match=r"data\.tar"):
        unpack(packed, codec, max_bytes=len(TEXT) - 1)
    with pytest.raises(PackageBomb):
        unpack(packed, codec, Limits(unpacked_bytes=100))


@pytest.mark.parametrize("codec", PACKED)
def test_filler_that_expands_without_end_is_a_bomb(codec: Codec) -> None:
    with pytest.raises(PackageBomb, match="times its size"):
        unpack(PACK[codec](bytes(100 << 20)), codec)


def test_a_greedy_xz_dictionary_is_a_bomb() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    raw = bytearray(lzma.compress(TEXT, format=lzma.FORMAT_XZ, filters=filters))
    size = (raw[12] + 1) * 4
    head = raw[12 : 12 + size - 4]
    head[head.index(b"\x21\x01") + 2] = 40  # 4 GiB - 1
    raw[12 : 12 + size] = head + struct.pack("<I", zlib.crc32(head))
    with pytest.raises(PackageBomb, match="memory"):
        unpack(bytes(raw), Codec.XZ)


def test_a_greedy_zstd_window_is_a_bomb() -> None:
    frame = b"\x28\xb5\x2f\xfd\x00\xff" + bytes([1, 0, 0])
    with pytest.raises(PackageBomb, match="memory"):
        unpack(frame, Codec.ZST)


def test_nothing_but_skippable_zstd_frames_is_empty_at_most() -> None:
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"skip"
    assert unpack(skippable + zst(TEXT) + skippable, Codec.ZST, concatenated=True) == TEXT
    with pytest.raises(MalformedPackage):
        unpack(skippable * 3, Codec.ZST)
