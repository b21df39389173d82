"""updateinfo.xml of other people: what they say of updates, with all that dnf makes use of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from entrepot.domain.model.erratum import ErratumKind
from entrepot.domain.model.finding import Severity
from entrepot.domain.upstream.markup import read_xml
from entrepot.errors import UpstreamTooLarge

MAX_ADVISORIES = 200_000
_MOST_PACKAGES = 20_000
_MOST_REFERENCES = 1000
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}")
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")
_LINK = re.compile(r"https?://[^\s<>\"]{1,1000}")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2}))?")
_SECONDS = re.compile(r"[0-9]{9,10}")
_TEXT_CHARACTERS = 20_000
_RATINGS = {
    "critical": Severity.CRITICAL,
    "important": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
}
_TEXTS = ("id", "title", "severity", "release", "rights", "summary", "description", "solution")
_SUGGESTED = ("reboot_suggested", "restart_suggested", "relogin_suggested")
_MODULE = ("name", "stream", "version", "context", "arch")

Nevra = tuple[str, str, str]
"""Name, full version, architecture."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """One update.  ``extra`` is what only its writer and dnf care for, as it is kept with an erratum."""

    code: str
    kind: ErratumKind
    severity: Severity
    title: str
    description: str
    cves: Sequence[str]
    links: Sequence[str]
    issued_at: datetime
    updated_at: datetime
    packages: Sequence[Nevra]
    extra: Mapping[str, Any]


@dataclass(slots=True)
class _Draft:
    attributes: Mapping[str, str]
    texts: dict[str, str] = field(default_factory=dict)
    dates: dict[str, str] = field(default_factory=dict)
    references: list[dict[str, str]] = field(default_factory=list)
    packages: list[Nevra] = field(default_factory=list)
    modules: list[tuple[dict[str, str], list[str]]] = field(default_factory=list)
    suggested: dict[str, list[str]] = field(default_factory=dict)


class _Reader:
    def __init__(self, label: str) -> None:
        self._label = label
        self._draft: _Draft | None = None
        self._module: list[str] | None = None
        self._ready: list[Advisory] = []
        self._count = 0
        self.skipped = 0

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        tag, depth = path[-1], len(path)
        if depth == 2 and tag == "update":
            self._count += 1
            if self._count > MAX_ADVISORIES:
                raise UpstreamTooLarge(f"{self._label}: it has more than {MAX_ADVISORIES} updates")
            self._draft = _Draft(dict(attributes))
        draft = self._draft
        if draft is None:
            return
        if depth == 3 and tag in ("issued", "updated"):
            draft.dates[tag] = attributes.get("date", "")
        elif tag == "reference" and len(draft.references) < _MOST_REFERENCES:
            names = ("href", "id", "type", "title")
            draft.references.append({name: attributes[name][:2000] for name in names if attributes.get(name)})
        elif tag == "collection":
            self._module = None
        elif tag == "module":
            self._module = []
            draft.modules.append(({name: attributes.get(name, "")[:200] for name in _MODULE}, self._module))
        elif tag == "package" and len(draft.packages) < _MOST_PACKAGES:
            self._package(draft, attributes)

    def _package(self, draft: _Draft, attributes: dict[str, str]) -> None:
        epoch = attributes.get("epoch") or "0"
        head = f"{epoch}:" if epoch != "0" else ""
        nevra = (
            attributes.get("name", ""),
            f"{head}{attributes.get('version', '')}-{attributes.get('release', '')}",
            attributes.get("arch", ""),
        )
        draft.packages.append(nevra)
        if self._module is not None:
            self._module.append(" ".join(nevra))

    def end(self, path: list[str], text: str) -> None:
        tag, depth, draft = path[-1], len(path), self._draft
        if draft is None:
            return
        if depth == 3 and tag in _TEXTS:
            draft.texts[tag] = text.strip()[:_TEXT_CHARACTERS]
        elif tag in _SUGGESTED and depth > 3 and text.strip().lower() in ("true", "1"):
            draft.suggested.setdefault(" ".join(draft.packages[-1]) if draft.packages else "", []).append(tag)
        elif depth == 2:
            self._finish(draft)
            self._draft = None

    def _finish(self, draft: _Draft) -> None:
        code = draft.texts.get("id", "")
        if not _CODE.fullmatch(code):
            self.skipped += 1
            return
        kind = draft.attributes.get("type", "")
        issued = _moment(draft.dates.get("issued", ""))
        urls = [one.get("href", "") for one in draft.references]
        cves = [one.get("id", "") for one in draft.references if one.get("type") == "cve"]
        extra: dict[str, Any] = {
            **{
                name: draft.attributes[name][:200] for name in ("from", "status", "version") if name in draft.attributes
            },
            **{name: draft.texts[name] for name in ("release", "rights", "solution") if draft.texts.get(name)},
            "references": draft.references,
        }
        if draft.texts.get("summary"):
            extra["summary"] = draft.texts["summary"]
        if draft.modules:
            extra["modules"] = [[attributes, keys] for attributes, keys in draft.modules]
        if draft.suggested:
            extra["suggested"] = draft.suggested
        self._ready.append(
            Advisory(
                code,
                ErratumKind(kind) if kind in set(ErratumKind) else ErratumKind.ENHANCEMENT,
                _RATINGS.get(draft.texts.get("severity", "").lower(), Severity.UNKNOWN),
                draft.texts.get("title", "")[:500] or code,
                draft.texts.get("description", ""),
                [one for one in dict.fromkeys(cves) if _CVE.fullmatch(one)],
                [one for one in dict.fromkeys(urls) if _LINK.fullmatch(one)],
                issued,
                max(issued, _moment(draft.dates.get("updated", ""))),
                draft.packages,
                extra,
            )
        )

    def take(self) -> list[Advisory]:
        ready, self._ready = self._ready, []
        return ready


def read_updateinfo(chunks: Iterable[bytes], label: str) -> Iterator[Advisory]:
    """In the order of the document; updates without a usable name are passed over.

    Raises:
        UpstreamParse, UpstreamTooLarge: it is none, or too long.
    """
    reader = _Reader(label)
    yield from read_xml(chunks, reader, label, reader.take)


def _moment(text: str) -> datetime:
    """Of a date, with or without a time, or of seconds; the beginning of time where it is none."""
    text = text.strip()
    try:
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text), UTC)
        match = _DATE.match(text)
        if match:
            return datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00:00'}").replace(tzinfo=UTC)
    except ValueError:
        pass
    return datetime(1970, 1, 1, tzinfo=UTC)
