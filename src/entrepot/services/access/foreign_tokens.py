"""Tokens of others: a JWT is believed if a key signed it that its issuer publishes, now, for us."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jwt import ClaimsOption

from entrepot.adapters.issuers.base import Document, Issuers
from entrepot.errors import IssuerUnavailable, SignInFailed

_log = structlog.get_logger(__name__)
_Key = RSAKey | ECKey | OKPKey
_MOST_CHARACTERS = 16 << 10
_MOST_KEYS = 64
_MOST_ISSUERS = 256
_FRESH = timedelta(minutes=15)
_USABLE = timedelta(hours=1)
_ASK_AGAIN_AFTER = timedelta(seconds=10)
_FAILED_FOR = timedelta(seconds=5)
_LEEWAY_SECONDS = 30
_WAIT_SECONDS = 15
_LEAST_RSA_BITS = 2048
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA",)}
_ALGORITHMS = (*_RSA, "ES256", "ES384", "ES512", "EdDSA")
_ESSENTIAL: ClaimsOption = {"essential": True}


@dataclass(frozen=True, slots=True)
class _PublicKey:
    """With the algorithms that it may be used for; nothing else."""

    kid: str | None
    algorithms: tuple[str, ...]
    key: _Key


@dataclass(slots=True)
class _Known:
    """What an issuer said, and when; ``forced_at`` is the last time that an unknown key made us ask."""

    document: Document
    keys: tuple[_PublicKey, ...]
    at: datetime
    forced_at: datetime | None = None


class ForeignTokens:
    """Remembers issuers and their keys for a quarter of an hour, and for an hour while they cannot be asked."""

    def __init__(self, issuers: Issuers, now: Callable[[], datetime]) -> None:
        self._issuers = issuers
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._failed: dict[str, tuple[datetime, str]] = {}

    def document(self, issuer: str) -> Document:
        """What the issuer says about itself (OpenID Connect Discovery).

        Raises:
            IssuerUnavailable: it cannot be asked, or speaks of another issuer.
        """
        return self._issuer(issuer).document

    def verify(self, token: str, issuer: str, audience: str, nonce: str | None = None) -> Mapping[str, object]:
        """The claims of a token.

        Raises:
            SignInFailed: not signed by the issuer, not for this audience or nonce, expired, or not yet good.
            IssuerUnavailable: its keys are not known and cannot be had.
        """
        header = _header(token)
        algorithm, kid = header["alg"], header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS or "crit" in header:
            raise refused("algorithm")
        if kid is not None and not isinstance(kid, str):
            raise refused("key id")
        key = self._key(issuer, kid, algorithm)
        options: dict[str, ClaimsOption] = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": audience},
            "sub": _ESSENTIAL,
            "exp": _ESSENTIAL,
            "iat": _ESSENTIAL,
        }
        if nonce is not None:
            options["nonce"] = {"essential": True, "value": nonce}
        now = int(self._now().timestamp())
        registry = jwt.JWTClaimsRegistry(now=now, leeway=_LEEWAY_SECONDS, **options)
        try:
            claims = jwt.decode(token, key, algorithms=[algorithm]).claims
            registry.validate(claims)
        except (JoseError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise refused(type(error).__name__) from error
        expires, subject = claims["exp"], claims["sub"]
        if not isinstance(expires, int | float) or expires + _LEEWAY_SECONDS <= now:
            raise refused("expired")
        if not isinstance(subject, str) or not 0 < len(subject) <= 500:
            raise refused("subject")
        return claims

    def _key(self, issuer: str, kid: str | None, algorithm: str) -> _Key:
        known = self._issuer(issuer)
        found = _chosen(known.keys, kid, algorithm)
        if found is None and kid is not None and all(key.kid != kid for key in known.keys):
            # A new key, perhaps.  A stranger can make us look once in a while, not more.
            found = _chosen(self._issuer(issuer, because_of_unknown_key=True).keys, kid, algorithm)
        if found is None:
            raise refused("unknown key")
        return found

    def _issuer(self, issuer: str, *, because_of_unknown_key: bool = False) -> _Known:
        lock = self._lock_of(issuer)
        if not lock.acquire(timeout=_WAIT_SECONDS):
            raise IssuerUnavailable("the identity provider does not answer; try again later")
        try:
            now, known = self._now(), self._known.get(issuer)
            if known is not None and because_of_unknown_key:
                if known.forced_at is not None and now - known.forced_at < _ASK_AGAIN_AFTER:
                    return known
                known.forced_at = now
            elif known is not None and now - known.at < _FRESH:
                return known
            return self._fetched(issuer, known, now)
        finally:
            lock.release()

    def _lock_of(self, issuer: str) -> threading.Lock:
        with self._lock:
            if len(self._locks) >= _MOST_ISSUERS:  # settings changed that often
                self._locks, self._known, self._failed = {}, {}, {}
            return self._locks.setdefault(issuer, threading.Lock())

    def _fetched(self, issuer: str, known: _Known | None, now: datetime) -> _Known:
        failed = self._failed.get(issuer)
        usable = known if known is not None and now - known.at < _USABLE else None
        if failed is not None and now - failed[0] < _FAILED_FOR:
            if usable is not None:
                return usable
            raise IssuerUnavailable(failed[1])
        try:
            document = self._issuers.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if document.get("issuer") != issuer:
                raise IssuerUnavailable(f"whoever answers for {issuer} is another issuer; compare the settings")
            keys = _keys(self._issuers.get(address_in(document, "jwks_uri")))
        except IssuerUnavailable as error:
            self._failed[issuer] = (now, error.detail)
            _log.warning("issuer.unavailable", issuer=issuer, reason=error.detail, known=usable is not None)
            if usable is not None:
                return usable
            raise
        self._failed.pop(issuer, None)
        found = _Known(document, keys, now, known.forced_at if known else None)
        self._known[issuer] = found
        return found


def address_in(document: Document, name: str) -> str:
    """An address that an issuer's document has to name.

    Raises:
        IssuerUnavailable: it does not.
    """
    found = document.get(name)
    if not isinstance(found, str) or len(found) > 2000:
        raise IssuerUnavailable(f"the identity provider names no {name}")
    return found


def issuer_in(token: str) -> str:
    """Who claims to have issued a token; nothing is believed yet.

    Raises:
        SignInFailed: it is no JWT.
    """
    _header(token)
    found = _part(token, 1).get("iss")
    return found if isinstance(found, str) else ""


def refused(reason: str) -> SignInFailed:
    """One text for every reason; which one it was, is in the log."""
    _log.info("foreign_token.refused", reason=reason)
    return SignInFailed(
        "the token is not accepted: it must be signed by its issuer, in time, and meant for this server"
    )


def _header(token: str) -> dict[str, object]:
    if len(token) > _MOST_CHARACTERS or not token.isascii() or token.count(".") != 2:
        raise refused("form")
    header = _part(token, 0)
    if "alg" not in header:
        raise refused("algorithm")
    return header


def _part(token: str, number: int) -> dict[str, object]:
    text = token.split(".")[number]
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise refused("form")
    return found


def _keys(document: Document) -> tuple[_PublicKey, ...]:
    given = document.get("keys")
    if not isinstance(given, list):
        raise IssuerUnavailable("the identity provider publishes no keys")
    found = [_public_key(one) for one in given[:_MOST_KEYS] if isinstance(one, dict)]
    return tuple(key for key in found if key is not None)


def _public_key(given: Mapping[str, object]) -> _PublicKey | None:
    """None for keys that are for something else, of another kind, or too weak: never a shared secret."""
    kid, use, alg = given.get("kid"), given.get("use", "sig"), given.get("alg")
    kind, curve = given.get("kty"), given.get("crv")
    names = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}.get(str(kind))
    allowed: tuple[str, ...] = _RSA if kind == "RSA" else _CURVES.get(str(curve), ())
    if alg is not None:
        allowed = tuple(one for one in allowed if one == alg)
    if names is None or not allowed or use != "sig" or not (kid is None or isinstance(kid, str)):
        return None
    plain = cast("dict[str, str]", {"kty": kind, **{name: given.get(name) for name in names}})
    if not all(isinstance(value, str) and len(value) <= 3000 for value in plain.values()):
        return None
    if kind == "RSA" and len(plain["n"].rstrip("=")) * 6 < _LEAST_RSA_BITS:
        return None
    try:
        classes: dict[str, type[_Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
        return _PublicKey(kid, allowed, classes[str(kind)].import_key(dict(plain)))
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _chosen(keys: tuple[_PublicKey, ...], kid: str | None, algorithm: str) -> _Key | None:
    fitting = [key for key in keys if algorithm in key.algorithms and (kid is None or key.kid == kid)]
    # Without an id, only a key that is the one possible is not a guess.
    return fitting[0].key if len(fitting) == 1 else None
