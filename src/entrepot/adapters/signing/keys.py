"""One OpenPGP v4 key pair: made, read, written, and its raw signature operation."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils

from entrepot.adapters.signing.base import KeyAlgorithm
from entrepot.adapters.signing.packets import mpi, read_mpi
from entrepot.errors import BadSignature

_RSA, _EDDSA = 1, 22
_RSA_BITS = 4096
_RSA_MINIMUM_BITS = 2048
# 1.3.6.1.4.1.11591.15.1: the one Ed25519 that gpg, rpm and apt of today read in v4 keys (RFC 9580, 9.2.1).
_ED25519_OID = bytes.fromhex("2b06010401da470f01")
_POINT_PREFIX = 0x40
_PLAIN = b"\x00"


class _Secret(Protocol):
    """The private half: everything that depends on the algorithm."""

    number: int
    algorithm: KeyAlgorithm

    def public_fields(self) -> bytes: ...

    def secret_fields(self) -> bytes: ...

    def sign(self, digest: bytes) -> bytes: ...

    def verify(self, digest: bytes, signature: bytes) -> None: ...


class _RsaSecret:
    number = _RSA
    algorithm = KeyAlgorithm.RSA4096

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key

    def public_fields(self) -> bytes:
        public = self._key.public_key().public_numbers()
        return mpi(public.n) + mpi(public.e)

    def secret_fields(self) -> bytes:
        # OpenPGP wants p < q and the inverse of p, where PKCS#1 has the inverse of q (RFC 9580, 5.5.5.1).
        numbers = self._key.private_numbers()
        p, q = sorted((numbers.p, numbers.q))
        return mpi(numbers.d) + mpi(p) + mpi(q) + mpi(pow(p, -1, q))

    def sign(self, digest: bytes) -> bytes:
        return mpi(self._key.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA512())))

    def verify(self, digest: bytes, signature: bytes) -> None:
        number, _ = read_mpi(signature, 0)
        raw = number.to_bytes((self._key.key_size + 7) // 8, "big")
        self._key.public_key().verify(raw, digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA512()))


class _Ed25519Secret:
    number = _EDDSA
    algorithm = KeyAlgorithm.ED25519

    def __init__(self, key: ed25519.Ed25519PrivateKey) -> None:
        self._key = key

    def public_fields(self) -> bytes:
        point = bytes((_POINT_PREFIX,)) + self._key.public_key().public_bytes_raw()
        return bytes((len(_ED25519_OID),)) + _ED25519_OID + mpi(point)

    def secret_fields(self) -> bytes:
        return mpi(self._key.private_bytes_raw())

    def sign(self, digest: bytes) -> bytes:
        # R and S are octet strings to Ed25519, but numbers to OpenPGP: their leading zeros have to go.
        signature = self._key.sign(digest)
        return mpi(signature[:32]) + mpi(signature[32:])

    def verify(self, digest: bytes, signature: bytes) -> None:
        first, offset = read_mpi(signature, 0)
        second, _ = read_mpi(signature, offset)
        self._key.public_key().verify(first.to_bytes(32, "big") + second.to_bytes(32, "big"), digest)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SigningKey:
    """A key pair that can sign.  Its repr is its fingerprint; it cannot be pickled."""

    created_at: datetime
    _secret: _Secret

    @property
    def algorithm(self) -> KeyAlgorithm:
        """What it is made of."""
        return self._secret.algorithm

    @property
    def number(self) -> int:
        """Public-key algorithm number (RFC 9580, 9.1)."""
        return self._secret.number

    def public_body(self) -> bytes:
        """Body of the public-key packet (RFC 9580, 5.5.2.2)."""
        head = struct.pack(">BIB", 4, int(self.created_at.timestamp()), self.number)
        return head + self._secret.public_fields()

    def secret_body(self) -> bytes:
        """Body of the secret-key packet, not encrypted (RFC 9580, 5.5.3).  For the private file and nothing else."""
        fields = self._secret.secret_fields()
        return self.public_body() + _PLAIN + fields + struct.pack(">H", sum(fields) & 0xFFFF)

    def hashed_body(self) -> bytes:
        """The key as it goes into fingerprints and certifications (RFC 9580, 5.2.4)."""
        body = self.public_body()
        return b"\x99" + struct.pack(">H", len(body)) + body

    def fingerprint(self) -> bytes:
        """Twenty octets (RFC 9580, 5.5.4.2)."""
        return hashlib.sha1(self.hashed_body(), usedforsecurity=False).digest()

    def sign_digest(self, digest: bytes) -> bytes:
        """Signature of a SHA-512 digest as the integers that end a signature packet."""
        return self._secret.sign(digest)

    def __repr__(self) -> str:
        return f"<SigningKey {self.fingerprint().hex().upper()}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")


def generate(algorithm: KeyAlgorithm, created_at: datetime) -> SigningKey:
    """A fresh key.  RSA takes about a second."""
    if algorithm is KeyAlgorithm.ED25519:
        return from_seed(ed25519.Ed25519PrivateKey.generate().private_bytes_raw(), created_at)
    return SigningKey(_whole_second(created_at), _RsaSecret(rsa.generate_private_key(65537, _RSA_BITS)))


def from_seed(seed: bytes, created_at: datetime) -> SigningKey:
    """The Ed25519 key of 32 secret octets."""
    return SigningKey(_whole_second(created_at), _Ed25519Secret(ed25519.Ed25519PrivateKey.from_private_bytes(seed)))


def read_secret(body: bytes) -> SigningKey:
    """The key in the body of a secret-key packet, and a proof that its two halves belong together.

    Raises:
        BadSignature: not a version 4 key, of another algorithm, encrypted, or damaged.  No octet of it is told.
    """
    if len(body) < 6 or body[0] != 4 or body[5] not in {_RSA, _EDDSA}:
        raise BadSignature("the private key is not a version 4 RSA or Ed25519 key")
    created_at = datetime.fromtimestamp(int.from_bytes(body[1:5], "big"), UTC)
    try:
        key = SigningKey(created_at, _read_rsa(body) if body[5] == _RSA else _read_ed25519(body))
        digest = hashlib.sha512(b"self-test").digest()
        key._secret.verify(digest, key.sign_digest(digest))  # noqa: SLF001
    except (ValueError, OverflowError, InvalidSignature):
        raise BadSignature("the two halves of the private key do not belong together") from None
    if key.secret_body() != body:
        raise BadSignature("the private key is damaged: it does not come out as it went in")
    return key


def _read_rsa(body: bytes) -> _RsaSecret:
    modulus, offset = read_mpi(body, 6)
    exponent, offset = read_mpi(body, offset)
    d, p, q, _ = _secret_integers(body, offset, 4)
    if p * q != modulus or modulus.bit_length() < _RSA_MINIMUM_BITS:
        raise ValueError
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(exponent, modulus),
    )
    # Proving p and q prime again would take a third of a second a signer; the self-test and p * q = n take none.
    return _RsaSecret(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def _read_ed25519(body: bytes) -> _Ed25519Secret:
    start = 7 + len(_ED25519_OID)
    if body[6:start] != bytes((len(_ED25519_OID),)) + _ED25519_OID:
        raise BadSignature("the private key is on another curve than Ed25519")
    _, offset = read_mpi(body, start)
    (seed,) = _secret_integers(body, offset, 1)
    return _Ed25519Secret(ed25519.Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big")))


def _secret_integers(body: bytes, offset: int, count: int) -> tuple[int, ...]:
    if body[offset : offset + 1] != _PLAIN:
        raise BadSignature("the private key is protected by a passphrase; store it without one")
    offset += 1
    numbers = []
    for _ in range(count):
        number, offset = read_mpi(body, offset)
        numbers.append(number)
    return tuple(numbers)


def _whole_second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
