"""What comes along with a package file: a detached signature, attestations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.adapters.catalog.provenance import Evidence, EvidenceKind, ProvenanceWriting
from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.attestation import Attestation, read_attestation
from entrepot.domain.formats.signed import MOST_SIGNATURE_BYTES
from entrepot.domain.model.digest import Digest, digest_of
from entrepot.errors import BlobMissing, UnfitEvidence

MOST_BESIDE = 32
"""Documents beside one package."""

_MOST_WORD = 500


@dataclass(frozen=True, slots=True)
class Beside:
    """One document before it is kept.  It is what it claims to be, and about the package; nothing more is known."""

    kind: EvidenceKind
    data: bytes
    facts: Mapping[str, JsonValue] = field(default_factory=dict)

    def evidence(self, package: Digest, added_by: str, now: datetime) -> Evidence:
        """As it is kept."""
        return Evidence(package, self.kind, digest_of(self.data), len(self.data), added_by, now, self.facts)


def brought(package: Digest, signature: bytes | None, attestations: Sequence[bytes]) -> list[Beside]:
    """What came with an upload.

    Raises:
        UnfitEvidence: too large, malformed, or about another file.
    """
    found = []
    if signature is not None:
        if not 0 < len(signature) <= MOST_SIGNATURE_BYTES:
            raise UnfitEvidence(f"a detached signature has 1 to {MOST_SIGNATURE_BYTES >> 10} KiB, not {len(signature)}")
        found.append(Beside(EvidenceKind.SIGNATURE, signature))
    return [*found, *(attested(package, one) for one in attestations)]


def attested(package: Digest, data: bytes) -> Beside:
    """One attestation that names the package.

    Raises:
        UnfitEvidence: as ``brought``.
    """
    attestation = read_attestation(data)
    if package not in attestation.digests:
        raise UnfitEvidence(
            f"the attestation is about {_few(attestation)}, not about this package, whose SHA-256 is {package}"
        )
    facts: dict[str, JsonValue] = {
        "shape": attestation.shape.value,
        "predicate_type": attestation.predicate_type[:_MOST_WORD],
        "builder": attestation.builder[:_MOST_WORD],
        "subjects": len(attestation.digests),
    }
    return Beside(EvidenceKind.ATTESTATION, data, facts)


def _few(attestation: Attestation) -> str:
    first, *more = sorted(attestation.digests)
    return f"{first} and {len(more)} more" if more else first


def keep(unit: ProvenanceWriting, package: Digest, found: Sequence[Evidence]) -> bool:
    """Add to what is beside a package; whether any of it is new.

    Raises:
        UnfitEvidence: it would be too much.
    """
    new = [unit.add_evidence(one) for one in found]
    if any(new) and len(unit.evidence_of(package)) > MOST_BESIDE:
        raise UnfitEvidence(f"there may be {MOST_BESIDE} documents beside a package, and these would be more")
    return any(new)


def kept(blobs: BlobStore, found: Sequence[Evidence], kind: EvidenceKind) -> list[tuple[Evidence, bytes]]:
    """The documents of one kind that are still there."""
    read = []
    for one in found:
        if one.kind is kind:
            try:
                read.append((one, blobs.read(one.digest, 0, one.size_bytes)))
            except BlobMissing:  # the collector took it with its package; the row tells that it was there
                continue
    return read
