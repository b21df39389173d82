"""An implementation of ``AttestationVerification``."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.adapters.attestation.base import AttestationReport, AttestationState, KeyMaterial
from entrepot.adapters.attestation.keys import load_pem, public_key, signed_by, signed_digest
from entrepot.adapters.attestation.roots import MALFORMED, read_root, root_material
from entrepot.adapters.attestation.sigstore import Signer, check_chain, check_entries, check_signature, signer_of
from entrepot.adapters.attestation.transparency import Contradicted, Unproven
from entrepot.adapters.catalog.provenance import TrustedKey, TrustKind
from entrepot.domain.formats.attestation import Attestation
from entrepot.errors import UnfitEvidence, UnfitKey

_PEM = b"-----BEGIN "
_PGP = b"-----BEGIN PGP "


def describe(data: bytes) -> KeyMaterial | None:
    """See ``AttestationVerification``."""
    start = data.lstrip()[:64]
    if start.startswith(b"{"):
        return root_material(data)
    if start.startswith(_PEM) and not start.startswith(_PGP):
        return public_key(data)
    return None


def judge(attestation: Attestation, package: str, keys: Sequence[TrustedKey]) -> AttestationReport:
    """See ``AttestationVerification``."""
    if package not in attestation.digests:
        return AttestationReport(AttestationState.INVALID, "is about another package")
    try:
        signer = signer_of(attestation.material) if attestation.material else None
        if signer is None:
            return _by_key(attestation, package, keys)
        return _by_certificate(attestation, package, signer, keys)
    except (Contradicted, UnfitEvidence) as error:
        return AttestationReport(AttestationState.INVALID, str(error))
    except MALFORMED:
        return AttestationReport(AttestationState.INVALID, "carries a certificate or a key that is malformed")
    except Unproven as error:
        return AttestationReport(AttestationState.UNVERIFIED, f"stored, not verified: {error}")


def _by_key(attestation: Attestation, package: str, keys: Sequence[TrustedKey]) -> AttestationReport:
    """By a public key of the suite; hints of keys are believed only where they accuse."""
    trusted = [key for key in keys if key.kind is TrustKind.PUBLIC_KEY]
    hints = set()
    for key in trusted:
        try:
            verifying = load_pem(key.material)
        except ValueError:  # it was read when it was stored
            continue
        if attestation.envelope is None:
            good = bool(signed_digest(verifying, attestation.signature, bytes.fromhex(package)))
        else:
            signed = attestation.envelope.signed()
            good = any(signed_by(verifying, one, signed) for one, _ in attestation.envelope.signatures)
            hints = {hint for _, hint in attestation.envelope.signatures if hint}
        if good:
            return AttestationReport(AttestationState.VERIFIED, f"signed by {key.name}", key=key.fingerprint)
    accused = [key for key in trusted if hints & {key.fingerprint, key.fingerprint.lower(), key.name}]
    if accused:
        raise Contradicted(f"it names the key {accused[0].name}, which did not sign it")
    raise Unproven(
        "no public key that this distribution trusts made it" if trusted else "no public key is trusted here"
    )


def _by_certificate(
    attestation: Attestation, package: str, signer: Signer, keys: Sequence[TrustedKey]
) -> AttestationReport:
    """By a certificate, against each root until one fits."""
    signature = check_signature(attestation, signer.key, package)
    roots = [key for key in keys if key.kind is TrustKind.SIGSTORE]
    reason: Exception = Unproven("no Sigstore root is configured for this distribution")
    for key in roots:
        try:
            root = read_root(key.material)
            at = check_entries(attestation, signature, signer, root)
            check_chain(signer, at, root)
        except UnfitKey:  # it was read when it was stored
            continue
        except (Unproven, Contradicted) as error:
            reason = error if not isinstance(reason, Contradicted) else reason
            continue
        detail = (
            f"signed by {signer.identity or 'nobody named'} of {signer.issuer or 'no issuer'} at {at:%Y-%m-%d %H:%M}"
        )
        return AttestationReport(AttestationState.VERIFIED, detail, key.fingerprint, signer.identity, signer.issuer)
    raise reason
