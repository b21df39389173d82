"""Session tokens: JWT signed with HS256 under the installation's secret."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from entrepot.errors import NotSignedIn

_ALGORITHM = "HS256"
_AUDIENCE = "entrepot"
_MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SessionClaims:
    """Whose session, and of which epoch of the account."""

    username: str
    epoch: int


class SessionTokens:
    """Issues and reads session tokens.  The key is derived, so that one secret file serves several purposes."""

    def __init__(self, secret: bytes, lifetime: timedelta) -> None:
        self._key = OctKey.import_key(hashlib.sha256(b"session tokens\0" + secret).digest())
        self._registry = jwt.JWTClaimsRegistry(
            aud={"essential": True, "value": _AUDIENCE},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
        )
        self.lifetime = lifetime

    def issue(self, claims: SessionClaims, now: datetime) -> str:
        """A signed token."""
        body = {
            "sub": claims.username,
            "epoch": claims.epoch,
            "aud": _AUDIENCE,
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode({"alg": _ALGORITHM, "typ": "JWT"}, body, self._key, algorithms=[_ALGORITHM])

    def read(self, token: str, now: datetime) -> SessionClaims:
        """What a token says.

        Raises:
            NotSignedIn: it is not ours, was changed, or is over.
        """
        if len(token) > _MOST_BYTES:
            raise NotSignedIn("the token is not valid; sign in again")
        try:
            decoded = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
            self._registry.validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise NotSignedIn("the token is not valid; sign in again") from error
        username, epoch, expires = (decoded.claims.get(name) for name in ("sub", "epoch", "exp"))
        if not isinstance(username, str) or not isinstance(epoch, int) or not isinstance(expires, int):
            raise NotSignedIn("the token is not valid; sign in again")
        if expires <= now.timestamp():
            raise NotSignedIn("the session has ended; sign in again")
        return SessionClaims(username, epoch)
