"""The payload against the file list of the header: what rpm would unpack is exactly what the indexes say."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.bundled import Collector
from entrepot.domain.formats.compression import Codec, open_stream
from entrepot.domain.formats.quoting import quote
from entrepot.domain.formats.rpm.container import PAYLOAD, Container
from entrepot.domain.formats.rpm.cpio import CpioReader, Record, records
from entrepot.domain.formats.rpm.digests import HashedStream
from entrepot.domain.formats.rpm.files import ListedFile
from entrepot.domain.formats.rpm.tags import Tag
from entrepot.errors import AmbiguousPackage, MalformedPackage

_CODECS = {
    b"gzip": Codec.GZ,
    b"bzip2": Codec.BZ2,
    b"xz": Codec.XZ,
    b"lzma": Codec.LZMA,
    b"zstd": Codec.ZST,
}
_GZIP_MAGIC = b"\x1f\x8b"


def verify_payload(container: Container, files: tuple[ListedFile, ...], limits: Limits, collector: Collector) -> int:
    """Unpack the whole payload without keeping it, and verify its digests and its agreement with ``files``.

    Files are shown to the collector on the way.  Gives its size unpacked, which the signature header also says,
    unprotected.

    Raises:
        MalformedPackage, AmbiguousPackage, PackageBomb, PackageDigestMismatch: naming the fault.
    """
    try:
        stream = _open_stream(container, limits)
        for each, content in _walk(stream, files, limits):
            collector.look(_bare(each.path), each.mode, each.size_bytes or 0, content)
    except (MalformedPackage, AmbiguousPackage):
        # Damage on the way here shows first as a broken stream; the digest names the cause.
        container.payload.finish()
        raise
    container.payload.finish()
    return stream.size_bytes


def walk_payload(
    container: Container, files: tuple[ListedFile, ...], limits: Limits
) -> Iterator[tuple[bytes, ByteSource]]:
    """Every regular file with content and its bytes, which can be read until the next one is taken."""
    for each, content in _walk(_open_stream(container, limits), files, limits):
        yield _bare(each.path), content
    container.payload.finish()


def _open_stream(container: Container, limits: Limits) -> HashedStream:
    payload_format = container.main.text(Tag.PAYLOADFORMAT)
    if payload_format not in (None, b"cpio"):
        raise MalformedPackage(f"{PAYLOAD}: the format {quote(payload_format)} is not cpio", member=PAYLOAD)
    return HashedStream(_decompressed(container, limits), container.unpacked)


def _walk(
    stream: HashedStream, files: tuple[ListedFile, ...], limits: Limits
) -> Iterator[tuple[ListedFile, ByteSource]]:
    reader = CpioReader(stream, limits)
    by_name = {_bare(each.path): number for number, each in enumerate(files)}
    seen: set[int] = set()
    for record in records(reader):
        number = _number_of(record, by_name, len(files))
        if number in seen:
            raise AmbiguousPackage(f"{PAYLOAD}: the file {quote(files[number].path)} is there twice", member=PAYLOAD)
        seen.add(number)
        listed = files[number]
        if record.index is None:
            _check_record(record, listed)
        else:
            reader.expect(_stripped_bytes(listed))
        if listed.is_regular:
            yield listed, reader
    _check_complete(files, seen)
    stream.check()


def _decompressed(container: Container, limits: Limits) -> ByteSource:
    name = container.main.text(Tag.PAYLOADCOMPRESSOR)
    if name is not None:
        if name not in _CODECS:
            raise MalformedPackage(f"{PAYLOAD}: the compressor {quote(name)} is unknown", member=PAYLOAD)
        return open_stream(container.payload, _CODECS[name], limits, name=PAYLOAD)
    # rpm writes no name for a payload that is not compressed, and reads it as gzip, which also passes plain bytes.
    head = container.payload.read(2)
    codec = Codec.GZ if head == _GZIP_MAGIC else Codec.NONE
    return open_stream(_Resumed(head, container.payload), codec, limits, name=PAYLOAD)


class _Resumed:
    """A source with the bytes put back that were looked at."""

    __slots__ = ("_head", "_source")

    def __init__(self, head: bytes, source: ByteSource) -> None:
        self._head, self._source = head, source

    def read(self, size: int, /) -> bytes:
        if not self._head:
            return self._source.read(size)
        data, self._head = self._head[:size], self._head[size:]
        return data


def _number_of(record: Record, by_name: dict[bytes, int], count: int) -> int:
    if record.index is not None:
        if record.index >= count:
            raise MalformedPackage(f"{PAYLOAD}: a record is for file {record.index} of {count}", member=PAYLOAD)
        return record.index
    number = by_name.get(_bare(record.name))
    if number is None:
        raise AmbiguousPackage(f"{PAYLOAD}: the header does not list the file {quote(record.name)}", member=PAYLOAD)
    return number


def _check_record(record: Record, listed: ListedFile) -> None:
    path = quote(listed.path)
    if stat.S_IFMT(record.mode) != stat.S_IFMT(listed.mode):
        raise AmbiguousPackage(f"{PAYLOAD}: {path} is of another kind than the header says", member=PAYLOAD)
    if not listed.is_regular or listed.size_bytes is None:
        return
    wanted = listed.size_bytes
    # Of several hard links only one has the bytes, and tools differ in which.
    if record.size_bytes != wanted and not (record.links > 1 and record.size_bytes == 0):
        sentence = f"{PAYLOAD}: {path} has {record.size_bytes} bytes, the header says {wanted}"
        raise AmbiguousPackage(sentence, member=PAYLOAD)


def _stripped_bytes(listed: ListedFile) -> int:
    """How many bytes follow a record without name, where only the header knows."""
    if stat.S_ISLNK(listed.mode):
        return len(listed.link)
    if not listed.is_regular or not listed.has_content:
        return 0
    if listed.size_bytes is None:
        raise MalformedPackage(f"{PAYLOAD}: the header has no size for {quote(listed.path)}", member=PAYLOAD)
    return listed.size_bytes


def _check_complete(files: tuple[ListedFile, ...], seen: set[int]) -> None:
    for number, each in enumerate(files):
        if number not in seen and not each.is_ghost:
            raise AmbiguousPackage(f"{PAYLOAD}: the listed file {quote(each.path)} is missing", member=PAYLOAD)


def _bare(path: bytes) -> bytes:
    return path[2:] if path[:2] == b"./" else path.removeprefix(b"/")
