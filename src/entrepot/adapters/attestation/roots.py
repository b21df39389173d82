"""What Sigstore bundles are verified with: certificate authorities and logs, from a ``trusted_root.json``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from entrepot.adapters.attestation.base import KeyMaterial
from entrepot.adapters.attestation.keys import VerifyingKey, load_der
from entrepot.adapters.catalog.provenance import TrustKind
from entrepot.domain.formats.attestation import Json, decoded, json_object, mapping, objects, text
from entrepot.errors import UnfitEvidence, UnfitKey

_MEDIA_TYPE = re.compile(r"application/vnd\.dev\.sigstore\.trustedroot(?:\+json;version=0\.[0-9]|\.v0\.[0-9]\+json)\Z")
_MOST_BYTES = 1 << 20
_MOST = 32
_MOST_CHAIN = 8
_MOST_CERTIFICATE_BYTES = 16 << 10
MALFORMED = (
    ValueError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises of certificates and keys that are none."""

_EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Log:
    """A log and the time in which its key counts."""

    log_id: bytes
    key: VerifyingKey
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """A chain from the certificate that issues to the one that nobody vouches for but the administrator."""

    chain: Sequence[x509.Certificate]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Root:
    """All of one document.  ``ct_logs`` are those in which certificates are entered."""

    authorities: Sequence[Authority]
    logs: Sequence[Log]
    ct_logs: Sequence[Log]


def root_material(data: bytes) -> KeyMaterial:
    """A document as it is stored.

    Raises:
        UnfitKey: it is no such document, or has no authority or no log.
    """
    root = read_root(data)
    subjects = ", ".join(one.chain[-1].subject.rfc4514_string() for one in root.authorities)
    fingerprint = hashlib.sha256(data).hexdigest().upper()
    return KeyMaterial(TrustKind.SIGSTORE, fingerprint, f"Sigstore root: {subjects}"[:500], data)


def read_root(data: bytes) -> Root:
    """Take it apart.  Raises ``UnfitKey``."""
    what = "the root"
    try:
        document = json_object(data, what, _MOST_BYTES)
        if not _MEDIA_TYPE.match(text(document, "mediaType", what)):
            raise UnfitKey("this JSON is no trusted root of Sigstore; its mediaType says so")
        authorities = [_authority(one) for one in objects(document, "certificateAuthorities", what, _MOST)]
        logs = [_log(one) for one in objects(document, "tlogs", what, _MOST)]
        ct_logs = [_log(one) for one in objects(document, "ctlogs", what, _MOST)]
    except UnfitEvidence as error:
        raise UnfitKey(error.detail) from error
    except MALFORMED:
        raise UnfitKey("a certificate, a key or a time in the root is malformed or of an unknown kind") from None
    if not authorities or not logs:
        raise UnfitKey("the root has no certificate authority, or no transparency log")
    return Root(authorities, logs, ct_logs)


def _authority(found: Json) -> Authority:
    what = "a certificate authority of the root"
    certificates = objects(mapping(found, "certChain", what), "certificates", what, _MOST_CHAIN)
    chain = [
        x509.load_der_x509_certificate(decoded(one, "rawBytes", what, _MOST_CERTIFICATE_BYTES)) for one in certificates
    ]
    if not chain or not all(list(one.extensions) for one in chain):  # which are read here
        raise UnfitKey(f"{what} has no certificate, or one that is none of an authority")
    return Authority(chain, *_period(found))


def _log(found: Json) -> Log:
    what = "a log of the root"
    key = mapping(found, "publicKey", what)
    log_id = decoded(mapping(found, "logId", what), "keyId", what, 64)
    return Log(log_id, load_der(decoded(key, "rawBytes", what, _MOST_CERTIFICATE_BYTES)), *_period(key))


def _period(found: Json) -> tuple[datetime, datetime]:
    said = found.get("validFor")
    period = said if isinstance(said, dict) else {}
    start, end = (_moment(period.get(name)) for name in ("start", "end"))
    return start or datetime(1970, 1, 1, tzinfo=UTC), end or _EVER


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    found = datetime.fromisoformat(value)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
