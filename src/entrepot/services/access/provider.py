"""Sign-in at an identity provider (OpenID Connect): authorization code with PKCE, state and nonce."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import structlog

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.federation import SignInCode, external_key_of
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.adapters.issuers.base import Document, Issuers
from entrepot.adapters.sealing import Sealer
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.federation import IdentityProvider
from entrepot.domain.policy.external_roles import role_of, roles_of_names
from entrepot.errors import InvalidRequest, IssuerUnavailable, SealBroken, SignInFailed
from entrepot.services.access.external import ExternalAccounts, Vouched
from entrepot.services.access.foreign_tokens import ForeignTokens, address_in, refused
from entrepot.services.access.rights import actor_of
from entrepot.services.access.rules import can_be_username
from entrepot.services.access.tokens import SessionClaims, SessionTokens

_log = structlog.get_logger(__name__)
_AT_PROVIDER = timedelta(minutes=10)
_AT_BROWSER = timedelta(minutes=1)
# Somebody may have to copy it from a browser on another machine.
_AT_TERMINAL = timedelta(minutes=5)
_MOST_GROUPS = 2000
_NOT_THIS_BROWSER = "this sign-in was not begun in this browser, or too long ago; begin again"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it keeps until it comes back; sealed, so that it tells nobody anything."""

    url: str
    pending: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider has the browser bring back."""

    code: str
    state: str
    error: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """A signed-in session."""

    token: str
    expires_in_seconds: int


@dataclass(frozen=True, slots=True)
class Terminal:
    """A command line that waits: on this port of its machine, or (0) for a code that somebody types.

    ``challenge`` is the SHA-256 of a secret that the command line alone knows, as PKCE has it (RFC 7636).
    """

    challenge: str
    port: int = 0

    @property
    def word(self) -> str:
        """What the command line shows and the page has to show, so that nobody confirms the sign-in of another."""
        digest = hashlib.sha256(self.challenge.encode()).hexdigest().upper()
        return f"{digest[:4]}-{digest[4:8]}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whoever came back from the provider, our own address, and the command line that it is for, if it is for one."""

    account: Account
    base: str
    terminal: Terminal | None = None


@dataclass(frozen=True, slots=True)
class Landing:
    """A session that waits.  ``code`` is behind the '#' of ``url``; ``browser`` goes into a cookie, if there is one."""

    code: str
    browser: str
    url: str


