"""Password rule and hashes."""

from __future__ import annotations

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from entrepot.errors import WeakPassword

# OWASP's second recommendation: 19 MiB, two passes, one lane; a few dozen milliseconds.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_NOBODY = _HASHER.hash("a password that nobody has")


def check_rule(password: str) -> None:
    """8 to 128 characters, an upper-case letter, and a digit or special character.

    Raises:
        WeakPassword: naming the part that fails.
    """
    if not 8 <= len(password) <= 128:
        raise WeakPassword("a password has 8 to 128 characters")
    if not any(char.isupper() for char in password):
        raise WeakPassword("a password has at least one upper-case letter")
    if all(char.isalpha() for char in password):
        raise WeakPassword("a password has at least one digit or special character")


def hash_password(password: str) -> str:
    """A salted argon2id hash."""
    return _HASHER.hash(_typed(password))


def fits(stored: str | None, password: str) -> bool:
    """Whether the password fits; without an account, the same work is done and the answer is no."""
    try:
        return _HASHER.verify(stored or _NOBODY, _typed(password)) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def _typed(password: str) -> str:
    # Keyboards write the same letter as one character or as two (RFC 8265, section 4.2.2).
    return unicodedata.normalize("NFC", password)
