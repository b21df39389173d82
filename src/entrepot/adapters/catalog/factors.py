"""The part of the port about second factors, and links to a new password."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What makes the codes of an account.

    ``secret`` is sealed.  ``last_step`` is the newest time step of which a code was taken.  It counts only while the
    account has ``mfa_since``.
    """

    secret: str = field(repr=False)
    last_step: int | None
    created_at: datetime


class FactorReading(Protocol):
    """What can be asked about second factors."""

    def second_factor(self, username: str) -> SecondFactor | None:
        """Pending or in force."""
        ...

    def recovery_codes_left(self, username: str) -> int:
        """How many were not used."""
        ...

    def reset_owner(self, token_hash: str, now: datetime) -> str | None:
        """Whose new password a token is for, unless it is over."""
        ...

    def accounts_with_email(self, email: str) -> list[str]:
        """Names of active accounts with this address, whatever its case."""
        ...


class FactorWriting(FactorReading, Protocol):
    """What can be changed about them."""

    def set_second_factor(self, username: str, secret: str, now: datetime) -> None:
        """A new one in place of any other, of which no code was taken."""
        ...

    def take_step(self, username: str, step: int) -> bool:
        """Note that a code of this time step was used; false when it is not newer than the last one."""
        ...

    def set_recovery_codes(self, username: str, hashes: Collection[str]) -> None:
        """These in place of all others."""
        ...

    def take_recovery_code(self, username: str, code_hash: str, now: datetime) -> bool:
        """Use it up; false when there is no such code, or it was used."""
        ...

    def remove_second_factor(self, username: str) -> None:
        """And all its recovery codes."""
        ...

    def set_reset(self, username: str | None, token_hash: str, until: datetime, now: datetime) -> None:
        """The one token for a new password of an account; with nobody, a row that is good for nothing.

        Tokens that are over by now are forgotten.
        """
        ...

    def end_reset(self, username: str) -> None:
        """Forget the token of an account."""
        ...
