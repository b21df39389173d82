"""The document that Grype prints (its JSON Schema 1.0.0) -> findings.

Fields that are not known are passed over; what is known has to have the type that the schema gives it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from entrepot.domain.advisories.engines import GRYPE
from entrepot.domain.advisories.severity import severity_of_score, severity_of_word
from entrepot.domain.model.finding import SEVERITIES, Finding, FixState, Severity

SYSTEMS = frozenset(("debian", "ubuntu", "rhel", "almalinux", "rocky", "sles", "azurelinux", "photon"))
"""Distributions whose advisories are among Grype's data.  Of others it says nothing, as of packages without faults."""

_MOST_MATCHES = 50_000
_MOST_RELATED = 200
_MOST_WORDS = 20
_MOST_URLS = 8
_MOST_NAME = 512
_MOST_SUMMARY = 1_000
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,12}\Z")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+-]{0,127}\Z")
_OWN_TYPES = frozenset(("deb", "rpm"))
_STATES = {"fixed": FixState.FIXED, "not-fixed": FixState.NOT_FIXED, "wont-fix": FixState.NOT_FIXED}
_RANK = {severity: number for number, severity in enumerate(SEVERITIES)}


class NoDocument(ValueError):
    """It is not JSON at all."""


class OtherDocument(ValueError):
    """It is JSON, and not the document that is known here."""


@dataclass(frozen=True, slots=True)
class Report:
    """What it says.  ``system`` is the distribution that it compared with; ``doubts`` are its own."""

    findings: tuple[Finding, ...]
    system: tuple[str, str]
    version: str
    doubts: tuple[str, ...] = ()


def read_report(content: bytes) -> Report:
    """Read one document.

    Raises:
        NoDocument: cut off, nested too deeply, or no JSON.
        OtherDocument: a field that has to be there is not, or has another type.
    """
    try:
        document = json.loads(content, parse_constant=_constant)
    except RecursionError:
        raise NoDocument("it is nested too deeply") from None
    except OtherDocument:
        raise
    except ValueError as error:
        raise NoDocument(f"it is no JSON: {str(error)[:120]}") from None
    if not isinstance(document, dict):
        _refuse("it is no object")
    distro, descriptor = _object(document, "distro"), _object(document, "descriptor")
    _object(document, "source")
    if _text(descriptor, "name") != GRYPE:
        _refuse(f"it was made by {_text(descriptor, 'name')[:40]!r}")
    merged: dict[tuple[str, str], Finding] = {}
    for match in _objects(document, "matches", _MOST_MATCHES):
        for finding in _of_match(match):
            key = finding.id, finding.component
            merged[key] = _worse(merged[key], finding) if key in merged else finding
    return Report(
        findings=tuple(merged.values()),
        system=(_text(distro, "name"), _text(distro, "version")),
        version=_text(descriptor, "version")[:40],
        doubts=tuple(_doubts(document))[:_MOST_WORDS],
    )


def _of_match(match: Mapping[str, Any]) -> Iterator[Finding]:
    told, artifact = _object(match, "vulnerability"), _object(match, "artifact")
    related = _objects(match, "relatedVulnerabilities", _MOST_RELATED)
    id_ = _text(told, "id")
    if not _ID.match(id_):
        _refuse(f"{id_[:40]!a} is no id")
    others = [name for each in related if _ID.match(name := _text(each, "id"))]
    cves = [id_] if _CVE.match(id_) else [name for name in others if _CVE.match(name)]
    severity, (cvss, vector) = _severity(told, related), _score(told, related)
    if severity is Severity.UNKNOWN and cvss is not None:
        severity = severity_of_score(cvss)
    fix = _object(told, "fix")
    used = _objects_or_none(told, "epss")
    first = Finding(
        id=id_,
        severity=severity,
        package=_text(artifact, "name")[:256],
        version=_text(artifact, "version")[:256],
        fix_state=_STATES.get(_text(fix, "state"), FixState.UNKNOWN),
        fix_versions=tuple(_texts(fix, "versions")[:_MOST_WORDS]),
        cvss=cvss,
        cvss_vector=vector,
        summary=_summary(told, related),
        urls=_urls(told),
        in_kev=bool(_objects_or_none(told, "knownExploited")),
        epss=_share(used, "epss"),
        epss_percentile=_share(used, "percentile"),
        component="" if _text(artifact, "type") in _OWN_TYPES else _text(artifact, "purl"),
        engine=GRYPE,
    )
    names = tuple(dict.fromkeys((id_, *others)))[:_MOST_WORDS]
    for name in dict.fromkeys(cves or [id_]):
        yield replace(first, id=name, aliases=tuple(each for each in names if each not in (name, *cves)))


