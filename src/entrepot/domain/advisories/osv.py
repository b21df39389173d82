"""One record of the OSV schema (1.x) -> ``Advisory``.

Unknown fields are passed over; what is known has to have the type that the schema gives it.  Packages of ecosystems
that are neither of distributions nor of languages known here, and ranges of commits, are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, get_args

from entrepot.domain.advisories.advisory import Advisory, Affected, EventKind, Events
from entrepot.domain.advisories.contexts import Language, order_of
from entrepot.domain.advisories.ordering import contains
from entrepot.domain.advisories.severity import base_score, severity_of_headline, severity_of_word
from entrepot.domain.model.finding import Severity
from entrepot.errors import MalformedAdvisory

MOST_BYTES = 32 << 20
"""Of one record; the largest published ones, about kernels, have some megabytes."""

_MOST_AFFECTED = 20_000
_MOST_EVENTS = 10_000
_MOST_VERSIONS = 100_000
_MOST_NAMES = 5_000
_MOST_URLS = 8
_MOST_SUMMARY = 1_000
_MOST_VERSION = 256
_MOST_ID = 128
_MOST_NAME = 256

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,12}\Z")
_WRAPPED = re.compile(r"[A-Z][A-Z0-9]*-(CVE-[0-9]{4}-[0-9]{4,12})\Z")
_PYTHON_SEPARATORS = re.compile(r"[-_.]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+-]*\Z")
_KINDS: Mapping[str, EventKind] = {kind: kind for kind in get_args(EventKind)}
_VECTORS = ("CVSS_V3", "CVSS_V2", "CVSS_V4")


def read_osv(content: bytes) -> Advisory:
    """Read one record.

    Raises:
        MalformedAdvisory: not JSON, a name twice in one object, nested too deeply, a field of another type than the
            schema has, or more than the bounds allow.
    """
    record = _loaded(content)
    id_ = _word(record, "id", _MOST_ID)
    if not _ID.match(id_):
        _refuse(f"the id {id_[:40]!a} is not a word")
    modified = _moment(record, "modified")
    if modified is None:
        _refuse(f"{id_}: the field modified is missing")
    summary = _text(record.get("summary") or str(record.get("details") or "").strip().partition("\n")[0])
    vectors = _vectors(record)
    entries = _affected(record, id_)
    if not vectors:
        vectors = next((found for _, each in entries if (found := _vectors(each))), {})
    vector = next((vectors[kind] for kind in _VECTORS if kind in vectors), "")
    scores = [score for kind in _VECTORS if (score := base_score(vectors.get(kind, ""))) is not None]
    names = {field: _names(record, field) for field in ("aliases", "upstream", "related")}
    cves = _cves(id_, names)
    return Advisory(
        id=id_,
        modified_at=modified,
        published_at=_published(record),
        withdrawn_at=_moment(record, "withdrawn"),
        cves=cves,
        aliases=tuple(dict.fromkeys(name for name in names["aliases"] if name != id_ and name not in cves)),
        severity=_severity(record, summary),
        cvss=scores[0] if scores else None,
        cvss_vector=vector,
        summary=summary[:_MOST_SUMMARY],
        urls=_urls(record),
        affected=tuple(each for each, _ in entries),
    )


def _loaded(content: bytes) -> Mapping[str, Any]:
    if len(content) > MOST_BYTES:
        _refuse(f"the record is larger than {MOST_BYTES >> 20} MiB")
    try:
        record = json.loads(content, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        raise MalformedAdvisory("the record is nested too deeply") from None
    except ValueError as error:  # no JSON, no UTF-8, or a number of thousands of digits
        raise MalformedAdvisory(f"the record is not JSON: {str(error)[:120]}") from None
    if not isinstance(record, dict):
        _refuse("the record is not a JSON object")
    return record


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        _refuse("an object has one name twice")
    return made


def _constant(text: str) -> NoReturn:
    _refuse(f"{text} is no number")


def _affected(record: Mapping[str, Any], id_: str) -> list[tuple[Affected, Mapping[str, Any]]]:
    found: list[tuple[Affected, Mapping[str, Any]]] = []
    for entry in _objects(record, "affected", _MOST_AFFECTED):
        package = entry.get("package")
        if package is None:
            continue
        if not isinstance(package, dict):
            _refuse(f"{id_}: package is not an object")
        context, name = _word(package, "ecosystem", _MOST_NAME), _word(package, "name", _MOST_NAME)
        if order_of(context) is None:
            continue
        if context == Language.PYPI:
            name = _PYTHON_SEPARATORS.sub("-", name).lower()
        ranges, versions = _ranges(entry, id_), _versions(entry, id_)
        if not ranges and not versions and entry.get("ranges"):
            continue  # commits alone
        rest = _besides(context, ranges, versions)
        found.append((Affected(context, name, ranges, rest, _entry_severity(entry)), entry))
    return found


def _ranges(entry: Mapping[str, Any], id_: str) -> tuple[Events, ...]:
    found = []
    for each in _objects(entry, "ranges", _MOST_EVENTS):
        if each.get("type") not in ("ECOSYSTEM", "SEMVER"):
            continue
        events: list[tuple[EventKind, str]] = []
        for event in _objects(each, "events", _MOST_EVENTS):
            for kind, at in event.items():
                if kind in _KINDS:
                    events.append((_KINDS[kind], _version(at, id_)))
        if not any(kind == "introduced" for kind, _ in events):
            _refuse(f"{id_}: a range does not say where it begins")
        found.append(tuple(events))
    return tuple(found)


def _versions(entry: Mapping[str, Any], id_: str) -> tuple[str, ...]:
    versions = entry.get("versions") or []
    if not isinstance(versions, list) or len(versions) > _MOST_VERSIONS:
        _refuse(f"{id_}: versions is not a list of at most {_MOST_VERSIONS}")
    return tuple(_version(each, id_) for each in versions)


def _besides(context: str, ranges: tuple[Events, ...], versions: tuple[str, ...]) -> tuple[str, ...]:
    """The listed versions that no range contains: publishers list all, which would be most of what is kept."""
    order = order_of(context)
    if not ranges or order is None:
        return versions
    if any(len(events) == 1 and events[0][1] == "0" for events in ranges):
        return ()
    return tuple(each for each in versions if not any(contains(order, events, each) for events in ranges))


def _version(value: Any, id_: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_VERSION or not value.isprintable():
        _refuse(f"{id_}: {str(value)[:40]!a} is not a version")
    return value.strip()


def _entry_severity(entry: Mapping[str, Any]) -> Severity:
    """What the distribution says of one package."""
    for field in ("ecosystem_specific", "database_specific"):
        said = entry.get(field)
        if isinstance(said, dict):
            for name in ("ubuntu_priority", "urgency", "severity"):
                severity = severity_of_word(str(said.get(name, "")))
                if severity is not Severity.UNKNOWN:
                    return severity
    return _worded(entry)


def _severity(record: Mapping[str, Any], summary: str) -> Severity:
    said = record.get("database_specific")
    word = said.get("severity") if isinstance(said, dict) else None
    severity = severity_of_word(word) if isinstance(word, str) else Severity.UNKNOWN
    if severity is Severity.UNKNOWN:
        severity = _worded(record)
    return severity if severity is not Severity.UNKNOWN else severity_of_headline(summary)


def _worded(record: Mapping[str, Any]) -> Severity:
    """A severity that is a word and not a vector, as Ubuntu's are."""
    for each in _objects(record, "severity", 100):
        if not str(each.get("type", "")).startswith("CVSS"):
            severity = severity_of_word(str(each.get("score", "")))
            if severity is not Severity.UNKNOWN:
                return severity
    return Severity.UNKNOWN


