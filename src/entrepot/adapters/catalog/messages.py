"""The part of the port about what goes out: messages and their fate, events that were looked at, texts of mails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from entrepot.domain.model.suite import SuiteId


class Medium(StrEnum):
    """How a message leaves."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class MessageState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to deliver at least once.

    ``ident`` is told to the receiver and the same at every attempt.  ``event`` is empty for what the program writes to
    one person.  ``body`` is sealed; empty when it was not kept.  ``next_at`` is also the end of a sender's lease.
    """

    ident: str
    medium: Medium
    event: str
    subject: str
    recipient: str
    body: str = field(repr=False)
    created_at: datetime
    next_at: datetime
    give_up_at: datetime
    state: MessageState = MessageState.WAITING
    attempts: int = 0
    finished_at: datetime | None = None
    last_error: str = ""
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Conditions on a list of messages; all must hold, an empty one always does."""

    medium: Medium | None = None
    state: MessageState | None = None
    event: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A package that entered a suite under a revision."""

    name: str
    version: str
    architecture: str
    sha256: str
    added_by: str


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """A text that somebody changed."""

    name: str
    subject: str
    text: str
    html: str
    changed_by: str
    changed_at: datetime


class MessageReading(Protocol):
    """What can be asked about messages and events."""

    def message(self, ident: str) -> Message | None:
        """By its id."""
        ...

    def message_page(self, conditions: MessageFilter, offset: int, limit: int) -> tuple[list[Message], int]:
        """A page, newest first, and the number of all."""
        ...

    def messages_due(self, now: datetime) -> bool:
        """Whether some message can be sent now."""
        ...

    def event_position(self) -> int | None:
        """Number of the audit entry up to which all were turned into messages; none when nobody began."""
        ...

    def arrivals(self, suite_id: SuiteId, after: int, until: int, limit: int) -> tuple[list[Arrival], int]:
        """The first of the packages that entered under revisions in ``(after, until]``, and how many there are."""
        ...

    def mail_templates(self) -> list[MailTemplate]:
        """By name."""
        ...


class MessageWriting(MessageReading, Protocol):
    """What can be changed about messages and events."""

    def add_messages(self, messages: Sequence[Message]) -> None:
        """They leave once the unit is committed."""
        ...

    def claim_message(self, medium: Medium, now: datetime, until: datetime) -> Message | None:
        """Take the one that is due longest, and count an attempt; until then nobody else gets it."""
        ...

    def conclude_message(self, message: Message) -> bool:
        """Store state, times, error and body of a claimed message; false when somebody else has it by now."""
        ...

    def revive_message(self, ident: str, now: datetime, give_up_at: datetime) -> bool:
        """Make it due at once, whatever became of it; false when there is none."""
        ...

    def forget_messages(self, before: datetime) -> int:
        """Remove those that were finished before a time; how many."""
        ...

    def move_event_position(self, before: int | None, after: int) -> bool:
        """Compare and set; false when somebody else moved it."""
        ...

    def set_mail_template(self, template: MailTemplate) -> None:
        """Add or replace."""
        ...

    def remove_mail_template(self, name: str) -> bool:
        """False when it was not changed."""
        ...
