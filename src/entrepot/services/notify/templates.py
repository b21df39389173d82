"""The texts of mails as administrators see and change them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.messages import MailTemplate
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.mail.base import Mail
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.event import EVENTS, Event
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import NotFound, TemplateRefused
from entrepot.services.notify.texts import DEFAULTS, TEST, Texts, texts_named, values_of, written

_SUBJECT_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Template:
    """One of them; ``changed`` is the row of whoever changed it."""

    name: str
    texts: Texts
    changed: MailTemplate | None = None


class Templates:
    """Every change is tried with sample values before it is stored."""

    def __init__(
        self, catalog: Catalog, configuration: Callable[[], Configuration], now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._configuration = configuration
        self._now = now

    def all(self, actor: Actor) -> list[Template]:
        """By name."""
        demand(actor, Permission.SETTING_READ)
        changed = self._changed()
        return [_template(name, changed) for name in sorted(DEFAULTS)]

    def one(self, actor: Actor, name: str) -> Template:
        """Raises ``NotFound``."""
        demand(actor, Permission.SETTING_READ)
        _known(name)
        return _template(name, self._changed())

    def change(self, actor: Actor, name: str, subject: str | None, text: str | None, html: str | None) -> Template:
        """Put other texts in their place; what is not given stays.

        Raises:
            NotFound: no mail has this name.
            TemplateRefused: a text has mistakes, or wants to do more than show values.
        """
        demand(actor, Permission.SETTING_WRITE)
        texts = self._overlaid(name, subject, text, html)
        self._sample(name, texts)
        now = self._now()
        row = MailTemplate(name, texts.subject, texts.text, texts.html, actor.name, now)
        with self._catalog.write() as unit:
            unit.set_mail_template(row)
            unit.audit(AuditEntry("SETTINGS_CHANGE", "SUCCESS", actor, now, detail={"settings": [f"templates.{name}"]}))
        return Template(name, texts, row)

    def reset(self, actor: Actor, name: str) -> Template:
        """The text that comes with the program again.

        Raises:
            NotFound: no mail has this name.
        """
        demand(actor, Permission.SETTING_WRITE)
        _known(name)
        with self._catalog.write() as unit:
            if unit.remove_mail_template(name):
                detail: dict[str, JsonValue] = {"settings": [f"templates.{name}"], "reset": True}
                unit.audit(AuditEntry("SETTINGS_CHANGE", "SUCCESS", actor, self._now(), detail=detail))
        return Template(name, DEFAULTS[name])

    def preview(self, actor: Actor, name: str, subject: str | None, text: str | None, html: str | None) -> Mail:
        """What a mail would look like, filled with sample values.

        Raises:
            NotFound, TemplateRefused: as ``change``.
        """
        demand(actor, Permission.SETTING_READ)
        return self._sample(name, self._overlaid(name, subject, text, html))

    def test_mail(self, to: Sequence[str]) -> Mail:
        """The mail that shows that mail leaves."""
        values = values_of(TEST, [Event(TEST, self._now())], self._configuration().app_url)
        return written(texts_named(TEST, self._changed()), values, to)

    def _overlaid(self, name: str, subject: str | None, text: str | None, html: str | None) -> Texts:
        _known(name)
        texts = texts_named(name, self._changed())
        given = {"subject": subject, "text": text, "html": html}
        texts = replace(texts, **{key: value for key, value in given.items() if value is not None})
        if len(texts.subject) > _SUBJECT_CHARACTERS:
            raise TemplateRefused(f"a subject has at most {_SUBJECT_CHARACTERS} characters")
        return texts

    def _sample(self, name: str, texts: Texts) -> Mail:
        app_url = self._configuration().app_url or "https://packages.example.org"
        mails = [written(texts, values_of(name, some, app_url), ("ops@example.org",)) for some in self._samples(name)]
        return mails[0]

    def _samples(self, name: str) -> list[list[Event]]:
        """One with every word, and one with hardly any: a text must get along with both."""
        now = self._now()
        full = Event(
            kind=name if name in EVENTS else TEST,
            at=now,
            package="nginx",
            version="1.26.2-1",
            arch="amd64",
            distribution="bookworm",
            user="ada",
            reason="CVE-2024-7347 is fixed",
            sha256="0" * 64,
        )
        return [[full, replace(full, package="curl", version="8.9.1-2")], [Event(full.kind, now)]]

    def _changed(self) -> list[MailTemplate]:
        with self._catalog.read() as reading:
            return reading.mail_templates()


def _known(name: str) -> None:
    if name not in DEFAULTS:
        raise NotFound(f"there is no mail template of that name; there are {', '.join(sorted(DEFAULTS))}")


def _template(name: str, changed: Sequence[MailTemplate]) -> Template:
    row = next((each for each in changed if each.name == name), None)
    return Template(name, texts_named(name, changed), row)
