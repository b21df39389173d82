"""Public keys that sign attestations: ECDSA on the NIST curves, Ed25519, RSA (PSS, or PKCS #1 v1.5)."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from entrepot.adapters.attestation.base import KeyMaterial
from entrepot.adapters.catalog.provenance import TrustKind
from entrepot.errors import UnfitKey

VerifyingKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_KINDS = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)
_LEAST_BITS = 2048
_MOST_BITS = 16_384
_CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}


def public_key(data: bytes) -> KeyMaterial:
    """A key in PEM.

    Raises:
        UnfitKey: it is malformed, private, a certificate, or of an algorithm that is not known.
    """
    if b"PRIVATE KEY" in data:
        raise UnfitKey("this is a private key; send the public one, and keep this where nobody sees it")
    try:
        key = known(load_pem_public_key(data))
    except (ValueError, UnsupportedAlgorithm):
        raise UnfitKey("this is not one public key in PEM that is understood here") from None
    fingerprint = fingerprint_of(key)
    weaknesses: tuple[str, ...] = ()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_BITS:
        weaknesses = (f"its RSA modulus has {key.key_size} bits, fewer than {_LEAST_BITS}",)
    material = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return KeyMaterial(TrustKind.PUBLIC_KEY, fingerprint, f"public key {fingerprint[:16]}", material, weaknesses)


def known(key: object) -> VerifyingKey:
    """The key, if its kind is one of these.  Raises ``ValueError``."""
    if not isinstance(key, _KINDS):
        raise ValueError("a key of another kind")  # noqa: TRY004 - of what was read, not of our own
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _CURVES:
        raise ValueError("a key on another curve")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size > _MOST_BITS:
        raise ValueError("a key that takes too long")
    return key


def load_pem(data: bytes) -> VerifyingKey:
    """A key that was stored.  Raises ``ValueError``."""
    return known(load_pem_public_key(data))


def load_der(data: bytes) -> VerifyingKey:
    """A SubjectPublicKeyInfo.  Raises ``ValueError``."""
    return known(load_der_public_key(data))


def fingerprint_of(key: VerifyingKey) -> str:
    """SHA-256 of its SubjectPublicKeyInfo, in upper case."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest().upper()


def signed_by(key: VerifyingKey, signature: bytes, data: bytes) -> bool:
    """Whether the key made the signature over ``data``."""
    with suppress(InvalidSignature, ValueError):
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(_CURVES[key.curve.name]))
        else:
            return _signed_by_rsa(key, signature, data, hashes.SHA256())
        return True
    return False


def signed_digest(key: VerifyingKey, signature: bytes, sha256: bytes) -> bool | None:
    """Whether the key made the signature of a file with that SHA-256; none where its algorithm needs the file."""
    if isinstance(key, rsa.RSAPublicKey):
        return _signed_by_rsa(key, signature, sha256, utils.Prehashed(hashes.SHA256()))
    if isinstance(key, ed25519.Ed25519PublicKey) or key.curve.name != "secp256r1":
        return None
    with suppress(InvalidSignature, ValueError):
        key.verify(signature, sha256, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        return True
    return False


def _signed_by_rsa(
    key: rsa.RSAPublicKey, signature: bytes, data: bytes, how: hashes.HashAlgorithm | utils.Prehashed
) -> bool:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
    for one in (pss, padding.PKCS1v15()):
        with suppress(InvalidSignature, ValueError):
            key.verify(signature, data, one, how)
            return True
    return False
