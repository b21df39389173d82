"""The part of the client about the caller's own session, account and second factor."""

from __future__ import annotations

from entrepot.client.answers import Done, Profile, Token, shaped
from entrepot.client.answers_people import (
    Exchanged,
    LoggedOut,
    RecoveryCodes,
    SecondFactorOff,
    SecondFactorSecret,
    SecondFactorState,
)
from entrepot.client.wire import Wire, sent


class Account:
    """``Client.account``.  What answers a password or a code never waits, however patient the client is."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def sign_in(self, username: str, password: str) -> Token:
        """``POST /auth/token``.  The secret of an API token is taken as a password, too."""
        payload = {"username": username, "password": password}
        return shaped(self._wire.at_once("/auth/token", payload), Token, token_type=str)

    def send_code(self, mfa_token: str, code: str) -> Token:
        """``POST /auth/mfa/authenticate``, the second step of a sign-in."""
        payload = {"mfa_token": mfa_token, "totp_code": code}
        return shaped(self._wire.at_once("/auth/mfa/authenticate", payload), Token, access_token=str)

    def take_session(self, code: str, verifier: str) -> Token:
        """``POST /auth/oidc/session``, after a browser went to ``/auth/oidc/login?challenge=...``.

        ``verifier`` is the secret that the challenge is the SHA-256 of (RFC 7636, S256).
        """
        payload = {"code": code, "verifier": verifier}
        return shaped(self._wire.at_once("/auth/oidc/session", payload), Token, access_token=str)

    def exchange(
        self, subject_token: str, *, subject_token_type: str | None = None, grant_type: str | None = None
    ) -> Exchanged:
        """``POST /auth/token-exchange``: the token of a CI platform for a short session."""
        payload = sent(subject_token=subject_token, subject_token_type=subject_token_type, grant_type=grant_type)
        return shaped(self._wire.at_once("/auth/token-exchange", payload), Exchanged, access_token=str)

    def me(self) -> Profile:
        """``GET /auth/me``."""
        return shaped(self._wire("GET", "/auth/me"), Profile, username=str)

    def refresh(self) -> Token:
        """``POST /auth/refresh``: a token for another lifetime; make a new client with it."""
        return shaped(self._wire("POST", "/auth/refresh"), Token, access_token=str)

    def log_out(self) -> LoggedOut:
        """``POST /auth/logout``: this session is over."""
        return shaped(self._wire("POST", "/auth/logout"), LoggedOut, status=str)

    def change_password(self, current_password: str, new_password: str) -> Done:
        """``POST /auth/change-password``: other sessions end, this one goes on."""
        payload = {"current_password": current_password, "new_password": new_password}
        return shaped(self._wire.at_once("/auth/change-password", payload), Done, status=str)

    def forgot_password(self, username: str | None = None, email: str | None = None) -> Done:
        """``POST /auth/forgot-password``: a link by mail; the same answer whether or not there is such an account."""
        payload = sent(username=username, email=email)
        return shaped(self._wire.at_once("/auth/forgot-password", payload), Done, status=str)

    def set_new_password(self, token: str, new_password: str) -> Done:
        """``POST /auth/reset-password``: with the token of the link, once."""
        payload = {"token": token, "new_password": new_password}
        return shaped(self._wire.at_once("/auth/reset-password", payload), Done, status=str)


class SecondFactor:
    """``Client.second_factor``: the caller's own.  ``Client.people.remove_second_factor`` is for others."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def state(self) -> SecondFactorState:
        """``GET /auth/mfa``."""
        return shaped(self._wire("GET", "/auth/mfa"), SecondFactorState, mfa_enabled=bool, recovery_codes_left=int)

    def begin(self) -> SecondFactorSecret:
        """``POST /auth/mfa/setup``: a secret, in force once ``confirm`` had a code made with it."""
        return shaped(self._wire("POST", "/auth/mfa/setup"), SecondFactorSecret, secret=str, otpauth_uri=str)

    def confirm(self, code: str) -> RecoveryCodes:
        """``POST /auth/mfa/confirm``; recovery codes are in the answer and nowhere else."""
        body = self._wire.at_once("/auth/mfa/confirm", {"totp_code": code})
        return shaped(_codes(body), RecoveryCodes)

    def renew_recovery_codes(self, code: str) -> RecoveryCodes:
        """``POST /auth/mfa/recovery-codes``: others in place of the old ones."""
        body = self._wire.at_once("/auth/mfa/recovery-codes", {"totp_code": code})
        return shaped(_codes(body), RecoveryCodes)

    def disable(self, password: str = "", *, code: str | None = None) -> SecondFactorOff:
        """``POST /auth/mfa/disable``: by password, or by code where another system keeps the password."""
        payload = {"password": password} | sent(totp_code=code)
        return shaped(self._wire.at_once("/auth/mfa/disable", payload), SecondFactorOff, status=str)


def _codes(body: dict[str, object]) -> dict[str, object]:
    found = body.get("recovery_codes")
    codes = found if isinstance(found, list) else []
    return body | {"recovery_codes": [str(code) for code in codes]}
