"""Small secrets at rest: sealed with a key that is derived from the installation's secret.

Whoever has the database alone cannot read them.  AES-128-CBC with HMAC-SHA-256 (Fernet); the purpose is part of the
key, so that what was sealed for one purpose opens for no other.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from entrepot.errors import SealBroken


class Sealer:
    """Seals and opens text for one purpose."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"entrepot seal {purpose}".encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derive.derive(secret)))

    def seal(self, text: str) -> str:
        """Another text every time."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed.

        Raises:
            SealBroken: it was sealed with another secret, or changed since.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealBroken(
                "a stored secret cannot be opened; restore the secret key file from a backup, or enter it anew"
            ) from None
