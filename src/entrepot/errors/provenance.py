"""What can be wrong with keys to trust, and with what comes along to prove where a package is from."""

from __future__ import annotations

from entrepot.errors.base import EntrepotError, Kind


class UnfitKey(EntrepotError):
    """What was sent as a key to trust is none, or more than is taken at once."""

    code, kind, title = "trust.unfit", Kind.UNPROCESSABLE, "Not a key to trust"


class WeakKey(EntrepotError):
    """A key to trust is of an algorithm, or bound by a hash, that clients of today refuse, or of no use by now."""

    code, kind, title = "trust.weak", Kind.UNPROCESSABLE, "Key is too weak to trust"


class UnfitEvidence(EntrepotError):
    """A signature or an attestation is malformed, beyond the bounds, or about another package."""

    code, kind, title = "evidence.unfit", Kind.UNPROCESSABLE, "Evidence does not fit the package"
