"""The texts of mails: those that come with the program, and those that an administrator put in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrepot.adapters.catalog.messages import MailTemplate
from entrepot.adapters.mail.base import Mail
from entrepot.adapters.mail.rendering import fill_in
from entrepot.domain.model.event import EVENTS, Event
from entrepot.errors import TemplateRefused
from entrepot.services.notify.events import stamp, subject_of

MOST_ENTRIES = 50
TEST = "test"
_SUBJECT_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Texts:
    """A subject, a text and the same in HTML, each with places."""

    subject: str
    text: str
    html: str


_LINES = """{{ headline }}

{% for entry in entries %}
- {{ entry.what }}{% if entry.distribution %} in {{ entry.distribution }}{% endif %}{% if entry.user %}, \
by {{ entry.user }}{% endif %}{% if entry.reason %}: {{ entry.reason }}{% endif %}

{% endfor %}
{% if left_out %}
... and {{ left_out }} more
{% endif %}
{% if app_url %}

{{ app_url }}
{% endif %}
"""
_TABLE = """<p>{{ headline }}</p>
<ul>
{% for entry in entries %}
<li><strong>{{ entry.what }}</strong>{% if entry.distribution %} in {{ entry.distribution }}{% endif %}\
{% if entry.user %}, by {{ entry.user }}{% endif %}{% if entry.reason %}: {{ entry.reason }}{% endif %}</li>
{% endfor %}
</ul>
{% if left_out %}
<p>... and {{ left_out }} more</p>
{% endif %}
{% if app_url %}
<p><a href="{{ app_url }}">{{ app_url }}</a></p>
{% endif %}
"""
DEFAULTS: Mapping[str, Texts] = {
    **{
        kind: Texts(
            "[{{ site }}] {{ event }}: {{ what }}{% if distribution %} in {{ distribution }}{% endif %}", _LINES, _TABLE
        )
        for kind in EVENTS
    },
    TEST: Texts("[{{ site }}] test", "{{ headline }}\n", "<p>{{ headline }}</p>\n"),
}
"""By name: one for each event, and the one of ``POST /settings/test-email``."""

VARIABLES: Mapping[str, str] = {
    "event": "name of the event",
    "headline": "the event in a sentence",
    "site": "name of this installation, or its address",
    "app_url": "address of the pages, if it is set",
    "count": "number of packages",
    "what": "the package, or how many there are",
    "entries": "list of at most 50 with what, package, version, arch, distribution, user, reason, sha256, at, more",
    "left_out": "how many are not in the list",
    **dict.fromkeys(("package", "version", "arch", "distribution", "user", "reason", "sha256", "at"), "of the first"),
}


def texts_named(name: str, changed: Sequence[MailTemplate]) -> Texts:
    """What is in force."""
    found = next((each for each in changed if each.name == name), None)
    return DEFAULTS[name] if found is None else Texts(found.subject, found.text, found.html)


def values_of(kind: str, events: Sequence[Event], app_url: str) -> dict[str, object]:
    """What the places of a text are filled with."""
    shown = [_entry(event) for event in events[:MOST_ENTRIES]]
    count = sum(event.count for event in events)
    headline = EVENTS.get(kind, "This mail shows that mail leaves as it should.")
    first = shown[0] if shown else _entry(Event(kind, events[0].at) if events else None)
    return {
        **{name: first[name] for name in first if name != "more"},
        "event": kind,
        "headline": headline[:1].upper() + headline[1:],
        "site": app_url.partition("://")[2] or "Entrepot",
        "app_url": app_url,
        "count": count,
        "what": first["what"] if len(events) == 1 else _together(events, count),
        "entries": shown,
        "left_out": len(events) - len(shown),
    }


def _together(events: Sequence[Event], count: int) -> str:
    subjects = dict.fromkeys(subject_of(event) for event in events if not event.package)
    return ", ".join(subjects) if all(subjects) and len(subjects) == len(events) else f"{count} packages"


def _entry(event: Event | None) -> dict[str, object]:
    if event is None:
        return dict.fromkeys(
            ("what", "package", "version", "arch", "distribution", "user", "reason", "sha256", "at", "more"), ""
        )
    more = ", ".join(f"{name} {value}" for name, value in event.more.items())
    what = " ".join(part for part in (event.package, event.version, event.arch) if part)
    return {
        "what": what or subject_of(event) or more or f"{event.count} packages",
        "package": event.package,
        "version": event.version,
        "arch": event.arch,
        "distribution": event.distribution,
        "user": event.user,
        "reason": event.reason,
        "sha256": event.sha256,
        "at": stamp(event.at),
        "more": more,
    }


def written(texts: Texts, values: Mapping[str, object], to: Sequence[str]) -> Mail:
    """The mail.

    Raises:
        TemplateRefused: a text has mistakes.
    """
    subject = " ".join(fill_in(texts.subject, values).split())
    if not subject:
        raise TemplateRefused("the subject is empty")
    html = fill_in(texts.html, values, html=True) if texts.html else ""
    return Mail(tuple(to), subject[:_SUBJECT_CHARACTERS], fill_in(texts.text, values), html)
