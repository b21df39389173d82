"""The key that signs bundles, and those that are believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from entrepot.adapters.signing.base import KeyAlgorithm, Keyring, Signer, Verification
from entrepot.domain.bundles.head import Verify
from entrepot.errors import BadSignature, BundleSignature

KEY = "bundles"
_UID = "Entrepot bundles"


class BundleKey:
    """One identity for all archives; made when it is needed first."""

    def __init__(
        self,
        keyring: Keyring,
        verification: Verification,
        algorithm: KeyAlgorithm,
        trusted: Callable[[], bytes | None],
        now: Callable[[], datetime],
    ) -> None:
        self._keyring = keyring
        self._verification = verification
        self._algorithm = algorithm
        self._trusted = trusted
        self._now = now

    def signer(self) -> Signer:
        """Signs."""
        self._keyring.create(KEY, _UID, self._algorithm, self._now())
        return self._keyring.signer(KEY)

    def verifier(self, told: list[str]) -> Verify:
        """Believes the keys of ENTREPOT_BUNDLE_KEYRING and the own one; tells the fingerprints of whom it believed."""

        def verify(sums: bytes, signature: bytes) -> None:
            certificates = [self._keyring.signer(KEY).certificate()] if KEY in self._keyring.names() else []
            trusted = self._trusted()
            certificates += [] if trusted is None else [trusted]
            for certificate in certificates:
                try:
                    self._verification.verify_detached(certificate, sums, signature)
                except BadSignature:
                    continue
                told[:] = self._verification.fingerprints(certificate)
                return
            raise BundleSignature(
                "the bundle is not signed by a key that is trusted here; put the key of the server that made it into "
                "the file that ENTREPOT_BUNDLE_KEYRING names"
            )

        return verify

    def named(self, armored: bytes, believed: list[str]) -> str:
        """The fingerprint of the key that comes along, if it is among those that were believed; else the first."""
        try:
            found = [one for one in self._verification.fingerprints(armored) if one in believed]
        except BadSignature:
            found = []
        return (found or believed or [""])[0]
