"""Messages on their way: sealed rows, written in the unit of the change that they tell of."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.catalog.messages import Medium, Message
from entrepot.adapters.mail.base import Mail
from entrepot.adapters.sealing import Sealer

GIVE_UP_AFTER = timedelta(days=3)
_SUBJECT_CHARACTERS = 200
_RECIPIENT_CHARACTERS = 300


class Outbox:
    """Makes rows of mails and webhook bodies, and reads them again."""

    def __init__(self, secret: bytes, now: Callable[[], datetime]) -> None:
        self._sealer = Sealer(secret, "outgoing messages")
        self._now = now

    def post(self, unit: Writing, mail: Mail) -> None:
        """Have a mail to certain people sent once ``unit`` is committed; its text is forgotten as soon as it left."""
        unit.add_messages([self.letter(mail)])

    def letter(self, mail: Mail, event: str = "") -> Message:
        """A mail as a message."""
        body = json.dumps({"to": mail.to, "subject": mail.subject, "text": mail.text, "html": mail.html})
        return self._message(Medium.MAIL, event, mail.subject, ", ".join(mail.to), body)

    def call(self, event: str, subject: str, recipient: str, body: str) -> Message:
        """A webhook as a message; ``recipient`` is shown in the delivery log."""
        return self._message(Medium.WEBHOOK, event, subject, recipient, body)

    def _message(self, medium: Medium, event: str, subject: str, recipient: str, body: str) -> Message:
        now = self._now()
        return Message(
            ident=f"msg_{secrets.token_hex(12)}",
            medium=medium,
            event=event,
            subject=" ".join(subject.split())[:_SUBJECT_CHARACTERS],
            recipient=recipient[:_RECIPIENT_CHARACTERS],
            body=self._sealer.seal(body),
            created_at=now,
            next_at=now,
            give_up_at=now + GIVE_UP_AFTER,
        )

    def body(self, message: Message) -> str:
        """What is to be sent.

        Raises:
            SealBroken: the installation's secret is another one by now.
        """
        return self._sealer.open(message.body)

    def mail(self, message: Message) -> Mail:
        """The letter again.

        Raises:
            SealBroken: as ``body``.
        """
        found = json.loads(self.body(message))
        return Mail(tuple(found["to"]), found["subject"], found["text"], found["html"])
