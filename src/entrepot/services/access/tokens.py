"""Session tokens: JWT signed with HS256 under the installation's secret."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jwt import ClaimsOption

from entrepot.errors import NotSignedIn

_ALGORITHM = "HS256"
_AUDIENCE = "entrepot"
_MOST_BYTES = 4096
_ESSENTIAL: ClaimsOption = {"essential": True}


def new_session() -> str:
    """An id that no other session has."""
    return secrets.token_urlsafe(12)


@dataclass(frozen=True, slots=True)
class SessionClaims:
    """Whose session, of which epoch of the account; no role.

    ``session`` stays the same when the session is refreshed.  ``api_token`` is the id of the API token that it was
    opened with, ``workload`` the name of the trusted one whose job opened it; empty for people.  ``since`` is when it
    was opened; none means now.
    """

    username: str
    epoch: int
    session: str = field(default_factory=new_session)
    api_token: str = ""
    since: datetime | None = None
    workload: str = ""


class SessionTokens:
    """Issues and reads session tokens.  The key is derived, so that one secret file serves several purposes."""

    def __init__(self, secret: bytes, lifetime: timedelta) -> None:
        self._key = OctKey.import_key(hashlib.sha256(b"session tokens\0" + secret).digest())
        self.lifetime = lifetime

    def issue(self, claims: SessionClaims, now: datetime, until: datetime | None = None) -> str:
        """A signed token, good for the lifetime but not beyond ``until``."""
        ends = now + self.lifetime if until is None else min(until, now + self.lifetime)
        body = {
            "sub": claims.username,
            "epoch": claims.epoch,
            "sid": claims.session,
            "tok": claims.api_token,
            "wld": claims.workload,
            "auth_time": int((claims.since or now).timestamp()),
            "aud": _AUDIENCE,
            "iat": int(now.timestamp()),
            "exp": int(ends.timestamp()),
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
        # The clock is ours: without ``now`` the library would look at the wall.
        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            aud={"essential": True, "value": _AUDIENCE},
            sub=_ESSENTIAL,
            sid=_ESSENTIAL,
            jti=_ESSENTIAL,
            iat=_ESSENTIAL,
            exp=_ESSENTIAL,
        )
        try:
            decoded = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
            registry.validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise NotSignedIn("the token is not valid or has expired; sign in again") from error
        return _claims(decoded.claims, now)


def _claims(body: dict[str, object], now: datetime) -> SessionClaims:
    username, session, api_token = body.get("sub"), body.get("sid"), body.get("tok")
    workload = body.get("wld", "")  # absent in sessions of earlier versions
    epoch, since, expires = body.get("epoch"), body.get("auth_time"), body.get("exp")
    if not (
        isinstance(username, str)
        and isinstance(session, str)
        and isinstance(api_token, str)
        and isinstance(workload, str)
    ):
        raise NotSignedIn("the token is not valid; sign in again")
    if not (isinstance(epoch, int) and isinstance(since, int) and isinstance(expires, int)):
        raise NotSignedIn("the token is not valid; sign in again")
    if expires <= now.timestamp():
        raise NotSignedIn("the session has ended; sign in again")
    return SessionClaims(username, epoch, session, api_token, datetime.fromtimestamp(since, UTC), workload)
