"""The Release file of a suite and of one index directory, written so that no value can become a field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from entrepot.domain.formats.deb.packages_index import DIGEST_FIELDS, is_hexadecimal, is_relative_path
from entrepot.domain.formats.quoting import quote
from entrepot.errors import BadIndexField

SECTIONS = {"md5": "MD5Sum", **{name: field for name, (field, _) in DIGEST_FIELDS.items() if name != "md5"}}
MAX_VALUE_CHARACTERS = 4096

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Control characters, and what some readers take for the end of a line or for no character at all.
_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_WORD = re.compile(r"[!-~]+")
FINGERPRINT = re.compile(r"(?:[0-9A-F]{40}|[0-9A-F]{64})!?")


@dataclass(frozen=True, slots=True)
class ReleaseFields:
    """What a Release file says beside its list of files.

    An empty text, tuple or none leaves the field out.  Origin, Label, Suite and Codename of a suite in use must not
    change: apt asks its user to confirm.  ``date`` must not go back: apt refuses an older one.  Times are aware.
    ``no_support_for_architecture_all`` says that packages for all architectures are listed in every Packages, even
    though ``all`` is among the architectures.  ``snapshots`` is ``no`` or an address with ``@SNAPSHOTID@``;
    ``signed_by`` are upper-case fingerprints, with ``!`` for that key alone and not its subkeys.
    """

    origin: str
    label: str
    suite: str
    codename: str
    date: datetime
    architectures: Sequence[str] = ()
    components: Sequence[str] = ()
    version: str = ""
    description: str = ""
    changelogs: str = ""
    valid_until: datetime | None = None
    not_automatic: bool = False
    but_automatic_upgrades: bool = False
    acquire_by_hash: bool = True
    no_support_for_architecture_all: bool = False
    snapshots: str | None = None
    signed_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file below the suite's folder, with digests by algorithm (md5, sha1, sha256, sha512) in lower case."""

    path: str
    size_bytes: int
    digests: Mapping[str, str]


def write_release(fields: ReleaseFields, files: Iterable[ReleaseFile]) -> bytes:
    """The text of ``Release``, to be signed as it is.

    Files are listed by path.  All files have the same algorithms, sha256 among them.

    Raises:
        BadIndexField: a value with a control character or a line break, a word with blanks, a path that is listed
            twice or leads out of the folder, a digest of a wrong form, a time without zone.
    """
    lines = [f"{name}: {value}\n" for name, value in _field_values(fields) if value]
    listed = sorted(files, key=lambda file: file.path)
    _check_files(listed)
    for algorithm, section in SECTIONS.items():
        if listed and algorithm in listed[0].digests:
            lines.append(f"{section}:\n")
            lines += [f" {file.digests[algorithm]} {file.size_bytes:8d} {file.path}\n" for file in listed]
    return "".join(lines).encode()


def write_component_release(fields: ReleaseFields, component: str, architecture: str) -> bytes:
    """The ``Release`` inside ``<component>/binary-<architecture>/``, which installers read; errors as write_release."""
    values = (
        ("Archive", _word("Suite", fields.suite)),
        ("Origin", _line("Origin", fields.origin)),
        ("Label", _line("Label", fields.label)),
        ("Version", _word("Version", fields.version)),
        ("Acquire-By-Hash", "yes" if fields.acquire_by_hash else ""),
        ("Component", _word("Component", component)),
        ("Architecture", _word("Architecture", architecture)),
    )
    return "".join(f"{name}: {value}\n" for name, value in values if value).encode()


def format_date(field: str, moment: datetime) -> str:
    """RFC 1123 with ``UTC`` as the zone, as Debian writes it; fractions of a second are left out."""
    if moment.tzinfo is None:
        raise BadIndexField(f"Release: {field} has no time zone", field=field)
    utc = moment.astimezone(UTC)
    return f"{_DAYS[utc.weekday()]}, {utc.day:02d} {MONTHS[utc.month - 1]} {utc.year:04d} {utc:%H:%M:%S} UTC"


def _field_values(fields: ReleaseFields) -> Iterator[tuple[str, str]]:
    if fields.but_automatic_upgrades and not fields.not_automatic:
        raise BadIndexField("Release: ButAutomaticUpgrades means something only beside NotAutomatic")
    yield "Origin", _line("Origin", fields.origin)
    yield "Label", _line("Label", fields.label)
    yield "Suite", _word("Suite", fields.suite)
    yield "Version", _word("Version", fields.version)
    yield "Codename", _word("Codename", fields.codename)
    yield "Changelogs", _word("Changelogs", fields.changelogs)
    yield "Date", format_date("Date", fields.date)
    yield "Valid-Until", format_date("Valid-Until", fields.valid_until) if fields.valid_until else ""
    yield "NotAutomatic", _yes(fields.not_automatic)
    yield "ButAutomaticUpgrades", _yes(fields.but_automatic_upgrades)
    yield "Acquire-By-Hash", _yes(fields.acquire_by_hash)
    yield "No-Support-for-Architecture-all", "Packages" if fields.no_support_for_architecture_all else ""
    yield "Architectures", _words("Architectures", fields.architectures)
    yield "Components", _words("Components", fields.components)
    yield "Description", _line("Description", fields.description)
    yield "Snapshots", _word("Snapshots", fields.snapshots or "")
    yield "Signed-By", ",".join([_fingerprint(each) for each in fields.signed_by])


def _yes(value: bool) -> str:  # noqa: FBT001 - one flag, one word
    return "yes" if value else ""


def _line(field: str, value: str) -> str:
    if _UNSAFE.search(value) or value != value.strip() or len(value) > MAX_VALUE_CHARACTERS:
        raise BadIndexField(
            f"Release: {field} {quote(value)} is too long, or holds a line break, a control character or outer blanks",
            field=field,
        )
    return value


def _word(field: str, value: str) -> str:
    if value and (not _WORD.fullmatch(value) or len(value) > MAX_VALUE_CHARACTERS):
        raise BadIndexField(f"Release: {field} {quote(value)} is not one word of visible ASCII", field=field)
    return value


def _words(field: str, values: Sequence[str]) -> str:
    if "" in values:
        raise BadIndexField(f"Release: one of {field} is empty", field=field)
    return " ".join([_word(field, value) for value in values])


def _fingerprint(value: str) -> str:
    if not FINGERPRINT.fullmatch(value):
        raise BadIndexField(f"Release: Signed-By {quote(value)} is not a fingerprint", field="Signed-By")
    return value


def _check_files(files: Sequence[ReleaseFile]) -> None:
    last: ReleaseFile | None = None
    for file in files:
        if not is_relative_path(file.path) or file.size_bytes < 0:
            raise BadIndexField(f"Release: {quote(file.path)} is not a relative path, or its size is negative")
        if "sha256" not in file.digests or file.digests.keys() != files[0].digests.keys():
            raise BadIndexField(f"Release: {quote(file.path)} lacks SHA256, or has other digests than {files[0].path}")
        if last and last.path == file.path:
            raise BadIndexField(f"Release: {quote(file.path)} is listed twice")
        _check_digests(file)
        last = file


def _check_digests(file: ReleaseFile) -> None:
    for algorithm, value in file.digests.items():
        if algorithm not in DIGEST_FIELDS or not is_hexadecimal(value, DIGEST_FIELDS[algorithm][1]):
            raise BadIndexField(f"Release: {quote(algorithm)} of {file.path} is not a digest that Release can list")
