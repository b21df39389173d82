"""A new password for whoever forgot theirs: by a link in a mail (contract 4.1).

Whoever asks learns nothing: whether or not there is an account, the same sentence is said, by routes that answer in
rounds of time.  Only an account has a mail to write.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.adapters.mail.base import Mail
from entrepot.domain.model.actor import Actor, name_key
from entrepot.errors import InvalidRequest
from entrepot.services.access.attempts import Attempts
from entrepot.services.access.passwords import check_rule, hash_password
from entrepot.services.access.rights import actor_of
from entrepot.services.access.rules import can_be_email, can_be_username

LIFETIME = timedelta(minutes=30)
_MOST_MAILS = 3
_MAILS_SECONDS = 3600
_MOST_CHARACTERS = 200
_OVER = "the link is not valid any more; ask for a new one"
_TEXT = """Somebody asked for a new password for the account {username} on {site}.

If it was you, open this link within 30 minutes:

{link}

Without JavaScript, copy the part behind "token=" into the page.
If it was not you, do nothing: your password is as it was.
"""


class PasswordResets:
    """One link at a time for an account, good once."""

    def __init__(
        self,
        catalog: Catalog,
        secret: bytes,
        attempts: Attempts,
        post: Callable[[Writing, Mail], None],
        site: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._key = hashlib.sha256(b"password resets\0" + secret).digest()
        self._attempts = attempts
        self._post = post
        self._site = site
        self._now = now

    def ask(self, username: str, email: str, address: str) -> None:
        """Have a link sent to the account of a name, or of a mail address if it is of one account only.

        Nobody is told whether there is one.  An account is sent three mails in an hour at most.
        """
        token, now, site = secrets.token_urlsafe(32), self._now(), self._site()
        with self._catalog.write() as unit:
            account = self._meant(unit, username, email)
            key = hashlib.sha256(name_key(account.username if account else username or email).encode()).hexdigest()
            if unit.throttle(f"reset/{key}", now, _MAILS_SECONDS) > _MOST_MAILS:
                account = None
            unit.set_reset(account.username if account else None, self._hash(token), now + LIFETIME, now)
            if account is not None:
                self._post(unit, _letter(account, site, token))
            actor = Actor(account.username if account else "(unknown)", frozenset(), address)
            result = "START" if account else "FAILURE"
            unit.audit(AuditEntry("PASSWORD_RESET", result, actor, now, detail={"step": "asked for a link"}))

    @staticmethod
    def _meant(reading: Reading, username: str, email: str) -> Account | None:
        names = [username] if can_be_username(username) else []
        # Asked for in any case, so that both ways cost the same.
        found = reading.accounts_with_email(email if can_be_email(email) else "@")
        if not username and len(found) == 1:
            names = found
        account = reading.account(names[0] if names else "-")
        if account is None or not (account.active and account.is_local and account.email):
            return None
        return account if not email or account.email.lower() == email.lower() else None

    def use(self, token: str, new: str, address: str) -> None:
        """Set the password; all sessions of the account end, and it is no longer locked.

        A second factor stays.

        Raises:
            InvalidRequest: the token is unknown, over or used.
            WeakPassword: with the rule; the token is still good.
        """
        hashed_token, now = self._hash(token[:_MOST_CHARACTERS]), self._now()
        with self._catalog.read() as reading:
            if reading.reset_owner(hashed_token, now) is None:
                raise InvalidRequest(_OVER)
        check_rule(new)
        hashed = hash_password(new)
        with self._catalog.write() as unit:
            unit.hold_accounts()
            owner = unit.reset_owner(hashed_token, now)
            account = None if owner is None else unit.account(owner)
            if account is None or not (account.active and account.is_local):
                raise InvalidRequest(_OVER)
            unit.end_reset(account.username)
            ended = {"session_epoch": account.session_epoch + 1, "kept_session": None}
            unit.change_account(account.username, {"password_hash": hashed, **ended})
            self._attempts.unlock(unit, account.username)
            unit.audit(AuditEntry("PASSWORD_RESET", "SUCCESS", actor_of(account, address), now, detail={"by": "link"}))

    def _hash(self, token: str) -> str:
        return hmac.new(self._key, token.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _letter(account: Account, site: str, token: str) -> Mail:
    # Behind the '#': browsers do not send that, so that no log along the way has it.
    text = _TEXT.format(username=account.username, site=site, link=f"{site}/reset-password#token={token}")
    return Mail((account.email,), "A new password for Entrepot", text)
