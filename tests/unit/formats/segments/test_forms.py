"""Files made of members: the real decompressors and Python read the plain text back."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.compression import Codec, open_stream
from entrepot.domain.formats.segments.codecs import CODECS, PLAIN, IndexCodec, Member
from entrepot.domain.formats.segments.cut import CutSizes, Entry
from entrepot.domain.formats.segments.digests import RunningDigests
from entrepot.domain.formats.segments.document import Document, MemberRef, Segment, extents, frame
from entrepot.domain.formats.segments.packing import Packed, pack
from entrepot.domain.formats.segments.recut import build
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Extent
from entrepot.errors import BlobCorrupt

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMS = tuple(CODECS.values())
PACKED = [codec for codec in FORMS if codec is not PLAIN]
PYTHON: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.decompress,
    "xz": lzma.decompress,
    "zst": zstd.decompress,
}
PROGRAMS = {"gz": "gzip", "xz": "xz", "zst": "zstd"}
SMALL = CutSizes(minimum=600, target=1200, maximum=2400, rare_every=4000, dense_every=400)
SIZES = [0, 1, 7, 500]
PACK = Digest("0" * 64)


def entries(count: int) -> Iterator[Entry]:
    for number in range(count):
        key = b"package%06d" % number
        yield Entry(key, b"Package: %s\nVersion: %d\nFilename: pool/%x.deb\n\n" % (key, number, number**3))


class Built:
    """A document whose members lie one after another in one pack for each form."""

    def __init__(self, count: int, head: bytes = b"", tail: bytes = b"") -> None:
        self.packs: dict[str, bytes] = {codec.name: b"" for codec in FORMS}
        segments = [self._keep(each) for each in pack(build(entries(count), SMALL), FORMS) if isinstance(each, Packed)]
        self.document = Document(segments, head, tail)
        self.text = head + b"".join(entry.text for entry in entries(count)) + tail

    def _keep(self, packed: Packed) -> Segment:
        refs = {}
        for name, member in packed.members.items():
            refs[name] = MemberRef(Extent(PACK, len(self.packs[name]), len(member.data)), member.unpadded)
            self.packs[name] += member.data
        return packed.draft.stored(refs)

    def read(self, segment: Segment, form: str) -> bytes:
        extent = segment.members[form].extent
        return self.packs[form][extent.offset : extent.offset + extent.length]

    def file(self, codec: IndexCodec) -> bytes:
        around = frame(self.document, codec)
        body = [self.packs[codec.name][e.offset : e.offset + e.length] for e in extents(self.document, codec)]
        return around.prefix + b"".join(body) + around.suffix


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize(("head", "tail"), [(b"", b""), (b"<metadata>\n", b"</metadata>\n")])
@pytest.mark.parametrize("codec", FORMS, ids=lambda codec: codec.name)
def test_python_reads_every_form(codec: IndexCodec, count: int, head: bytes, tail: bytes) -> None:
    built = Built(count, head, tail)
    assert PYTHON[codec.name](built.file(codec)) == built.text


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("codec", PACKED, ids=lambda codec: codec.name)
def test_the_real_programs_read_every_form(codec: IndexCodec, count: int) -> None:
    program = PROGRAMS[codec.name]
    if shutil.which(program) is None:
        pytest.skip(f"{program} IS NOT INSTALLED; nobody else reads the {codec.name} form here")
    built = Built(count)
    tested = subprocess.run([program, "-t", "-q"], input=built.file(codec), capture_output=True, check=False)
    assert (tested.returncode, tested.stderr) == (0, b"")
    shown = subprocess.run([program, "-dc"], input=built.file(codec), capture_output=True, check=True)
    assert shown.stdout == built.text


def test_xz_is_one_stream_of_many_blocks(tmp_path: Path) -> None:
    if shutil.which("xz") is None:
        pytest.skip("xz IS NOT INSTALLED; the number of streams is not checked")
    built = Built(500)
    path = tmp_path / "Packages.xz"
    path.write_bytes(built.file(CODECS["xz"]))
    listed = subprocess.run(["xz", "--robot", "--list", path], capture_output=True, check=True, text=True)
    totals = next(line for line in listed.stdout.split("\n") if line.startswith("totals")).split("\t")
    assert totals[1:3] == ["1", str(len(built.document.segments))]
    assert len(built.document.segments) > 10


@pytest.mark.parametrize("codec", PACKED, ids=lambda codec: codec.name)
def test_our_own_bounded_reader_takes_them(codec: IndexCodec) -> None:
    built = Built(500)
    source = open_stream(
        io.BytesIO(built.file(codec)), Codec(codec.name), Limits(), name="Packages", concatenated=codec.name != "xz"
    )
    text = b"".join(iter(lambda: source.read(1 << 16), b""))
    assert text == built.text


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("head", [b"", b"<metadata>\n"])
def test_digests_and_sizes_are_those_of_the_files(count: int, head: bytes) -> None:
    built = Built(count, head, head)
    noted, read = (RunningDigests(FORMS, ("sha256", "sha512")) for _ in range(2))
    for position, segment in enumerate(built.document.segments):
        noted.note(position, segment, {form: built.read(segment, form) for form in built.packs}, head)
    measured = noted.measure(built.document, never_read)
    assert measured == read.measure(built.document, built.read)
    for codec in FORMS:
        data = built.file(codec)
        assert measured[codec.name].size_bytes == len(data)
        assert measured[codec.name].digests["sha256"] == hashlib.sha256(data).hexdigest()
        assert measured[codec.name].digests["sha512"] == hashlib.sha512(data).hexdigest()


def never_read(segment: Segment, form: str) -> bytes:
    raise AssertionError(f"{form} of {segment.first_key!r} was noted and is read again")


def test_digests_resume_where_the_document_changed() -> None:
    built = Built(500)
    running = RunningDigests(FORMS)
    running.measure(built.document, built.read)
    asked: list[bytes] = []

    def read(segment: Segment, form: str) -> bytes:
        asked.append(segment.first_key)
        return built.read(segment, form)

    shorter = replace(built.document, segments=[*built.document.segments[:-2], built.document.segments[-1]])
    assert running.measure(shorter, read) == RunningDigests(FORMS).measure(shorter, built.read)
    assert set(asked) == {built.document.segments[-1].first_key}
    asked.clear()
    running.measure(shorter, read)
    assert asked == []
    headed = replace(built.document, head=b"new head\n")
    assert running.measure(headed, read) == RunningDigests(FORMS).measure(headed, built.read)


def test_notes_for_another_document_do_no_harm() -> None:
    built, other = Built(500), Built(300)
    running = RunningDigests(FORMS)
    for position, segment in enumerate(other.document.segments):
        running.note(position, segment, {"plain": other.read(segment, "plain")}, b"another head")
    running.note(400, built.document.segments[0], {"gz": b"nonsense that is never looked at"})
    assert running.measure(built.document, built.read) == RunningDigests(FORMS).measure(built.document, built.read)


def test_a_member_of_another_length_is_corrupt() -> None:
    built = Built(7)
    with pytest.raises(BlobCorrupt, match="another length"):
        RunningDigests(FORMS).measure(built.document, lambda segment, form: built.read(segment, form) + b"x")


def test_many_threads_give_the_same_members() -> None:
    with ThreadPoolExecutor(2) as threads:
        shared = list(pack(build(entries(2000), SMALL), PACKED, threads.map))
    assert shared == list(pack(build(entries(2000), SMALL), PACKED))


@given(st.binary(min_size=1, max_size=3000))
@settings(max_examples=100, deadline=None)
def test_members_unpack_to_their_text(text: bytes) -> None:
    for codec in FORMS:
        assert codec.unpack(codec.pack(text), len(text)) == text


@given(st.binary(min_size=1, max_size=300), st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_member_is_our_error_or_unharmed(text: bytes, data: st.DataObject) -> None:
    for codec in PACKED:
        member = codec.pack(text)
        at = data.draw(st.integers(0, len(member.data) - 1))
        cut_short = Member(member.data[:at], member.unpadded)
        with pytest.raises(BlobCorrupt):
            codec.unpack(cut_short, len(text))
        with pytest.raises(BlobCorrupt):
            codec.unpack(member, len(text) + 1)
        flipped = bytearray(member.data)
        flipped[at] ^= 1 << data.draw(st.integers(0, 7))
        try:
            assert len(codec.unpack(Member(bytes(flipped), member.unpadded), len(text))) == len(text)
        except BlobCorrupt:
            continue
