"""Attestations: in-toto statements in DSSE envelopes, and a whole Sigstore of one's own that makes bundles."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SLSA = "https://slsa.dev/provenance/v1"
STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
WORKFLOW = "https://github.com/acme/tools/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def statement(package: bytes, builder: str = "https://example.org/builder", **changes: Any) -> bytes:
    """What a builder says of a package; ``changes`` replace its fields."""
    said = {
        "_type": STATEMENT,
        "subject": [{"name": "package", "digest": {"sha256": hashlib.sha256(package).hexdigest()}}],
        "predicateType": SLSA,
        "predicate": {"buildDefinition": {"buildType": "test"}, "runDetails": {"builder": {"id": builder}}},
    }
    return json.dumps({**said, **changes}).encode()


def encoded(payload: bytes, kind: str = PAYLOAD_TYPE) -> bytes:
    """The bytes that are signed."""
    return f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload


def sign(key: PrivateKey, data: bytes) -> bytes:
    """With the algorithm of the key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def envelope(payload: bytes, signatures: Sequence[tuple[bytes, str]], kind: str = PAYLOAD_TYPE) -> dict[str, Any]:
    """DSSE around signatures that were made."""
    found = [{"sig": b64(one), **({"keyid": hint} if hint else {})} for one, hint in signatures]
    return {"payloadType": kind, "payload": b64(payload), "signatures": found}


def attested(key: PrivateKey, payload: bytes, hint: str = "") -> bytes:
    """A signed statement."""
    return json.dumps(envelope(payload, [(sign(key, encoded(payload)), hint)])).encode()


