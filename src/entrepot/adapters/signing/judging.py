"""What a signature of a package is worth, and why.  An implementation of ``PackageVerification``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from entrepot.adapters.signing.armor import Block, dearmor
from entrepot.adapters.signing.certificates import Certificate, Signatory, read_certificates
from entrepot.adapters.signing.packets import Tag, read_packets
from entrepot.adapters.signing.signatures import WEAK_HASHES, Kind, SignaturePacket, read_signature, verifies
from entrepot.adapters.signing.trust import (
    CertificateFacts,
    SignatureReport,
    SignatureState,
    TrustedCertificate,
)
from entrepot.errors import BadSignature

if TYPE_CHECKING:
    from hashlib import _Hash

_MOST_SIGNATURES = 32
_MOST_SIGNATURE_BYTES = 256 << 10
_MOST_CERTIFICATE_BYTES = 1 << 20
_MOST_MESSAGE_BYTES = 256 << 10
_CLOCK_SKEW = timedelta(days=1)
_HEAD = b"-----BEGIN PGP SIGNED MESSAGE-----"
_TAIL = b"-----BEGIN PGP SIGNATURE-----"
_END = b"-----END PGP SIGNATURE-----"


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A key that may have made a signature."""

    certificate: Certificate
    signatory: Signatory
    weak: bool


def describe(data: bytes, now: datetime) -> list[CertificateFacts]:
    """The certificates in ``data``; see ``PackageVerification``."""
    binary = _binary(Block.PUBLIC_KEY, data, _MOST_CERTIFICATE_BYTES)
    return [_facts(one, now) for one in read_certificates(binary, weak=False)]


def _facts(found: Certificate, now: datetime) -> CertificateFacts:
    (lenient,) = read_certificates(found.raw, weak=True)
    weaknesses = list(found.weaknesses)
    if not lenient.signatories:
        weaknesses.append("none of its keys may sign")
    elif len(found.signatories) < len(lenient.signatories) and not weaknesses:
        weaknesses.append("some of its keys that sign are too weak, or bound with SHA-1")
    if found.revoked or lenient.revoked:
        weaknesses.append("it is revoked")
    expires = _moment(lenient.expires)
    if expires is not None and expires <= now:
        weaknesses.append(f"it expired on {expires:%Y-%m-%d}")
    return CertificateFacts(
        material=found.raw,
        fingerprint=_hex(found.primary.fingerprint),
        uids=lenient.uids,
        created_at=datetime.fromtimestamp(found.primary.created, UTC),
        expires_at=expires,
        revoked=lenient.revoked,
        weaknesses=tuple(weaknesses),
        key_ids=tuple(_hex(one.key.key_id) for one in lenient.signatories),
    )


def judge(
    trusted: Sequence[TrustedCertificate], signature: bytes, signed: Iterable[bytes], now: datetime
) -> list[SignatureReport]:
    """A report for each signature; see ``PackageVerification``."""
    try:
        packets = _signatures(signature)
    except BadSignature as error:
        return [SignatureReport(SignatureState.UNREADABLE, error.detail)]
    return _judged(trusted, packets, signed, Kind.BINARY, now)


def judge_message(
    trusted: Sequence[TrustedCertificate], message: bytes, now: datetime
) -> tuple[bytes, list[SignatureReport]]:
    """Text and reports; see ``PackageVerification``."""
    try:
        text, packets = _message(message)
    except BadSignature as error:
        return b"", [SignatureReport(SignatureState.UNREADABLE, error.detail)]
    canonical = b"\r\n".join(line.rstrip(b" \t\r") for line in text.split(b"\n"))
    return text, _judged(trusted, packets, [canonical], Kind.TEXT, now)


def _judged(
    trusted: Sequence[TrustedCertificate],
    packets: Sequence[SignaturePacket],
    signed: Iterable[bytes],
    kind: Kind,
    now: datetime,
) -> list[SignatureReport]:
    known = _certificates(trusted)
    found = [(one, _candidates(known, one)) for one in packets]
    running: dict[str, _Hash] = {one.hash_name: one.start() for one, keys in found if keys}
    if running:
        for piece in signed:
            for each in running.values():
                each.update(piece)
    return [_report(one, keys, running, kind, now) for one, keys in found]


def _certificates(trusted: Sequence[TrustedCertificate]) -> list[tuple[Certificate, bool]]:
    found = []
    for one in trusted:
        try:
            found += [(each, one.weak) for each in read_certificates(one.material, weak=one.weak)]
        except BadSignature:  # it was read when it was stored
            continue
    return found


def _candidates(known: Sequence[tuple[Certificate, bool]], signature: SignaturePacket) -> list[_Candidate]:
    found = []
    for certificate, weak in known:
        for one in certificate.signatories:
            same = signature.fingerprint in {b"", one.key.fingerprint} and signature.key_id == one.key.key_id
            if same and signature.key_id:
                found.append(_Candidate(certificate, one, weak))
    return found


