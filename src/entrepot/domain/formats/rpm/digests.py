"""The digests that a package carries of itself, and the stream of its payload that they are compared with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from entrepot.domain.formats.base import ByteSource
from entrepot.domain.formats.rpm.header import MAIN_HEADER, SIGNATURE_HEADER, Header
from entrepot.domain.formats.rpm.tags import SigTag, Tag
from entrepot.errors import MalformedPackage, PackageDigestMismatch

if TYPE_CHECKING:
    from hashlib import _Hash

_HEX = re.compile(rb"[0-9a-f]+")
# Hash algorithms of RFC 9580 section 9.5 that rpm takes for payloads.
_ALGORITHMS = {8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
_HEADER_DIGESTS = {SigTag.SHA1: "sha1", SigTag.SHA256: "sha256", SigTag.SHA3_256: "sha3_256"}
_DRAIN_BYTES = 1 << 20


class Expectation(NamedTuple):
    """A running hash, and what it has to come to; ``what`` begins the sentence when it does not."""

    what: str
    running: _Hash
    digest: bytes

    def check(self) -> None:
        """Raise PackageDigestMismatch unless the digest holds."""
        if self.running.digest() != self.digest:
            raise PackageDigestMismatch(f"{self.what} does not fit its bytes")


def check_header_digests(signatures: Header, raw: bytes) -> None:
    """Verify every digest over the main header; one at least has to be there.

    Raises:
        PackageDigestMismatch: none is there, or one does not hold.
    """
    present = [tag for tag in _HEADER_DIGESTS if tag in signatures]
    if not present:
        raise PackageDigestMismatch(f"{SIGNATURE_HEADER}: there is no SHA-1, SHA-256 or SHA3-256 of the main header")
    for tag in present:
        expected = _expectation(signatures, tag, _HEADER_DIGESTS[tag])
        expected.running.update(raw)
        expected.check()


def payload_digests(signatures: Header, main: Header) -> tuple[list[Expectation], list[Expectation]]:
    """What the compressed and what the uncompressed payload have to hash to.

    Raises:
        PackageDigestMismatch: nothing protects the payload, or a digest is not written as one.
    """
    packed = []
    if SigTag.MD5 in signatures:
        md5 = hashlib.md5(main.raw, usedforsecurity=False)
        what = f"{SIGNATURE_HEADER}: the MD5 of header and payload"
        digest = signatures.blob(SigTag.MD5) or b""
        packed.append(Expectation(what, md5, digest))
    if Tag.PAYLOADDIGEST in main:
        packed.append(_expectation(main, Tag.PAYLOADDIGEST, _payload_algorithm(main)))
    packed += [
        _expectation(main, tag, algorithm)
        for tag, algorithm in ((Tag.PAYLOADSHA512, "sha512"), (Tag.PAYLOADSHA3_256, "sha3_256"))
        if tag in main
    ]
    if not packed:
        raise PackageDigestMismatch("no digest protects the payload")
    alternative = Tag.PAYLOADDIGESTALT in main
    unpacked = [_expectation(main, Tag.PAYLOADDIGESTALT, _payload_algorithm(main))] if alternative else []
    return packed, unpacked


def check_size(signatures: Header, actual_bytes: int) -> None:
    """Compare the declared size of main header and payload; raises PackageDigestMismatch."""
    for tag in (SigTag.SIZE, SigTag.LONGSIZE):
        declared = signatures.number(tag)
        # Above 4 GiB the short tag cannot hold the size, and the long one is there.
        if declared is not None and declared != actual_bytes:
            sentence = f"{SIGNATURE_HEADER}: {tag.name} declares {declared} bytes of header and payload"
            raise PackageDigestMismatch(f"{sentence}, there are {actual_bytes}")


class HashedSource:
    """Bytes of a file up to its known end, every one of them hashed on the way."""

    __slots__ = ("_expected", "_name", "_source", "left_bytes")

    def __init__(self, source: ByteSource, left_bytes: int, name: str, expected: Iterable[Expectation]) -> None:
        """``left_bytes`` is what ``source`` must still give, no more and no less."""
        self._source, self.left_bytes, self._name = source, left_bytes, name
        self._expected = tuple(expected)

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; raises MalformedPackage when the file ends early."""
        data = self._source.read(min(size, self.left_bytes))
        if not data and self.left_bytes and size:
            raise MalformedPackage(f"{self._name}: the file ends {self.left_bytes} bytes early", member=self._name)
        self.left_bytes -= len(data)
        for each in self._expected:
            each.running.update(data)
        return data

    def finish(self) -> None:
        """Read what is left, and verify end and digests; raises MalformedPackage or PackageDigestMismatch."""
        while self.left_bytes:
            self.read(_DRAIN_BYTES)
        if self._source.read(1):
            raise MalformedPackage("bytes follow the end of the package")
        for each in self._expected:
            each.check()


class HashedStream:
    """An uncompressed stream of unknown length, hashed and counted on the way."""

    __slots__ = ("_expected", "_source", "size_bytes")

    def __init__(self, source: ByteSource, expected: Iterable[Expectation]) -> None:
        self._source, self._expected, self.size_bytes = source, tuple(expected), 0

    def read(self, size: int, /) -> bytes:
        """What the stream gives."""
        data = self._source.read(size)
        self.size_bytes += len(data)
        for each in self._expected:
            each.running.update(data)
        return data

    def check(self) -> None:
        """Verify the digests once the stream was read to its end; raises PackageDigestMismatch."""
        for each in self._expected:
            each.check()


def _payload_algorithm(main: Header) -> str:
    number = main.number(Tag.PAYLOADDIGESTALGO)
    if number not in _ALGORITHMS:
        raise PackageDigestMismatch(f"{MAIN_HEADER}: PAYLOADDIGESTALGO is {number}, no known hash", member=MAIN_HEADER)
    return _ALGORITHMS[number]


def _expectation(header: Header, tag: SigTag | Tag, algorithm: str) -> Expectation:
    running = hashlib.new(algorithm, usedforsecurity=False)
    text = header.text(tag) or b""
    what = f"{header.name}: the digest {tag.name}"
    if len(text) != 2 * running.digest_size or not _HEX.fullmatch(text):
        raise PackageDigestMismatch(
            f"{what} is not {2 * running.digest_size} digits of {algorithm}", member=header.name
        )
    return Expectation(what, running, bytes.fromhex(text.decode()))
