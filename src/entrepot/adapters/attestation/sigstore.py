"""A Sigstore bundle against one root: certificate, signature, entry in the log, in this order."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from entrepot.adapters.attestation.keys import VerifyingKey, known, signed_by, signed_digest
from entrepot.adapters.attestation.roots import MALFORMED, Root
from entrepot.adapters.attestation.transparency import (
    Contradicted,
    Entry,
    Unproven,
    check_promise,
    check_proof,
    entered,
    read_entry,
)
from entrepot.domain.formats.attestation import Attestation, Json, decoded, mapping, objects
from entrepot.errors import UnfitEvidence

_MOST_CERTIFICATE_BYTES = 16 << 10
_MOST_CHAIN = 8
_MOST_ENTRIES = 4
_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_ISSUER_OLD = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UTF8_STRING = 0x0C


@dataclass(frozen=True, slots=True)
class Signer:
    """Whom the certificate was issued to, and who vouched for that."""

    certificate: x509.Certificate
    key: VerifyingKey
    identity: str
    issuer: str


def signer_of(material: Json) -> Signer | None:
    """The certificate of a bundle; none where it was signed with a bare key.

    Raises:
        UnfitEvidence: it is malformed.
    """
    what = "the bundle"
    if isinstance(material.get("publicKey"), dict):
        return None
    if "certificate" in material:
        raw = decoded(mapping(material, "certificate", what), "rawBytes", what, _MOST_CERTIFICATE_BYTES)
    else:
        chain = mapping(material, "x509CertificateChain", what)
        certificates = objects(chain, "certificates", what, _MOST_CHAIN)
        if not certificates:
            raise UnfitEvidence("the bundle has no certificate")
        raw = decoded(certificates[0], "rawBytes", what, _MOST_CERTIFICATE_BYTES)
    try:
        certificate = x509.load_der_x509_certificate(raw)
        key = known(certificate.public_key())
        return Signer(certificate, key, _identity(certificate), _issuer(certificate))
    except MALFORMED:
        raise UnfitEvidence("the certificate of the bundle is malformed, or of an unknown kind") from None


def check_signature(attestation: Attestation, key: VerifyingKey, package: str) -> bytes:
    """The one signature that the key made, over the statement or over the file itself.

    Raises:
        Contradicted: it did not.
        Unproven: its algorithm signs files, not digests of them.
    """
    if attestation.envelope is not None:
        for signature, _ in attestation.envelope.signatures:
            if signed_by(key, signature, attestation.envelope.signed()):
                return signature
        raise Contradicted("the key that it came with did not sign it")
    good = signed_digest(key, attestation.signature, bytes.fromhex(package))
    if good is None:
        raise Unproven("its key is of a kind that signs no digests")
    if not good:
        raise Contradicted("the key that it came with did not sign this package")
    return attestation.signature


def check_entries(attestation: Attestation, signature: bytes, signer: Signer, root: Root) -> datetime:
    """When it was signed, as a log vouches for.

    Raises:
        Unproven, Contradicted, UnfitEvidence: nothing vouches for it, or for something else.
    """
    found = objects(attestation.material, "tlogEntries", "the bundle", _MOST_ENTRIES)
    if not found:
        raise Unproven("it was not entered into a transparency log")
    moments = []
    for one in found:
        entry = read_entry(one)
        log = check_promise(entry, root.logs)
        check_proof(entry, log)
        _check_entered(entry, attestation, signature, signer)
        moments.append(entry.at)
    return min(moments)


def check_chain(signer: Signer, at: datetime, root: Root) -> None:
    """That one of the authorities issued the certificate, and that all were valid at that time.

    Raises:
        Unproven: none of them is known here.
        Contradicted: it was not valid then, or is not for signing.
    """
    leaf = signer.certificate
    if not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
        raise Contradicted(f"its certificate was not valid when it was signed, at {at:%Y-%m-%d %H:%M}")
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    if ExtendedKeyUsageOID.CODE_SIGNING not in usages:
        raise Contradicted("its certificate is not one for signing")
    for authority in root.authorities:
        if authority.start <= at <= authority.end and _issued(leaf, authority.chain, at):
            _check_timestamps(leaf, authority.chain[0], root)
            return
    raise Unproven("its certificate is of an authority that is not in the root that is configured")


def _issued(leaf: x509.Certificate, chain: Sequence[x509.Certificate], at: datetime) -> bool:
    child = leaf
    for parent in chain:
        try:
            authority = parent.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
            return False
        if not authority or not parent.not_valid_before_utc <= at <= parent.not_valid_after_utc:
            return False
        child = parent
    return True


def _check_timestamps(leaf: x509.Certificate, issuer: x509.Certificate, root: Root) -> None:
    """That a log of certificates has it, where the root names such logs (RFC 6962, 3.2)."""
    if not root.ct_logs:
        return
    try:
        found = leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    except (x509.ExtensionNotFound, ValueError):
        raise Contradicted("its certificate was not entered into a log of certificates") from None
    key_hash = hashlib.sha256(
        issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).digest()
    body = leaf.tbs_precertificate_bytes
    for one in found:
        moment = one.timestamp if one.timestamp.tzinfo is not None else one.timestamp.replace(tzinfo=UTC)
        milliseconds = int((moment - _EPOCH).total_seconds() * 1000 + 0.5)
        said = b"\0\0" + milliseconds.to_bytes(8, "big") + b"\0\1" + key_hash
        said += len(body).to_bytes(3, "big") + body
        said += len(one.extension_bytes).to_bytes(2, "big") + one.extension_bytes
        for log in root.ct_logs:
            if log.log_id == one.log_id and log.start <= moment <= log.end and signed_by(log.key, one.signature, said):
                return
    raise Contradicted("no log of certificates that is in the root has its certificate")


def _check_entered(entry: Entry, attestation: Attestation, signature: bytes, signer: Signer) -> None:
    """That what the log has is this signature, by this certificate, of this content."""
    spec = mapping(entered(entry), "spec", "what was entered into the log")
    match entry.kind:
        case "dsse 0.0.1":
            digest = mapping(spec, "payloadHash", "the entry").get("value")
            signatures = objects(spec, "signatures", "the entry", 16)
            made = [(one.get("signature"), one.get("verifier")) for one in signatures]
        case "intoto 0.0.2":
            content = mapping(spec, "content", "the entry")
            digest = mapping(content, "payloadHash", "the entry").get("value")
            signatures = objects(mapping(content, "envelope", "the entry"), "signatures", "the entry", 16)
            made = [(_unwrapped(one.get("sig")), one.get("publicKey")) for one in signatures]
        case "hashedrekord 0.0.1":
            digest = mapping(mapping(spec, "data", "the entry"), "hash", "the entry").get("value")
            one = mapping(spec, "signature", "the entry")
            made = [(one.get("content"), mapping(one, "publicKey", "the entry").get("content"))]
        case _:
            raise Unproven(f"its entry in the log is of the kind {entry.kind[:40]!r}, which is not read here")
    envelope = attestation.envelope
    content_digest = hashlib.sha256(envelope.payload).hexdigest() if envelope else next(iter(attestation.digests))
    encoded = base64.b64encode(signature).decode()
    mine = any(one == encoded and _same(certificate, signer.certificate) for one, certificate in made)
    if digest != content_digest or not mine:
        raise Contradicted("what was entered into the log is something else")


def _same(pem: object, certificate: x509.Certificate) -> bool:
    """Whether that is the certificate; programs differ in how they end its last line."""
    try:
        raw = base64.b64decode(pem, validate=True) if isinstance(pem, str) else b""
        return x509.load_pem_x509_certificate(raw) == certificate
    except ValueError:
        return False


def _unwrapped(value: object) -> str:
    """This kind of entry encodes signatures twice."""
    try:
        return base64.b64decode(value, validate=True).decode() if isinstance(value, str) else ""
    except ValueError:
        return ""


def _identity(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    mails = names.get_values_for_type(x509.RFC822Name)
    return next(iter([*uris, *mails]), "")[:2000]


def _issuer(certificate: x509.Certificate) -> str:
    for oid in (_ISSUER, _ISSUER_OLD):
        try:
            extension = certificate.extensions.get_extension_for_oid(oid).value
        except x509.ExtensionNotFound:
            continue
        raw = extension.value if isinstance(extension, x509.UnrecognizedExtension) else b""
        if oid == _ISSUER:
            raw = raw[2:] if raw[:1] == bytes((_UTF8_STRING,)) and raw[1:2] == bytes((len(raw) - 2,)) else b""
        if raw:
            return raw.decode("utf-8", "replace")[:2000]
    return ""