def _report(
    signature: SignaturePacket,
    keys: Sequence[_Candidate],
    running: dict[str, _Hash],
    kind: Kind,
    now: datetime,
) -> SignatureReport:
    key_id = _hex(signature.fingerprint or signature.key_id)
    if not keys:
        detail = f"made by key {key_id}, which is not trusted here" if key_id else "does not say who made it"
        return _reported(SignatureState.UNKNOWN_KEY, detail, signature)
    if signature.kind != kind:
        return _reported(SignatureState.BAD, f"is of type {signature.kind:#04x}, not over such data", signature)
    if not signature.understood:
        return _reported(SignatureState.BAD, "carries what is not understood and must be", signature)
    digest = signature.digest(running[signature.hash_name])
    for one in keys:
        key = one.signatory.key.key
        if digest[:2] == signature.check and key is not None and verifies(key, signature, digest):
            state, detail = _standing(signature, one, now)
            return _reported(state, detail, signature, one.certificate)
    detail = f"claims to be made by {_hex(keys[0].certificate.primary.fingerprint)}, but these are not the bytes signed"
    return _reported(SignatureState.BAD, detail, signature, keys[0].certificate)


def _standing(signature: SignaturePacket, by: _Candidate, now: datetime) -> tuple[SignatureState, str]:
    """A signature that the key made, before the calendar and the rules of today."""
    seconds, signatory = now.timestamp(), by.signatory
    who = _name(by.certificate)
    if signatory.revoked:
        return SignatureState.REVOKED, f"made by the key of {who}, which is revoked"
    if signature.created > (now + _CLOCK_SKEW).timestamp() or signature.created < signatory.key.created:
        return SignatureState.BAD, f"made by the key of {who}, at a time that cannot be: {_day(signature.created)}"
    if signature.lasts and signature.created + signature.lasts < seconds:
        return SignatureState.EXPIRED, f"made by the key of {who}; it expired itself"
    # Whoever holds a key can write an earlier time into a signature, so an end holds for all that comes after it.
    if signatory.expires is not None and signatory.expires <= seconds:
        return SignatureState.EXPIRED, f"made by the key of {who}, which expired on {_day(signatory.expires)}"
    if signature.hash_name in WEAK_HASHES and not by.weak:
        return SignatureState.WEAK, f"made by the key of {who} over {signature.hash_name.upper()}, which can be forged"
    return SignatureState.GOOD, f"made by {who}"


def _reported(
    state: SignatureState, detail: str, signature: SignaturePacket, certificate: Certificate | None = None
) -> SignatureReport:
    return SignatureReport(
        state=state,
        detail=detail,
        key_id=_hex(signature.key_id),
        fingerprint=_hex(certificate.primary.fingerprint) if certificate else _hex(signature.fingerprint),
        uid=certificate.uids[0] if certificate and certificate.uids else "",
        created_at=datetime.fromtimestamp(signature.created, UTC),
        hash_name=signature.hash_name,
    )


def _name(certificate: Certificate) -> str:
    uid = certificate.uids[0] if certificate.uids else "somebody without a name"
    return f"{uid} ({_hex(certificate.primary.fingerprint)})"


def _signatures(data: bytes) -> list[SignaturePacket]:
    binary = _binary(Block.SIGNATURE, data, _MOST_SIGNATURE_BYTES)
    found = []
    for one in read_packets(binary, _MOST_SIGNATURES):
        if one.tag in {Tag.MARKER, Tag.PADDING}:
            continue
        if one.tag != Tag.SIGNATURE:
            raise BadSignature("there are other packets than signatures in it")
        found.append(read_signature(one.body))
    if not found:
        raise BadSignature("there is no signature in it")
    return found


def _binary(block: Block, data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise BadSignature(f"it has more than {most >> 10} KiB")
    return dearmor(block, data) if data.lstrip().startswith(b"-----") else data


def _message(message: bytes) -> tuple[bytes, list[SignaturePacket]]:
    """The text without its dashes and last line end, and the signatures behind it; nothing may stand around them."""
    if len(message) > _MOST_MESSAGE_BYTES or not message.startswith(_HEAD):
        raise BadSignature("this is no clear-signed message")
    body, mark, block = message.partition(b"\n" + _TAIL)
    if not mark or block.count(_END) != 1 or block.partition(_END)[2].strip() or body.count(_HEAD) != 1:
        raise BadSignature("this is not one clear-signed message and nothing else")
    _, gap, text = body.replace(b"\r\n", b"\n").partition(b"\n\n")
    if not gap:
        raise BadSignature("a clear-signed message has no text")
    lines = text.split(b"\n")
    if b"\r" in text or any(line.startswith(b"-") and not line.startswith(b"- ") for line in lines):
        raise BadSignature("a line of a clear-signed message begins with a dash, or has a carriage return in it")
    return b"\n".join(line.removeprefix(b"- ") for line in lines), _signatures(_TAIL + block)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(min(seconds, 32_503_680_000), UTC)


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(min(seconds, 32_503_680_000), UTC):%Y-%m-%d}"


def _hex(octets: bytes) -> str:
    return octets.hex().upper()
