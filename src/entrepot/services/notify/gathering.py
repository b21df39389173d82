"""From what was recorded to messages: reads the audit log from where it stopped, and writes rows of the outbox.

The log is written with each change, so nothing is lost, and whoever changes something does no more than before.  Its
numbers have no gaps and grow in the order of commits, so a position is all that has to be kept.  The position and the
messages are stored in one unit, so nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.messages import MailTemplate, Message
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.event import Event
from entrepot.domain.model.suite import SuiteId
from entrepot.errors import TemplateRefused
from entrepot.services.notify import events as found_in
from entrepot.services.notify.outbox import Outbox
from entrepot.services.notify.texts import DEFAULTS, texts_named, values_of, written

_log = structlog.get_logger(__name__)

_MOST_ENTRIES = 200
_MOST_ROUNDS = 50
# While nobody listens, entries of this age are passed over, so that whoever switches it on hears no old stories.
_PASS_OVER = timedelta(seconds=5)
_LOOK_EVERY = timedelta(seconds=10)


class Gatherer:
    """Any number may run; the position is compared and set."""

    def __init__(
        self,
        catalog: Catalog,
        outbox: Outbox,
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._outbox = outbox
        self._configuration = configuration
        self._now = now
        self._passed_over_at: datetime | None = None

    def behind(self) -> bool:
        """Whether there is something to gather; while nobody listens, only moves on now and then."""
        listening = _listens(self._configuration())
        with self._catalog.read() as reading:
            position = reading.event_position()
            newest = reading.audit_head().number
        if position is None:
            with self._catalog.write() as unit:
                unit.move_event_position(None, newest)
            return False
        if listening:
            return newest > position
        self._pass_over(position)
        return False

    def _pass_over(self, position: int) -> None:
        now = self._now()
        if self._passed_over_at is not None and now - self._passed_over_at < _LOOK_EVERY:
            return
        self._passed_over_at = now
        with self._catalog.read() as reading:
            old = reading.audit_end_before(now - _PASS_OVER)
        if old is not None and old.number > position:
            with self._catalog.write() as unit:
                unit.move_event_position(position, old.number)

    def gather(self) -> None:
        """Turn everything that was recorded into messages."""
        for _ in range(_MOST_ROUNDS):
            if not self._gather_some():
                return

    def _gather_some(self) -> bool:
        configuration = self._configuration()
        if not _listens(configuration):
            return False
        with self._catalog.read() as reading:
            position = reading.event_position()
            if position is None:
                return False
            recorded = reading.audit_chain(position, _MOST_ENTRIES)
            events = [event for each in recorded for event in _events(reading, each.entry)]
            changed = reading.mail_templates()
        if not recorded:
            return False
        messages = [
            *self._calls(configuration, events),
            *self._letters(configuration, events, changed),
        ]
        with self._catalog.write() as unit:
            if unit.move_event_position(position, recorded[-1].number):
                unit.add_messages(messages)
        return len(recorded) == _MOST_ENTRIES

    def _calls(self, configuration: Configuration, events: Sequence[Event]) -> list[Message]:
        webhook = configuration.webhook
        if not (webhook.enabled and webhook.url):
            return []
        shown = "/".join(webhook.url.split("/")[:3])  # the rest of it may be a secret
        return [
            self._outbox.call(event.kind, found_in.title(event), shown, found_in.webhook_body(event))
            for event in events
            if not webhook.events or event.kind in webhook.events
        ]

    def _letters(
        self, configuration: Configuration, events: Sequence[Event], changed: Sequence[MailTemplate]
    ) -> list[Message]:
        """One mail for all events of a kind in a distribution that were gathered together."""
        if not configuration.email.enabled:
            return []
        together: dict[tuple[str, str], list[Event]] = {}
        for event in events:
            together.setdefault((event.kind, event.distribution), []).append(event)
        letters = []
        for (kind, distribution), some in together.items():
            to = _recipients(configuration, kind, distribution)
            if to:
                values = values_of(kind, some, configuration.app_url)
                try:
                    mail = written(texts_named(kind, changed), values, to)
                except TemplateRefused as error:  # it was tried with other values when it was stored
                    _log.warning("notify.template_refused", template=kind, reason=error.detail)
                    mail = written(DEFAULTS[kind], values, to)
                letters.append(self._outbox.letter(mail, kind))
        return letters


def _listens(configuration: Configuration) -> bool:
    calls = configuration.webhook.enabled and bool(configuration.webhook.url)
    rules = configuration.email.enabled and any(rule.enabled for rule in configuration.notification_rules)
    return calls or rules


def _recipients(configuration: Configuration, kind: str, distribution: str) -> list[str]:
    found: dict[str, None] = {}
    for rule in configuration.notification_rules:
        if not rule.enabled or (rule.events and kind not in rule.events):
            continue
        if rule.distributions and distribution and distribution not in rule.distributions:
            continue
        found.update(dict.fromkeys(rule.to_addresses or configuration.email.to_addresses))
    return list(found)


def _events(reading: Reading, entry: AuditEntry) -> list[Event]:
    switched = found_in.publication(entry)
    if switched is not None:
        suite_id, since, until = switched
        arrivals, total = reading.arrivals(SuiteId(suite_id), since, until, found_in.MOST_ARRIVALS)
        return found_in.published(entry, arrivals, total)
    event = found_in.event_of(entry)
    return [] if event is None else [event]
