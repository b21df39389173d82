"""What an administrator sees of deliveries, and the goal that everything recorded is told."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.messages import Message, MessageFilter
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.adapters.mail.base import Mailer
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import (
    AlreadyDecided,
    EntrepotError,
    InvalidRequest,
    MailNotSent,
    MailRefused,
    NotFound,
    RemoteFailed,
)
from entrepot.services.notify.delivery import Delivery, outcome_of
from entrepot.services.notify.events import stamp
from entrepot.services.notify.expiry import Expiry
from entrepot.services.notify.gathering import Gatherer
from entrepot.services.notify.outbox import GIVE_UP_AFTER
from entrepot.services.notify.templates import Templates

_KEEP_LOG = timedelta(days=30)
_FORGET_EVERY = timedelta(hours=24)


class Notifications:
    """Gathers, delivers, tells."""

    def __init__(
        self,
        catalog: Catalog,
        gatherer: Gatherer,
        delivery: Delivery,
        expiries: Sequence[Expiry],
        templates: Templates,
        mailer: Mailer,
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._gatherer = gatherer
        self._delivery = delivery
        self._expiries = expiries
        self._templates = templates
        self._mailer = mailer
        self._configuration = configuration
        self._now = now
        self._forgot_at: datetime | None = None

    def unmet(self) -> list[Goal]:
        """The goal, if something was recorded and not told, or waits to be sent."""
        behind = self._gatherer.behind()  # asked always: it moves on while nobody listens
        if behind or any(expiry.due() for expiry in self._expiries) or self._delivery.waiting():
            return [Goal(GoalKind.NOTIFY)]
        return []

    def notify(self) -> None:
        """Bring it about."""
        for expiry in self._expiries:
            if expiry.due():
                expiry.look()
        self._gatherer.gather()
        if self._delivery.waiting():
            self._delivery.deliver()
        self._forget()

    def stop(self) -> None:
        """Send no more from this process."""
        self._delivery.stop()

    def _forget(self) -> None:
        now = self._now()
        if self._forgot_at is None or now - self._forgot_at >= _FORGET_EVERY:
            self._forgot_at = now
            with self._catalog.write() as unit:
                unit.forget_messages(now - _KEEP_LOG)

    def deliveries(self, actor: Actor, conditions: MessageFilter, offset: int, limit: int) -> tuple[list[Message], int]:
        """The delivery log, newest first, and how many there are."""
        demand(actor, Permission.SETTING_READ)
        with self._catalog.read() as reading:
            return reading.message_page(conditions, offset, limit)

    def redeliver(self, actor: Actor, ident: str) -> Message:
        """Have a message sent again, under the same id.

        Raises:
            NotFound: there is none, or it is no longer in the log.
            AlreadyDecided: its text was not kept.
        """
        demand(actor, Permission.SETTING_WRITE)
        now = self._now()
        with self._catalog.write() as unit:
            found = unit.message(ident)
            if found is None:
                raise NotFound("no such delivery in the log of the last 30 days")
            if not found.body:
                raise AlreadyDecided("this mail was written to one person, and its text is not kept")
            unit.revive_message(ident, now, now + GIVE_UP_AFTER)
            detail = {"message": ident, "event": found.event, "recipient": found.recipient}
            unit.audit(AuditEntry("REDELIVER", "SUCCESS", actor, now, detail=detail))
            revived = unit.message(ident)
        return revived or found

    def test_webhook(self, actor: Actor, url: str | None) -> int:
        """Send one event of type ``test`` now; the status of the answer.

        Raises:
            InvalidRequest: there is no URL.
            AddressForbidden: it leads where nothing is sent to.
            RemoteFailed: the receiver did not take it.
        """
        demand(actor, Permission.SETTING_WRITE)
        settings = self._configuration().webhook
        if url:
            settings = settings.model_copy(update={"url": url})
        if not settings.url:
            raise InvalidRequest("no webhook is configured; set webhook.url first, or send a url")
        data = {"user": actor.name, "reason": "test"}
        body = json.dumps({"type": "test", "timestamp": stamp(self._now()), "data": data}, separators=(",", ":"))
        try:
            answer = self._delivery.call(settings, f"msg_{secrets.token_hex(12)}", body.encode())
            outcome = outcome_of(answer)
            if not outcome.sent:
                raise RemoteFailed(outcome.reason, http_status=answer.status)
        except EntrepotError as error:
            self._tried(actor, "WEBHOOK_TEST", error.code)
            raise
        self._tried(actor, "WEBHOOK_TEST", "")
        return answer.status

    def test_email(self, actor: Actor, to: str | None) -> tuple[str, ...]:
        """Send the mail of template ``test`` now; to whom.

        Raises:
            InvalidRequest: mail is switched off, or there is nobody to send it to.
            MailNotSent, MailRefused: the server did not take it.
        """
        demand(actor, Permission.SETTING_WRITE)
        settings = self._configuration().email
        if not settings.enabled:
            raise InvalidRequest("mail is switched off; set email.enabled first")
        recipients = (to,) if to else settings.to_addresses
        if not recipients:
            raise InvalidRequest("there is nobody to send it to; set email.to_addresses or send to_override")
        mail = self._templates.test_mail(recipients)
        try:
            self._mailer.send(settings, mail, f"msg_{secrets.token_hex(12)}")
        except (MailNotSent, MailRefused) as error:
            self._tried(actor, "EMAIL_TEST", error.code)
            raise
        self._tried(actor, "EMAIL_TEST", "")
        return recipients

    def _tried(self, actor: Actor, action: str, code: str) -> None:
        with self._catalog.write() as unit:
            result = "FAILURE" if code else "SUCCESS"
            unit.audit(AuditEntry(action, result, actor, self._now(), detail={"error": code} if code else {}))