def _vectors(record: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in _objects(record, "severity", 100):
        kind, score = each.get("type"), each.get("score")
        if kind in _VECTORS and isinstance(score, str):
            found.setdefault(kind, _text(score)[:200])
    return found


def _cves(id_: str, names: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The vulnerabilities that a record is about: its own id, else what it says it is made from, else what it names."""
    if _CVE.match(id_):
        return (id_,)
    wrapped = _WRAPPED.match(id_)
    if wrapped:
        return (wrapped[1],)
    for fields in (("upstream", "aliases"), ("related",)):
        found = dict.fromkeys(name for field in fields for name in names[field] if _CVE.match(name))
        if found:
            return tuple(found)
    wrapping = (_WRAPPED.match(name) for field in ("upstream", "aliases", "related") for name in names[field])
    return tuple(dict.fromkeys(match[1] for match in wrapping if match))


def _names(record: Mapping[str, Any], field: str) -> tuple[str, ...]:
    names = record.get(field) or []
    if not isinstance(names, list) or len(names) > _MOST_NAMES:
        _refuse(f"{field} is not a list of at most {_MOST_NAMES} names")
    return tuple(name for name in names if isinstance(name, str) and len(name) <= _MOST_ID and _ID.match(name))


def _urls(record: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for each in _objects(record, "references", _MOST_NAMES):
        url = each.get("url")
        if isinstance(url, str) and len(url) <= 500 and url.startswith(("https://", "http://")) and url.isprintable():
            found.append(_text(url))
    return tuple(dict.fromkeys(found))[:_MOST_URLS]


def _objects(record: Mapping[str, Any], field: str, most: int) -> list[dict[str, Any]]:
    value = record.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most or not all(isinstance(each, dict) for each in value):
        _refuse(f"{field} is not a list of at most {most} objects")
    return value


def _word(record: Mapping[str, Any], field: str, most: int) -> str:
    value = record.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        _refuse(f"{field} is not a line of at most {most} characters")
    return _text(value)


def _moment(record: Mapping[str, Any], field: str) -> datetime | None:
    value = record.get(field)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise MalformedAdvisory(f"{field} is {str(value)[:40]!a}, not a time") from None


def _published(record: Mapping[str, Any]) -> datetime | None:
    """Publishers write the year 1 where they do not know."""
    found = _moment(record, "published")
    return found if found is not None and found.year > 1980 else None


def _text(value: Any) -> str:
    """Text that every database takes."""
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()


def _refuse(sentence: str) -> NoReturn:
    raise MalformedAdvisory(sentence)