class ProviderSignIn:
    """People of the provider.  An account belongs to an issuer and its name for somebody, never to an address."""

    def __init__(
        self,
        catalog: Catalog,
        secret: bytes,
        tokens: SessionTokens,
        foreign: ForeignTokens,
        issuers: Issuers,
        settings: Callable[[], Configuration],
        accounts: ExternalAccounts,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._sealer = Sealer(secret, "sign-in at a provider")
        self._tokens = tokens
        self._foreign = foreign
        self._issuers = issuers
        self._settings = settings
        self._accounts = accounts
        self._now = now

    def begin(self, base: str, terminal: Terminal | None = None) -> Begun:
        """Send a browser to the provider; ``base`` is our own address, where it comes back to.

        The session is for the browser, or for the command line that sent it.

        Raises:
            InvalidRequest: no provider is configured.
            IssuerUnavailable: it does not say where to go.
        """
        provider = self._provider()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        where = address_in(self._foreign.document(provider.issuer), "authorization_endpoint")
        query = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": _callback(base),
            "scope": provider.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        pending = {
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "base": base,
            "issuer": provider.issuer,
            "until": int((self._now() + _AT_PROVIDER).timestamp()),
            "terminal": [] if terminal is None else [terminal.challenge, terminal.port],
        }
        joint = "&" if "?" in where else "?"
        return Begun(f"{where}{joint}{urlencode(query)}", self._sealer.seal(json.dumps(pending)))

    def finish(self, pending: str, answer: Answer, address: str) -> Arrival:
        """Whoever comes back.

        Raises:
            SignInFailed: another browser, an answer that is not to our question, or somebody without a role here.
            IssuerUnavailable: the provider cannot be asked.
        """
        begun, provider = self._begun(pending), self._provider()
        if not hmac.compare_digest(begun["state"].encode(), answer.state.encode("utf-8", "replace")):
            raise SignInFailed(_NOT_THIS_BROWSER)
        if provider.issuer != begun["issuer"] or answer.issuer not in {"", provider.issuer}:
            raise SignInFailed("the answer is of another identity provider; begin again")
        if answer.error or not answer.code:
            _log.warning("oidc.refused", issuer=provider.issuer, error=answer.error[:60])
            raise SignInFailed("the identity provider did not sign you in")
        claims = self._claims(provider, answer.code, begun)
        account = self._accounts.admit(_vouched(claims, provider), address)
        return Arrival(account, begun["base"], Terminal(*begun["terminal"]) if begun["terminal"] else None)

    def open(self, account: Account, address: str) -> ProviderSession:
        """A session at once: for programs that followed the redirects themselves."""
        now = self._now()
        with self._catalog.write() as unit:
            unit.change_account(account.username, {"last_login": now})
            detail = {"auth_source": account.auth_source}
            unit.audit(AuditEntry("LOGIN", "SUCCESS", actor_of(account, address), now, detail=detail))
        token = self._tokens.issue(SessionClaims(account.username, account.session_epoch), now)
        return ProviderSession(token, int(self._tokens.lifetime.total_seconds()))

    def land(self, arrival: Arrival) -> Landing:
        """A code that is good once, for a short time, and in this browser or at this command line only."""
        now, code, browser = self._now(), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        account, terminal = arrival.account, arrival.terminal
        if terminal is None:
            holder, until, url = _hash(browser), now + _AT_BROWSER, f"{arrival.base}/#sign-in={code}"
        else:
            holder, until, browser = _hash_of_challenge(terminal.challenge), now + _AT_TERMINAL, ""
            words = {"code": code, "port": terminal.port, "word": terminal.word, "user": account.username}
            url = f"{arrival.base}/auth/oidc/terminal#{urlencode(words)}"
        with self._catalog.write() as unit:
            unit.add_sign_in_code(SignInCode(_hash(code), holder, account.username, account.session_epoch, until), now)
        return Landing(code, browser, url)

    def take(self, code: str, holder: str, address: str) -> ProviderSession:
        """The session that waits behind a code; ``holder`` is the browser's cookie or the command line's secret.

        Raises:
            SignInFailed: the code was used, is over, or is of another browser.
        """
        now = self._now()
        with self._catalog.write() as unit:
            found = unit.take_sign_in_code(_hash(code), now)
            account = unit.account(found.username) if found is not None else None
        if found is None or account is None or not hmac.compare_digest(found.browser_hash, _hash(holder)):
            raise SignInFailed(_NOT_THIS_BROWSER)
        if not account.active or account.session_epoch != found.session_epoch:
            raise SignInFailed(_NOT_THIS_BROWSER)
        return self.open(account, address)

    def _provider(self) -> IdentityProvider:
        found = self._settings().oidc
        if not found.enabled or not found.issuer or not found.client_id:
            raise InvalidRequest("no identity provider is configured: set oidc.enabled, oidc.issuer, oidc.client_id")
        return found

    def _begun(self, pending: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._sealer.open(pending))
        except (SealBroken, ValueError):
            raise SignInFailed(_NOT_THIS_BROWSER) from None
        if int(found["until"]) <= self._now().timestamp():
            raise SignInFailed(_NOT_THIS_BROWSER)
        return found

    def _claims(self, provider: IdentityProvider, code: str, begun: Mapping[str, Any]) -> Mapping[str, object]:
        document = self._foreign.document(provider.issuer)
        given = self._exchanged(provider, document, code, begun)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise refused("no id_token")
        claims = self._foreign.verify(token, provider.issuer, provider.client_id, begun["nonce"])
        audience, party = claims.get("aud"), claims.get("azp")
        # OpenID Connect Core, 3.1.3.7: of several, one is whom it was issued to.
        several = isinstance(audience, list) and len(audience) > 1
        if (several or party is not None) and party != provider.client_id:
            raise refused("azp")
        wanted = (provider.groups_claim, provider.username_claim)
        access = given.get("access_token")
        if isinstance(access, str) and "userinfo_endpoint" in document and any(_at(claims, n) is None for n in wanted):
            more = self._issuers.get(address_in(document, "userinfo_endpoint"), access)
            if more.get("sub") == claims["sub"]:
                claims = {**more, **claims}
        return claims

    def _exchanged(
        self, provider: IdentityProvider, document: Document, code: str, begun: Mapping[str, Any]
    ) -> Document:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": _callback(begun["base"]),
            "client_id": provider.client_id,
            "code_verifier": begun["verifier"],
        }
        methods = document.get("token_endpoint_auth_methods_supported")
        basic = not isinstance(methods, list) or "client_secret_basic" in methods
        pair = (provider.client_id, provider.client_secret) if provider.client_secret and basic else None
        if provider.client_secret and not basic:
            form["client_secret"] = provider.client_secret
        try:
            return self._issuers.post(address_in(document, "token_endpoint"), form, pair)
        except IssuerUnavailable as error:
            if error.facts.get("status") in {400, 401, 403}:
                _log.warning("oidc.refused", issuer=provider.issuer, reason=error.detail)
                raise SignInFailed("the identity provider does not take this sign-in; begin again") from error
            raise


def _callback(base: str) -> str:
    return f"{base}/auth/oidc/callback"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _hash_of_challenge(challenge: str) -> str:
    return base64.urlsafe_b64decode(f"{challenge}=").hex()


def _at(claims: Mapping[str, object], name: str) -> object:
    """A claim by its name, or by a path with dots."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _text(claims: Mapping[str, object], name: str) -> str:
    found = _at(claims, name)
    return found if isinstance(found, str) else ""


def _username(text: str) -> str:
    """A provider's name for people to read, as a user name; what it would be cut down to has to be free anyway."""
    name = text if can_be_username(text) else re.sub(r"[^A-Za-z0-9._-]", "-", text.partition("@")[0])
    return name[:64]


def _vouched(claims: Mapping[str, object], provider: IdentityProvider) -> Vouched:
    given = _at(claims, provider.groups_claim)
    listed = given if isinstance(given, list) else [given]
    groups = [one for one in listed[:_MOST_GROUPS] if isinstance(one, str)]
    roles = roles_of_names(groups, provider.group_role_map)
    default = role_of(provider.default_role)
    if not roles and default is not None:
        roles = frozenset({default})
    subject = str(claims["sub"])
    return Vouched(
        source="oidc",
        username=_username(_text(claims, provider.username_claim)),
        full_name=_text(claims, "name"),
        email=_text(claims, "email"),
        roles=roles,
        external_key=external_key_of(provider.issuer, subject),
        detail={"issuer": provider.issuer, "subject": subject[:255]},
    )
