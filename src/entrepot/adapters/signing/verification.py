"""What a client would say of a signature: the answer of pysequoia.  An implementation of ``Verification``.

The only module that knows that library, whose interface is declared unstable.  Its standard policy is stricter than
``gpgv``: SHA-1 bindings and RSA below 2048 bits are no signatures here.
"""

from __future__ import annotations

import re

import pysequoia

from entrepot.adapters.signing.armor import Block, dearmor
from entrepot.adapters.signing.packets import Tag, read_packets
from entrepot.errors import BadSignature

_MAXIMUM_CERTIFICATE_BYTES = 16 << 20
_MAXIMUM_CLEAR_BYTES = 256 << 20
_MAXIMUM_SIGNATURE_BYTES = 1 << 20
_MAXIMUM_SIGNATURES = 64
_CLEAR_HEAD = b"-----BEGIN PGP SIGNED MESSAGE-----"
_CLEAR_START = re.compile(_CLEAR_HEAD + rb"[ \t]*\r?\n(?:Hash: [A-Za-z0-9, -]{1,100}[ \t]*\r?\n){0,8}[ \t]*\r?\n")
_SIGNATURE_HEAD = b"\n-----BEGIN PGP SIGNATURE-----"
_SIGNATURE_END = b"\n-----END PGP SIGNATURE-----"


def verify_clearsigned(certificate: bytes, signed: bytes) -> bytes:
    """Exactly the text that was signed; see ``Verification``."""
    _check_frame(signed)
    certificates = _certificates(certificate)
    try:
        result = pysequoia.verify(bytes=signed, store=lambda _ids: certificates)
    except RuntimeError:
        raise BadSignature("the clear-signed message has no valid signature by a trusted key") from None
    if result.bytes is None or not result.valid_sigs:
        raise BadSignature("the clear-signed message has no valid signature by a trusted key")
    text = bytes(result.bytes).replace(b"\r\n", b"\n")
    # A signature over text covers line ends of any kind alike, so a lone CR would be an unsigned choice of the sender.
    if b"\r" in text:
        raise BadSignature("the clear-signed message has a carriage return within a line")
    # The last line end belongs to the framing (RFC 9580, 7.1); a text of whole lines has it again.
    return text + b"\n"


def verify_detached(certificate: bytes, data: bytes, signature: bytes) -> None:
    """Return when one of the signatures is good; see ``Verification``."""
    certificates = _certificates(certificate)
    for one in _signatures(signature):
        try:
            result = pysequoia.verify(bytes=data, store=lambda _ids: certificates, signature=one)
        except RuntimeError:
            continue
        if result.valid_sigs:
            return
    raise BadSignature("the data has no valid signature by a trusted key")


def fingerprints(certificate: bytes) -> tuple[str, ...]:
    """Of every certificate; see ``Verification``."""
    return tuple(str(each.fingerprint).upper() for each in _certificates(certificate))


def _check_frame(signed: bytes) -> None:
    """One message and nothing around it: what surrounds it is unsigned, and apt refuses it as well."""
    end = signed.rfind(_SIGNATURE_END)
    if len(signed) > _MAXIMUM_CLEAR_BYTES or not signed.startswith(_CLEAR_HEAD) or end < 0:
        raise BadSignature("this is no clear-signed message")
    if signed[end + len(_SIGNATURE_END) :].strip():
        raise BadSignature("something unsigned follows the clear-signed message")
    if not _CLEAR_START.match(signed):
        raise BadSignature("a clear-signed message has other headers than Hash, or no empty line behind them")
    if signed.count(b"\n" + _CLEAR_HEAD) or signed.count(_SIGNATURE_HEAD) != 1 or signed.count(_SIGNATURE_END) != 1:
        raise BadSignature("more than one message or signature block in a clear-signed message")


def _certificates(data: bytes) -> list[pysequoia.Cert]:
    if len(data) > _MAXIMUM_CERTIFICATE_BYTES:
        raise BadSignature("the certificates are too large")
    binary = dearmor(Block.PUBLIC_KEY, data) if data.lstrip().startswith(b"-----") else data
    try:
        found = pysequoia.Cert.split_bytes(binary)
    except RuntimeError:
        raise BadSignature("the certificates cannot be read") from None
    if not found:
        raise BadSignature("there is no certificate to verify with")
    return found


def _signatures(data: bytes) -> list[pysequoia.Sig]:
    """Each signature packet by itself: the library reads only the first of a block."""
    if len(data) > _MAXIMUM_SIGNATURE_BYTES:
        raise BadSignature("the detached signature is too large")
    binary = dearmor(Block.SIGNATURE, data) if data.lstrip().startswith(b"-----") else data
    packets = [one for one in read_packets(binary) if one.tag not in {Tag.MARKER, Tag.PADDING}]
    if not packets or len(packets) > _MAXIMUM_SIGNATURES or any(one.tag != Tag.SIGNATURE for one in packets):
        raise BadSignature(f"a detached signature is 1 to {_MAXIMUM_SIGNATURES} signature packets and nothing else")
    try:
        return [pysequoia.Sig.from_bytes(one.raw) for one in packets]
    except RuntimeError:
        raise BadSignature("a detached signature cannot be read") from None
