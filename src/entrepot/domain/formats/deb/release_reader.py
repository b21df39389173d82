"""Release files read strictly: one reading or none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from entrepot.domain.formats.deb.packages_index import (
    DIGEST_FIELDS,
    IndexLimits,
    is_hexadecimal,
    is_relative_path,
    parse_stanzas,
)
from entrepot.domain.formats.deb.release import FINGERPRINT, MONTHS, SECTIONS, ReleaseFields, ReleaseFile
from entrepot.domain.formats.quoting import quote
from entrepot.errors import MalformedIndex

MAX_RELEASE_BYTES = 32 << 20
MAX_FILES = 500_000

_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, +)?([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) +([0-9]{1,2}):([0-9]{2}):([0-9]{2}) "
    r"(?:UTC|GMT|Z|\+0000)"
)
_FILE = re.compile(r" +([0-9A-Fa-f]+)[ \t]+([0-9]{1,18})[ \t]+([!-~]+)[ \t]*")
_SEPARATORS = re.compile(r"[ \t\n]+")
_TEXTS = frozenset((
    "origin", "label", "suite", "codename", "version", "description", "changelogs", "date", "valid-until",
    "architectures", "components", "notautomatic", "butautomaticupgrades", "acquire-by-hash",
    "no-support-for-architecture-all", "snapshots", "signed-by",
))  # fmt: skip
_SECTIONS = {section.lower(): algorithm for algorithm, section in SECTIONS.items()}


@dataclass(frozen=True, slots=True)
class Release:
    """What one Release file says; ``others`` are the fields that have no place in ``fields``, by lower-case name."""

    fields: ReleaseFields
    files: tuple[ReleaseFile, ...]
    others: Mapping[str, str]


def parse_release(data: bytes) -> Release:
    """Read ``Release``, or the signed text of ``InRelease`` once its signature was taken off.

    Files are sorted by path, each with all digests that are listed for it.  Suite or Codename may be absent, and
    everything else but the date: repositories in the wild leave them out.  A ``Signed-By`` that holds keys and not
    fingerprints is among ``others``.

    Raises:
        MalformedIndex: not exactly one stanza, a repeated field, a date that is missing or not UTC, a path that leads
            out of the folder or is listed with two sizes or digests, more than a bound allows.
    """
    if len(data) > MAX_RELEASE_BYTES:
        raise _malformed(f"it is longer than {MAX_RELEASE_BYTES} bytes")
    stanzas = list(parse_stanzas([data], name="Release", limits=IndexLimits(MAX_RELEASE_BYTES, 1)))
    if not stanzas:
        raise _malformed("it is empty")
    by_name = {name.lower(): value for name, value in stanzas[0].items()}
    files = _files({_SECTIONS[name]: value for name, value in by_name.items() if name in _SECTIONS})
    others = {name: value for name, value in by_name.items() if name not in _TEXTS and name not in _SECTIONS}
    signed_by = _fingerprints(by_name.get("signed-by", ""))
    if not signed_by and "signed-by" in by_name:
        others["signed-by"] = by_name["signed-by"]
    return Release(_fields(by_name, signed_by), files, others)


def parse_date(field: str, value: str) -> datetime:
    """RFC 1123 in UTC, as apt takes it; the day of the week is not looked at.  Raises MalformedIndex."""
    match = _DATE.fullmatch(value)
    if match is None or match[2] not in MONTHS:
        raise _malformed(f"{field} {quote(value)} is not a date in UTC")
    day, year, hour, minute, second = (int(match[at]) for at in (1, 3, 4, 5, 6))
    try:
        return datetime(year, MONTHS.index(match[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError as fault:
        raise _malformed(f"{field} {quote(value)} is not a date in UTC") from fault


def _fields(by_name: Mapping[str, str], signed_by: tuple[str, ...]) -> ReleaseFields:
    def text(field: str) -> str:
        value = by_name.get(field.lower(), "")
        if "\n" in value:
            raise _malformed(f"{field} goes over several lines")
        return value

    if not text("Date"):
        raise _malformed("the field Date is missing or empty")
    return ReleaseFields(
        **{
            field.lower(): text(field)
            for field in ("Origin", "Label", "Suite", "Codename", "Version", "Description", "Changelogs")
        },
        date=parse_date("Date", text("Date")),
        architectures=_words(by_name.get("architectures", "")),
        components=_words(by_name.get("components", "")),
        valid_until=parse_date("Valid-Until", text("Valid-Until")) if text("Valid-Until") else None,
        not_automatic=text("NotAutomatic") == "yes",
        but_automatic_upgrades=text("ButAutomaticUpgrades") == "yes",
        acquire_by_hash=text("Acquire-By-Hash") == "yes",
        no_support_for_architecture_all="Packages" in _words(text("No-Support-for-Architecture-all")),
        snapshots=text("Snapshots") or None,
        signed_by=signed_by,
    )


def _words(value: str) -> tuple[str, ...]:
    return tuple(word for word in _SEPARATORS.split(value) if word)


def _fingerprints(value: str) -> tuple[str, ...]:
    words = _words(value.replace(",", " "))
    return words if all(map(FINGERPRINT.fullmatch, words)) else ()


def _files(sections: Mapping[str, str]) -> tuple[ReleaseFile, ...]:
    sizes: dict[str, int] = {}
    digests: dict[str, dict[str, str]] = {}
    for algorithm, value in sections.items():
        first, *lines = value.split("\n")
        if first or len(lines) > MAX_FILES:
            raise _malformed(f"{SECTIONS[algorithm]} begins on the line of its name, or lists too many files")
        for line in lines:
            path, size, digest = _file(algorithm, line)
            if sizes.setdefault(path, size) != size or digests.setdefault(path, {}).setdefault(algorithm, digest) != (
                digest
            ):
                raise _malformed(f"{quote(path)} is listed with two sizes or digests")
    return tuple(ReleaseFile(path, sizes[path], digests[path]) for path in sorted(sizes))


def _file(algorithm: str, line: str) -> tuple[str, int, str]:
    match = _FILE.fullmatch(line)
    if match is None or not is_hexadecimal(match[1].lower(), DIGEST_FIELDS[algorithm][1]):
        raise _malformed(f"{SECTIONS[algorithm]}: {quote(line)} is not a digest, a size and a path")
    if not is_relative_path(match[3]):
        fault = f"{SECTIONS[algorithm]}: the path {quote(match[3])} leads out of the folder or is not plain"
        raise MalformedIndex(f"Release: {fault}", index="Release", fault="path")
    return match[3], int(match[2]), match[1].lower()


def _malformed(fault: str) -> MalformedIndex:
    return MalformedIndex(f"Release: {fault}", index="Release")
