"""The part of the port about people and programs that somebody else vouches for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.accounts import Account


def external_key_of(issuer: str, subject: str) -> str:
    """What an account is found by whose owner a provider calls ``subject``."""
    return hashlib.sha256(f"{issuer}\0{subject}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class SignInCode:
    """A session that waits for its browser: exchanged once, by the browser that began the sign-in.

    Both secrets are kept as SHA-256.
    """

    code_hash: str = field(repr=False)
    browser_hash: str = field(repr=False)
    username: str
    session_epoch: int
    until: datetime


class FederationReading(Protocol):
    """What can be asked about them."""

    def account_with_key(self, external_key: str) -> Account | None:
        """By ``external_key_of``."""
        ...

    def session_ended(self, session: str) -> bool:
        """Whether a session was ended before its time."""
        ...


class FederationWriting(FederationReading, Protocol):
    """What can be changed about them."""

    def add_sign_in_code(self, code: SignInCode, now: datetime) -> None:
        """Keep one, and forget those that are over."""
        ...

    def take_sign_in_code(self, code_hash: str, now: datetime) -> SignInCode | None:
        """One that is not over, for the first who asks."""
        ...
