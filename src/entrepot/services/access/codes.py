"""Codes of a second factor: by time (RFC 6238), each taken once, and recovery codes for the day the phone is gone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import secrets
from datetime import datetime

import pyotp
import segno

from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.sealing import Sealer

STEP_SECONDS = 30
RECOVERY_CODES = 10
# Clocks of phones are a little wrong, and people type slowly.
_STEPS_AROUND = 1
# No letter that is easily taken for another one or for a digit.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUP = 5
_PIXELS = 6


def new_secret() -> str:
    """160 bits, as apps want them."""
    return pyotp.random_base32(32)


def address_of(secret: str, username: str, issuer: str) -> str:
    """What an app reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def picture_of(address: str) -> str:
    """A QR code as PNG, in base64."""
    found = io.BytesIO()
    segno.make(address, micro=False).save(found, kind="png", scale=_PIXELS, border=3)
    return base64.b64encode(found.getvalue()).decode()


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step, near now, that a code is of; the newest one, if it should be of several."""
    current = int(now.timestamp()) // STEP_SECONDS
    maker = pyotp.TOTP(secret)
    found = None
    for step in range(current - _STEPS_AROUND, current + _STEPS_AROUND + 1):
        if hmac.compare_digest(maker.at(step * STEP_SECONDS).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Ten, of 49 bits each."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(2))
        for _ in range(RECOVERY_CODES)
    ]


class Codes:
    """Takes codes, each only once."""

    def __init__(self, secret: bytes) -> None:
        self._sealer = Sealer(secret, "second factor")
        self._key = hashlib.sha256(b"recovery codes\0" + secret).digest()

    def seal(self, secret: str) -> str:
        """As it is stored."""
        return self._sealer.seal(secret)

    def hash(self, recovery_code: str) -> str:
        """What is kept of a recovery code; case, blanks and dashes do not count."""
        plain = "".join(char for char in recovery_code.lower() if char.isalnum())
        return hmac.new(self._key, plain.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def take(self, unit: Writing, username: str, code: str, now: datetime) -> str | None:
        """Use a code up: the kind that it was, or none when it is wrong or was used before.

        Raises:
            SealBroken: the installation's secret is another one by now.
        """
        typed = "".join(code.split())
        factor = unit.second_factor(username)
        if factor is None:
            return None
        if typed.isdecimal() and len(typed) == 6:
            step = step_of(self._sealer.open(factor.secret), typed, now)
            return "totp" if step is not None and unit.take_step(username, step) else None
        return "recovery code" if unit.take_recovery_code(username, self.hash(typed), now) else None
