"""The port: one mail, and who takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from entrepot.domain.model.configuration import Email


@dataclass(frozen=True, slots=True)
class Mail:
    """A text for some people, with the same in HTML if there is any."""

    to: tuple[str, ...]
    subject: str
    text: str = field(repr=False)
    html: str = field(default="", repr=False)


class Mailer(Protocol):
    """Hands mail to a server."""

    def send(self, settings: Email, mail: Mail, ident: str) -> None:
        """Return when the server has taken responsibility; ``ident`` is the same at every attempt.

        Raises:
            MailRefused: it will never be taken as it is.
            MailNotSent: not now; the sentence has no secret in it.
        """
        ...
