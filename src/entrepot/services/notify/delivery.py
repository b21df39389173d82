"""Sending what waits: each message is claimed by one sender, and by another when that one died."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from entrepot import __version__
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.messages import Medium, Message, MessageState
from entrepot.adapters.mail.base import Mailer
from entrepot.adapters.outbound.base import Outbound, OutboundAnswer, OutboundRequest
from entrepot.domain.model.configuration import Configuration, Webhook
from entrepot.errors import EntrepotError, MailNotSent, MailRefused, RemoteFailed, SealBroken
from entrepot.services.notify.outbox import Outbox
from entrepot.services.notify.signing import signed_headers

_log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
"""Longer than a sender may take for one message; then another node may have it."""
_FIRST_WAIT_SECONDS, _MOST_WAIT_SECONDS, _FACTOR = 10.0, 6 * 3600.0, 3.0
_MOST_IN_A_ROUND = 200
_REASON_CHARACTERS = 500
_GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt; ``stop`` says that the next message would fare no better now."""

    reason: str = ""
    final: bool = False
    stop: bool = False
    http_status: int | None = None
    wait_seconds: float = 0.0

    @property
    def sent(self) -> bool:
        """Whether the receiver has it."""
        return not self.reason


class Delivery:
    """Claims and sends.  At least once: a sender that dies after sending leaves a message that is sent again."""

    def __init__(
        self,
        catalog: Catalog,
        outbox: Outbox,
        mailer: Mailer,
        outbound: Outbound,
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._outbox = outbox
        self._mailer = mailer
        self._outbound = outbound
        self._configuration = configuration
        self._now = now
        self._stop = threading.Event()

    def stop(self) -> None:
        """Begin no more; what waits is sent after the next start."""
        self._stop.set()

    def waiting(self) -> bool:
        """Whether something is due."""
        with self._catalog.read() as reading:
            return reading.messages_due(self._now())

    def deliver(self) -> None:
        """Send what is due; a server that hangs holds up its own medium only."""
        with ThreadPoolExecutor(len(Medium), thread_name_prefix="delivery") as pool:
            for done in [pool.submit(self._deliver, medium) for medium in Medium]:
                done.result()

    def _deliver(self, medium: Medium) -> None:
        for _ in range(_MOST_IN_A_ROUND):
            if self._stop.is_set():
                return
            now = self._now()
            with self._catalog.read() as reading:
                if not reading.messages_due(now):
                    return
            with self._catalog.write() as unit:
                message = unit.claim_message(medium, now, now + LEASE)
            if message is None:
                return
            outcome = self._attempted(message)
            concluded = _concluded(message, outcome, self._now())
            with self._catalog.write() as unit:
                unit.conclude_message(concluded)
            if not outcome.sent:
                _log.warning(
                    "notify.not_delivered",
                    message=message.ident,
                    medium=medium.value,
                    attempts=message.attempts,
                    state=concluded.state.value,
                    reason=outcome.reason,
                )
            if outcome.stop:
                return

    def _attempted(self, message: Message) -> Outcome:
        try:
            if message.medium is Medium.MAIL:
                return self._mailed(message)
            return self._called(message)
        except (MailRefused, SealBroken) as error:
            return Outcome(error.detail, final=True)
        except (MailNotSent, RemoteFailed) as error:
            return Outcome(error.detail, stop=True)
        except EntrepotError as error:
            return Outcome(error.detail)

    def _mailed(self, message: Message) -> Outcome:
        settings = self._configuration().email
        if not settings.enabled:
            return Outcome("mail is switched off (email.enabled)", stop=True)
        self._mailer.send(settings, self._outbox.mail(message), message.ident)
        return Outcome()

    def _called(self, message: Message) -> Outcome:
        settings = self._configuration().webhook
        if not settings.enabled or not settings.url:
            return Outcome("the webhook is switched off (webhook.enabled)", stop=True)
        answer = self.call(settings, message.ident, self._outbox.body(message).encode())
        return outcome_of(answer)

    def call(self, settings: Webhook, ident: str, body: bytes) -> OutboundAnswer:
        """One signed request.

        Raises:
            AddressForbidden, RemoteFailed: nothing was sent, or no answer came.
        """
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"entrepot/{__version__}",
            "Accept": "*/*",
            "Connection": "close",
            **signed_headers(settings.secret, ident, self._now(), body),
        }
        request = OutboundRequest(settings.url, "POST", headers, body, inside=settings.allow_private_addresses)
        return self._outbound.request(request)


def outcome_of(answer: OutboundAnswer) -> Outcome:
    """What an answer means: 2xx is taken, 410 is gone for good, all else is tried again."""
    status = answer.status
    if 200 <= status < 300:
        return Outcome(http_status=status)
    if 300 <= status < 400:
        return Outcome(f"the receiver redirects ({status}), which is not followed", http_status=status)
    if status == _GONE:
        return Outcome("the receiver is gone (410)", final=True, http_status=status)
    return Outcome(f"the receiver answered {status}", http_status=status, wait_seconds=_retry_after(answer))


def _retry_after(answer: OutboundAnswer) -> float:
    value = answer.headers.get("retry-after", "").strip()
    return min(float(value[:9]), _MOST_WAIT_SECONDS) if value.isascii() and value.isdigit() else 0.0


def wait_seconds(attempts: int) -> float:
    """Longer after each attempt, and never the same for two messages."""
    longest = min(_FIRST_WAIT_SECONDS * _FACTOR ** min(attempts - 1, 20), _MOST_WAIT_SECONDS)
    return longest * random.uniform(0.75, 1.25)  # noqa: S311 - only spreads attempts out


def _concluded(message: Message, outcome: Outcome, now: datetime) -> Message:
    # What was written to one person may hold a secret of theirs; it is not kept.
    kept = message.body if message.event else ""
    if outcome.sent:
        return replace(
            message,
            state=MessageState.SENT,
            finished_at=now,
            next_at=now,
            last_error="",
            http_status=outcome.http_status,
            body=kept,
        )
    seconds = max(wait_seconds(message.attempts), outcome.wait_seconds)
    again = now + timedelta(seconds=seconds)
    failed = replace(message, last_error=outcome.reason[:_REASON_CHARACTERS], http_status=outcome.http_status)
    if outcome.final or again > message.give_up_at:
        return replace(failed, state=MessageState.FAILED, finished_at=now, next_at=now, body=kept)
    return replace(failed, next_at=again)