def _worse(one: Finding, other: Finding) -> Finding:
    """Of two matches about the same."""
    first, second = sorted((one, other), key=lambda each: _RANK[each.severity])
    known = first if first.fix_state is not FixState.UNKNOWN else second
    return replace(
        first,
        fix_state=known.fix_state,
        fix_versions=tuple(dict.fromkeys((*first.fix_versions, *second.fix_versions)))[:_MOST_WORDS],
        aliases=tuple(dict.fromkeys((*first.aliases, *second.aliases)))[:_MOST_WORDS],
        in_kev=first.in_kev or second.in_kev,
    )


def _severity(told: Mapping[str, Any], related: list[dict[str, Any]]) -> Severity:
    for each in (told, *related):
        severity = severity_of_word(_optional(each, "severity"))
        if severity is not Severity.UNKNOWN:
            return severity
    return Severity.UNKNOWN


def _score(told: Mapping[str, Any], related: list[dict[str, Any]]) -> tuple[float | None, str]:
    """The newest of version 3, else any."""
    for each in (told, *related):
        found = []
        for score in _objects(each, "cvss", _MOST_RELATED):
            base = _object(score, "metrics").get("baseScore")
            if isinstance(base, int | float) and not isinstance(base, bool) and 0 <= base <= 10:
                version = _text(score, "version")
                found.append((version.startswith("3"), version, float(base), _text(score, "vector")[:200]))
        if found:
            best = max(found)
            return best[2], best[3]
    return None, ""


def _summary(told: Mapping[str, Any], related: list[dict[str, Any]]) -> str:
    for each in (told, *related):
        if text := " ".join(_optional(each, "description").split()):
            return text[:_MOST_SUMMARY]
    return ""


def _urls(told: Mapping[str, Any]) -> tuple[str, ...]:
    found = [_text(told, "dataSource"), *_texts(told, "urls")]
    fine = [url for url in found if len(url) <= 500 and url.startswith(("https://", "http://")) and url.isprintable()]
    return tuple(dict.fromkeys(fine))[:_MOST_URLS]


def _share(rows: list[dict[str, Any]], field: str) -> float | None:
    value = rows[0].get(field) if rows else None
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if good and value is not None else None


def _doubts(document: Mapping[str, Any]) -> Iterator[str]:
    for each in _objects_or_none(document, "alertsByPackage"):
        for one in _objects(each, "alerts", _MOST_RELATED):
            yield f"{_text(one, 'type')[:60]}: {_text(one, 'message')[:200]}"


def _object(record: Mapping[str, Any], field: str) -> dict[str, Any]:
    value = record.get(field)
    if not isinstance(value, dict):
        _refuse(f"{field} is no object")
    return value


def _objects(record: Mapping[str, Any], field: str, most: int) -> list[dict[str, Any]]:
    value = record.get(field)
    if not isinstance(value, list) or len(value) > most or not all(isinstance(each, dict) for each in value):
        _refuse(f"{field} is no list of at most {most} objects")
    return value


def _objects_or_none(record: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    return [] if record.get(field) is None else _objects(record, field, _MOST_MATCHES)


def _text(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    if not isinstance(value, str):
        _refuse(f"{field} is no text")
    return _plain(value)


def _optional(record: Mapping[str, Any], field: str) -> str:
    return "" if record.get(field) is None else _text(record, field)


def _texts(record: Mapping[str, Any], field: str) -> list[str]:
    value = record.get(field)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        _refuse(f"{field} is no list of texts")
    return [_plain(each)[:_MOST_NAME] for each in value[: 10 * _MOST_WORDS]]


def _plain(text: str) -> str:
    """Text that every database takes."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _constant(text: str) -> NoReturn:
    _refuse(f"{text} is no number")


def _refuse(sentence: str) -> NoReturn:
    raise OtherDocument(sentence)
