"""Attestations: DSSE envelopes with in-toto statements, alone or within a Sigstore bundle.

Reading only; who signed them is the question of ``adapters/attestation``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from entrepot.errors import UnfitEvidence

MOST_BYTES = 1 << 20
MOST_SIGNATURES = 16
MOST_SUBJECTS = 1000
MOST_SIGNATURE_BYTES = 2048
STATEMENT_TYPE = "application/vnd.in-toto+json"

_STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_SIGSTORE = re.compile(r"application/vnd\.dev\.sigstore\.bundle(?:\+json;version=0\.[1-3]|\.v0\.3\+json)\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_MOST_WORD = 2000

Json = Mapping[str, object]


class Shape(StrEnum):
    """What a document is."""

    DSSE = "dsse"
    SIGSTORE = "sigstore"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed message; ``signatures`` are the raw signatures with the hint of their key."""

    payload_type: str
    payload: bytes
    signatures: Sequence[tuple[bytes, str]]

    def signed(self) -> bytes:
        """The bytes that are signed (DSSE, pre-authentication encoding)."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(self.payload), self.payload)


@dataclass(frozen=True, slots=True)
class Statement:
    """What an in-toto statement says; ``digests`` are the SHA-256 of its subjects."""

    predicate_type: str
    digests: frozenset[str]
    builder: str
    build_type: str


@dataclass(frozen=True, slots=True)
class Attestation:
    """A document that was read.

    A bundle over the file itself has no envelope and no statement, but ``signature`` and the digest that it is over.
    ``material`` is the rest of a Sigstore bundle.
    """

    shape: Shape
    envelope: Envelope | None
    statement: Statement | None
    digests: frozenset[str]
    signature: bytes
    material: Json

    @property
    def predicate_type(self) -> str:
        """Empty where there is no statement."""
        return self.statement.predicate_type if self.statement else ""

    @property
    def builder(self) -> str:
        """Who, as the statement says, built the package."""
        return self.statement.builder if self.statement else ""


def read_attestation(data: bytes) -> Attestation:
    """Take a document apart.

    Raises:
        UnfitEvidence: it is neither form, says nothing of any file, or is beyond the bounds.
    """
    document = json_object(data, "an attestation", MOST_BYTES)
    if "payloadType" in document:
        envelope = _envelope(document)
        statement = _statement(envelope)
        return Attestation(Shape.DSSE, envelope, statement, statement.digests, b"", {})
    kind = text(document, "mediaType", "the bundle")
    if not _SIGSTORE.match(kind):
        raise UnfitEvidence(f"the attestation is neither a DSSE envelope nor a Sigstore bundle: {kind[:80]!r}")
    material = mapping(document, "verificationMaterial", "the bundle")
    if "dsseEnvelope" in document:
        envelope = _envelope(mapping(document, "dsseEnvelope", "the bundle"))
        statement = _statement(envelope)
        return Attestation(Shape.SIGSTORE, envelope, statement, statement.digests, b"", material)
    message = mapping(document, "messageSignature", "the bundle")
    sums = mapping(message, "messageDigest", "the bundle")
    digest = decoded(sums, "digest", "the bundle", 64)
    if text(sums, "algorithm", "the bundle") != "SHA2_256" or len(digest) != 32:
        raise UnfitEvidence("the bundle signs a digest that is no SHA-256")
    signature = decoded(message, "signature", "the bundle", MOST_SIGNATURE_BYTES)
    return Attestation(Shape.SIGSTORE, None, None, frozenset({digest.hex()}), signature, material)


def json_object(data: bytes, what: str, most: int) -> Json:
    """A JSON object that says everything once.  Raises ``UnfitEvidence``."""
    if len(data) > most:
        raise UnfitEvidence(f"{what} has more than {most >> 10} KiB")
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnfitEvidence(f"{what} is not one JSON object in UTF-8 that says everything once")
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def mapping(of: Json, name: str, what: str) -> Json:
    """An object in an object."""
    found = of.get(name)
    if not isinstance(found, dict):
        raise UnfitEvidence(f"{what} has no object {name}")
    return cast("Json", found)


def objects(of: Json, name: str, what: str, most: int) -> list[Json]:
    """A list of objects; none where it is absent."""
    found = of.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise UnfitEvidence(f"{what}: {name} is no list of objects")
    if len(found) > most:
        raise UnfitEvidence(f"{what} has {len(found)} {name}; there may be {most}")
    return cast("list[Json]", found)


def text(of: Json, name: str, what: str) -> str:
    """A word."""
    found = of.get(name)
    if not isinstance(found, str) or len(found) > _MOST_WORD:
        raise UnfitEvidence(f"{what}: {name} is no text of at most {_MOST_WORD} characters")
    return found


def decoded(of: Json, name: str, what: str, most: int) -> bytes:
    """Octets in Base64, of either alphabet."""
    found = of.get(name)
    if not isinstance(found, str) or len(found) > most * 4 // 3 + 4:
        raise UnfitEvidence(f"{what}: {name} is no Base64 of at most {most} bytes")
    try:
        return base64.b64decode(found.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise UnfitEvidence(f"{what}: {name} is no Base64") from None


def _envelope(document: Json) -> Envelope:
    what = "the DSSE envelope"
    kind = text(document, "payloadType", what)
    if kind != STATEMENT_TYPE:
        raise UnfitEvidence(f"{what} holds {kind[:80]!r}; statements are {STATEMENT_TYPE}")
    found = objects(document, "signatures", what, MOST_SIGNATURES)
    if not found:
        raise UnfitEvidence(f"{what} has no signature")
    signatures = [
        (decoded(one, "sig", what, MOST_SIGNATURE_BYTES), text(one, "keyid", what) if one.get("keyid") else "")
        for one in found
    ]
    return Envelope(kind, decoded(document, "payload", what, MOST_BYTES), signatures)


def _statement(envelope: Envelope) -> Statement:
    what = "the statement"
    said = json_object(envelope.payload, what, MOST_BYTES)
    kind = text(said, "_type", what)
    if kind not in _STATEMENTS:
        raise UnfitEvidence(f"{what} is of type {kind[:80]!r}; there are {' and '.join(_STATEMENTS)}")
    digests = set()
    for one in objects(said, "subject", what, MOST_SUBJECTS):
        sums = one.get("digest")
        digest = sums.get("sha256") if isinstance(sums, dict) else None
        if isinstance(digest, str) and _HEX.match(digest):
            digests.add(digest)
    if not digests:
        raise UnfitEvidence(f"{what} has no subject with a SHA-256")
    predicate = said.get("predicate")
    return Statement(
        predicate_type=text(said, "predicateType", what),
        digests=frozenset(digests),
        builder=_within(predicate, ("runDetails", "builder", "id")) or _within(predicate, ("builder", "id")),
        build_type=_within(predicate, ("buildDefinition", "buildType")) or _within(predicate, ("buildType",)),
    )


def _within(of: object, path: Sequence[str]) -> str:
    """A word deep inside of what anybody may have made; empty where it is not."""
    for name in path:
        of = of.get(name) if isinstance(of, dict) else None
    return of[:_MOST_WORD] if isinstance(of, str) else ""
