"""The parts of a .rpm in their order: lead, signature header, main header, payload."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.rpm.digests import (
    Expectation,
    HashedSource,
    check_header_digests,
    check_size,
    payload_digests,
)
from entrepot.domain.formats.rpm.header import MAIN_HEADER, SIGNATURE_HEADER, Header, read_exactly, read_header
from entrepot.domain.formats.rpm.openpgp import SignatureFault, parse_signature
from entrepot.domain.formats.rpm.tags import REGION_IMMUTABLE, REGION_SIGNATURES, SigTag
from entrepot.errors import MalformedPackage, PackageSignatureInvalid

LEAD_BYTES = 96
PAYLOAD = "payload"
MAX_SIGNATURE_HEADER_BYTES = 64 << 20  # rpm's own bound

_LEAD = struct.Struct(">4sBBHH66sHH16x")
_LEAD_MAGIC = b"\xed\xab\xee\xdb"
_BINARY, _SOURCE = 0, 1
_HEADER_SIGNATURES = 5
_SIGNATURE_TAGS = frozenset(tag.value for tag in SigTag)
_MAX_OPENPGP = 32
OVER_PAYLOAD_TOO = (SigTag.PGP, SigTag.GPG, SigTag.PGP5)


@dataclass(frozen=True, slots=True)
class Container:
    """A package whose headers were read and hold; its payload is still to be read.

    ``header_start`` and ``header_end`` are offsets of the main header in the file.  ``unpacked`` are digests of the
    payload after decompression.
    """

    source_package: bool
    signatures: Header
    main: Header
    header_start: int
    header_end: int
    signed: bool
    payload: HashedSource
    unpacked: tuple[Expectation, ...]


def open_container(source: ByteSource, size_bytes: int, limits: Limits) -> Container:
    """Read as far as the payload, which ``payload`` then gives.

    Raises:
        MalformedPackage, AmbiguousPackage, BadPackageField, PackageBomb, PackageDigestMismatch,
        PackageSignatureInvalid: naming the header and what is wrong with it.
    """
    source_package = _read_lead(source, size_bytes)
    left = size_bytes - LEAD_BYTES
    signatures, padding = _read_signatures(source, left, limits)
    left -= len(signatures.raw) + padding
    check_size(signatures, left)
    raw = read_header(source, MAIN_HEADER, left, limits.header_bytes)
    check_header_digests(signatures, raw)
    main = Header(MAIN_HEADER, raw, REGION_IMMUTABLE)
    signed = _check_signatures(signatures, raw)
    packed, unpacked = payload_digests(signatures, main)
    start = size_bytes - left
    payload = HashedSource(source, left - len(raw), PAYLOAD, packed)
    return Container(source_package, signatures, main, start, start + len(raw), signed, payload, tuple(unpacked))


def _read_lead(source: ByteSource, size_bytes: int) -> bool:
    """Whether the lead is that of a source package; nothing else in it is believed."""
    raw = read_exactly(source, LEAD_BYTES, "lead", size_bytes)
    magic, major, _, kind, _, _, _, signature_kind = _LEAD.unpack(raw)
    if magic != _LEAD_MAGIC:
        raise MalformedPackage("lead: the file does not begin with the magic of an rpm package", member="lead")
    if major not in (3, 4):
        raise MalformedPackage(f"lead: the format version is {major}, not 3 or 4", member="lead")
    if kind not in (_BINARY, _SOURCE):
        raise MalformedPackage(f"lead: the kind of package is {kind}, neither binary nor source", member="lead")
    if signature_kind != _HEADER_SIGNATURES:
        raise MalformedPackage(f"lead: the kind of signature is {signature_kind}, not a header", member="lead")
    return bool(kind == _SOURCE)


def _read_signatures(source: ByteSource, left_bytes: int, limits: Limits) -> tuple[Header, int]:
    """The signature header and how many bytes pad it to a multiple of eight."""
    bound = min(MAX_SIGNATURE_HEADER_BYTES, limits.header_bytes)
    header = Header(SIGNATURE_HEADER, read_header(source, SIGNATURE_HEADER, left_bytes, bound), REGION_SIGNATURES)
    padding = -len(header.raw) % 8
    if read_exactly(source, padding, SIGNATURE_HEADER, left_bytes - len(header.raw)).strip(b"\0"):
        raise MalformedPackage(f"{SIGNATURE_HEADER}: its padding is not zero", member=SIGNATURE_HEADER)
    for tag in header:
        if tag not in _SIGNATURE_TAGS:
            raise MalformedPackage(f"{SIGNATURE_HEADER}: the tag {tag} has no place in it", member=SIGNATURE_HEADER)
    return header, padding


def _check_signatures(signatures: Header, main: bytes) -> bool:
    """Whether there is a signature; each has to be one, and those over the main header have to fit it.

    Raises:
        PackageSignatureInvalid: naming the tag.
    """
    signed = False
    for tag, raw in signature_blobs(signatures):
        try:
            signature = parse_signature(raw)
        except SignatureFault as fault:
            raise _invalid(tag, str(fault)) from fault
        if tag not in OVER_PAYLOAD_TOO:
            running = signature.start()
            running.update(main)
            if not signature.fits(running):
                raise _invalid(tag, "is a signature over something else")
        signed = True
    return signed


def signature_blobs(signatures: Header) -> Iterator[tuple[SigTag, bytes]]:
    """Every signature packet with its tag; raises PackageSignatureInvalid."""
    for tag in (SigTag.DSA, SigTag.RSA, SigTag.PGP, SigTag.GPG, SigTag.PGP5):
        if tag in signatures:
            yield tag, signatures.blob(tag) or b""
    if signatures.count(SigTag.OPENPGP) > _MAX_OPENPGP:
        raise _invalid(SigTag.OPENPGP, f"holds more than {_MAX_OPENPGP} signatures")
    for text in signatures.texts(SigTag.OPENPGP):
        try:
            yield SigTag.OPENPGP, base64.b64decode(text, validate=True)
        except binascii.Error as fault:
            raise _invalid(SigTag.OPENPGP, "is not Base64") from fault


def _invalid(tag: SigTag, fault: str) -> PackageSignatureInvalid:
    return PackageSignatureInvalid(f"{SIGNATURE_HEADER}: the value of {tag.name} {fault}", member=SIGNATURE_HEADER)
