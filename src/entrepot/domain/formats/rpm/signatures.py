"""The signatures of a .rpm: over its main header alone, or over header and payload."""

from __future__ import annotations

from collections.abc import Iterator

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.rpm.container import OVER_PAYLOAD_TOO, open_container, signature_blobs
from entrepot.domain.formats.rpm.header import read_exactly
from entrepot.domain.formats.rpm.tags import SigTag, Tag
from entrepot.domain.formats.signed import Carried, Covers, Opener

_PIECE_BYTES = 1 << 20
_LABELS = {
    SigTag.DSA: "header signature (DSAHEADER)",
    SigTag.RSA: "header signature (RSAHEADER)",
    SigTag.OPENPGP: "header signature (OPENPGP)",
    SigTag.PGP: "signature of header and payload (PGP)",
    SigTag.GPG: "signature of header and payload (GPG)",
    SigTag.PGP5: "signature of header and payload (PGP5)",
}
_PAYLOAD_DIGESTS = (Tag.PAYLOADDIGEST, Tag.PAYLOADDIGESTALT, Tag.PAYLOADSHA512, Tag.PAYLOADSHA3_256)


def carried_by_rpm(opened: Opener, size_bytes: int, limits: Limits) -> list[Carried]:
    """All of them.  Raises what ``RpmFormat.read`` raises about containers.

    A signature of the header reaches the payload only through a digest of it in the header, which ``RpmFormat.read``
    has compared; where the header has none, the signature says so as its fault.
    """
    with opened() as source:
        container = open_container(source, size_bytes, limits)
    header = container.main.raw
    chained = any(tag in container.main for tag in _PAYLOAD_DIGESTS)
    loose = "" if chained else "covers a header that names no digest of the payload, so that nothing protects the files"

    def over_header() -> Iterator[bytes]:
        yield header

    def over_both() -> Iterator[bytes]:
        with opened() as source:
            read_exactly(source, container.header_start, "package", size_bytes)
            while piece := source.read(_PIECE_BYTES):
                yield piece

    return [
        Carried(_LABELS[tag], raw, Covers.WHOLE, over_both)
        if tag in OVER_PAYLOAD_TOO
        else Carried(_LABELS[tag], raw, Covers.HEADER, over_header, loose)
        for tag, raw in signature_blobs(container.signatures)
    ]