def b64(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


def _spki(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass(slots=True)
class Sigstore:
    """A certificate authority and a log, with the document by which others trust them."""

    now: datetime
    authority: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    log: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    others: int = 6

    @property
    def log_id(self) -> bytes:
        """SHA-256 of the log's key."""
        return hashlib.sha256(_spki(self.log)).digest()

    def root(self, **changes: Any) -> bytes:
        """``trusted_root.json``; ``changes`` replace its fields."""
        period = {"start": (self.now - timedelta(days=30)).isoformat()}
        chain = {"certificates": [{"rawBytes": b64(self._issuer().public_bytes(Encoding.DER))}]}
        key = {"rawBytes": b64(_spki(self.log)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": period}
        log = {"baseUrl": "https://log.example.org", "publicKey": key, "logId": {"keyId": b64(self.log_id)}}
        document = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "certificateAuthorities": [{"uri": "https://ca.example.org", "certChain": chain, "validFor": period}],
            "tlogs": [log],
        }
        return json.dumps({**document, **changes}).encode()

    def _issuer(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.authority.public_key())
            .serial_number(1)
            .not_valid_before(self.now - timedelta(days=30))
            .not_valid_after(self.now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .sign(self.authority, hashes.SHA256())
        )

    def certificate(
        self,
        key: ec.EllipticCurvePrivateKey,
        identity: str = WORKFLOW,
        issuer: str = ISSUER,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
    ) -> x509.Certificate:
        """For ten minutes around now, as such an authority issues them."""
        said = b"\x0c" + bytes((len(issuer),)) + issuer.encode()
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._issuer().subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(minutes=5))
            .not_valid_after(self.now + timedelta(minutes=5))
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), critical=True)
            .add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), said), critical=False
            )
            .sign(self.authority, hashes.SHA256())
        )

    def bundle(self, payload: bytes, version: str = "0.3", **certificate: Any) -> dict[str, Any]:
        """A statement, signed with a key that lives for it alone, and entered into the log."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self.certificate(key, **certificate)
        signature = sign(key, encoded(payload))
        # Programs differ in how they end the last line.
        pem = leaf.public_bytes(Encoding.PEM) if version == "0.3" else leaf.public_bytes(Encoding.PEM).rstrip()
        body = {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
                "signatures": [{"signature": b64(signature), "verifier": b64(pem)}],
            },
        }
        entry = self.entry(json.dumps(body, separators=(",", ":"), sort_keys=True).encode(), "dsse")
        return self._bundle(leaf, version, entry, {"dsseEnvelope": envelope(payload, [(signature, "")])})

    def signed_file(self, data: bytes, version: str = "0.3", **certificate: Any) -> dict[str, Any]:
        """The same over a file itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self.certificate(key, **certificate)
        signature, digest = sign(key, data), hashlib.sha256(data)
        body = {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": digest.hexdigest()}},
                "signature": {
                    "content": b64(signature),
                    "publicKey": {"content": b64(leaf.public_bytes(Encoding.PEM))},
                },
            },
        }
        entry = self.entry(json.dumps(body, separators=(",", ":"), sort_keys=True).encode(), "hashedrekord")
        message = {
            "messageDigest": {"algorithm": "SHA2_256", "digest": b64(digest.digest())},
            "signature": b64(signature),
        }
        return self._bundle(leaf, version, entry, {"messageSignature": message})

    def _bundle(
        self, leaf: x509.Certificate, version: str, entry: Mapping[str, Any], content: Mapping[str, Any]
    ) -> dict[str, Any]:
        raw = {"rawBytes": b64(leaf.public_bytes(Encoding.DER))}
        new = version == "0.3"
        kind = ".v0.3+json" if new else f"+json;version={version}"
        chain = {"certificate": raw} if new else {"x509CertificateChain": {"certificates": [raw]}}
        return {
            "mediaType": f"application/vnd.dev.sigstore.bundle{kind}",
            "verificationMaterial": {**chain, "tlogEntries": [dict(entry)]},
            **content,
        }

    def entry(self, body: bytes, kind: str, at: datetime | None = None) -> dict[str, Any]:
        """An entry among others, with promise and proof."""
        seconds, index = int((at or self.now).timestamp()), self.others // 2
        leaves = [hashlib.sha256(b"\0" + bytes((number,))).digest() for number in range(self.others)]
        leaves[index] = hashlib.sha256(b"\0" + body).digest()
        root, path = _tree(leaves), _path(leaves, index)
        promised = {
            "body": b64(body),
            "integratedTime": seconds,
            "logID": self.log_id.hex(),
            "logIndex": 1000 + index,
        }
        promise = sign(self.log, json.dumps(promised, separators=(",", ":"), sort_keys=True).encode())
        note = f"log.example.org - 1\n{len(leaves)}\n{b64(root)}\n"
        checkpoint = f"{note}\n\u2014 log.example.org {b64(self.log_id[:4] + sign(self.log, note.encode()))}\n"
        return {
            "logIndex": str(1000 + index),
            "logId": {"keyId": b64(self.log_id)},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {"signedEntryTimestamp": b64(promise)},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": b64(root),
                "treeSize": str(len(leaves)),
                "hashes": [b64(one) for one in path],
                "checkpoint": {"envelope": checkpoint},
            },
            "canonicalizedBody": b64(body),
        }


def fresh_sigstore() -> Sigstore:
    """As of now."""
    return Sigstore(datetime.now(UTC).replace(microsecond=0))


def _split(count: int) -> int:
    half = 1
    while half * 2 < count:
        half *= 2
    return half


def _tree(leaves: Sequence[bytes]) -> bytes:
    """Root of a tree (RFC 9162, 2.1.1)."""
    if len(leaves) == 1:
        return leaves[0]
    at = _split(len(leaves))
    return hashlib.sha256(b"\1" + _tree(leaves[:at]) + _tree(leaves[at:])).digest()


def _path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """From a leaf to the root (RFC 9162, 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    at = _split(len(leaves))
    if index < at:
        return [*_path(leaves[:at], index), _tree(leaves[at:])]
    return [*_path(leaves[at:], index - at), _tree(leaves[:at])]
