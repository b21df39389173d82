"""repomd.xml: the one signed file that names every other document of a repository with its digests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.parsers import expat

from entrepot.domain.formats.quoting import quote
from entrepot.domain.formats.rpm.markup import attribute
from entrepot.errors import BadIndexField, MalformedIndex

REPO_NAMESPACE = "http://linux.duke.edu/metadata/repo"
RPM_NAMESPACE = "http://linux.duke.edu/metadata/rpm"
MAX_BYTES = 8 << 20
MAX_RECORDS = 256
MAX_DEPTH = 8
MAX_VALUE_CHARACTERS = 4096

_DATA = ("repomd", "data")
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_LOCATION = re.compile(r"(?:[A-Za-z0-9._+~^%=@,-]+/)*[A-Za-z0-9._+~^%=@,-]+")


@dataclass(frozen=True, slots=True)
class RepomdRecord:
    """One document.  ``type`` is primary, filelists, other, group, modules, updateinfo or any other word.

    Digests are SHA-256 in hexadecimal, of the file as it lies there and of what it decompresses to; ``location`` is
    relative to the folder that holds ``repodata``; ``timestamp`` is in Unix seconds.  A document that is not
    compressed has neither open digest nor open size.
    """

    type: str
    checksum: str
    size_bytes: int
    location: str
    timestamp: int
    open_checksum: str | None = None
    open_size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Repomd:
    """The whole file; clients take a greater ``revision`` for a newer repository."""

    revision: int
    records: tuple[RepomdRecord, ...]


def write_repomd(revision: int, records: Sequence[RepomdRecord]) -> bytes:
    """The file, byte-stable: records in the order given.

    Raises:
        BadIndexField: a type, digest or location that ``parse_repomd`` would refuse.
    """
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<repomd xmlns="{REPO_NAMESPACE}" xmlns:rpm="{RPM_NAMESPACE}">',
        f"  <revision>{revision}</revision>",
    ]
    for record in records:
        lines += _record_lines(record)
    return ("\n".join([*lines, "</repomd>"]) + "\n").encode()


def parse_repomd(raw: bytes) -> Repomd:
    """Read what ``write_repomd`` and createrepo_c write, strictly.

    Raises:
        MalformedIndex: not XML, too great or too deep, with a document type, or not a repomd; a value is missing,
            there twice, or outside its grammar; a location climbs or is absolute.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedIndex(f"repomd.xml is larger than {MAX_BYTES} bytes")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.take
    try:
        parser.Parse(raw, True)  # noqa: FBT003 - expat knows no keywords
    except (expat.ExpatError, UnicodeError, ValueError) as fault:
        raise MalformedIndex("repomd.xml is not well-formed XML") from fault
    revision = _number(reader.revision, "repomd", "revision")
    if len({record["type"] for record in reader.records}) != len(reader.records):
        raise MalformedIndex("repomd.xml: there are two records of one type")
    return Repomd(revision, tuple(_record(values) for values in reader.records))


class _Reader:
    """Collects the values of records; what it does not know it passes over."""

    def __init__(self) -> None:
        self.revision: str | None = None
        self.records: list[dict[str, str]] = []
        self._path: list[str] = []
        self._value: list[str] = []
        self._characters = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition(" ")
        if not self._path and (namespace, tag) != (REPO_NAMESPACE, "repomd"):
            raise MalformedIndex(f"repomd.xml: its root is {quote(name)}, not a repomd")
        if len(self._path) >= MAX_DEPTH:
            raise MalformedIndex(f"repomd.xml: it is nested more than {MAX_DEPTH} deep")
        self._path.append(tag if namespace == REPO_NAMESPACE else name)
        self._value, self._characters = [], 0
        if tuple(self._path) == _DATA:
            if len(self.records) >= MAX_RECORDS:
                raise MalformedIndex(f"repomd.xml: it has more than {MAX_RECORDS} records")
            self.records.append({"type": attributes.get("type", "")})
        elif tuple(self._path[:2]) == _DATA and len(self._path) == 3:
            self._start_value(self._path[2], attributes)

    def end(self, name: str) -> None:
        value = "".join(self._value).strip()
        if self._path == ["repomd", "revision"]:
            if self.revision is not None:
                raise MalformedIndex("repomd.xml: there are two revisions")
            self.revision = value
        elif tuple(self._path[:2]) == _DATA and len(self._path) == 3 and self._path[2] != "location":
            self._put(self._path[2], value)
        self._path.pop()
        self._value = []

    def take(self, data: str) -> None:
        self._characters += len(data)
        if self._characters > MAX_VALUE_CHARACTERS:
            raise MalformedIndex(f"repomd.xml: a value is longer than {MAX_VALUE_CHARACTERS} characters")
        self._value.append(data)

    def _start_value(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in ("checksum", "open-checksum") and attributes.get("type") != "sha256":
            raise MalformedIndex(f"repomd.xml: the type of {tag} is {quote(attributes.get('type', ''))}, not sha256")
        if tag == "location":
            if any(name.endswith("base") for name in attributes):
                raise MalformedIndex("repomd.xml: a location has a base, which would lead to another server")
            self._put("location", attributes.get("href", ""))

    def _put(self, tag: str, value: str) -> None:
        record = self.records[-1]
        if tag in record:
            raise MalformedIndex(f"repomd.xml: record {quote(record['type'])} has {quote(tag)} twice")
        record[tag] = value


def _refuse_doctype(*_: object) -> None:
    raise MalformedIndex("repomd.xml: it has a document type, which no index may have")


def _record(values: dict[str, str]) -> RepomdRecord:
    kind, location = values["type"], values.get("location", "")
    if not _TYPE.fullmatch(kind):
        raise MalformedIndex(f"repomd.xml: {quote(kind)} is no type of a record")
    if not _is_within(location):
        raise MalformedIndex(f"repomd.xml: record {kind} has the location {quote(location)}, no path within")
    opened = "open-checksum" in values, "open-size" in values
    return RepomdRecord(
        kind,
        _checksum(values.get("checksum"), kind, "checksum"),
        _number(values.get("size"), kind, "size"),
        location,
        _number(values.get("timestamp", "0").partition(".")[0], kind, "timestamp"),
        _checksum(values.get("open-checksum"), kind, "open-checksum") if opened[0] else None,
        _number(values.get("open-size"), kind, "open-size") if opened[1] else None,
    )


def _is_within(location: str) -> bool:
    return bool(_LOCATION.fullmatch(location)) and not {".", ".."} & set(location.split("/"))


def _checksum(value: str | None, record: str, tag: str) -> str:
    if value is None or not _SHA256.fullmatch(value):
        raise MalformedIndex(f"repomd.xml: {tag} of {record} is {quote(value or '')}, not 64 digits")
    return value


def _number(value: str | None, record: str, tag: str) -> int:
    if value is None or not _NUMBER.fullmatch(value):
        raise MalformedIndex(f"repomd.xml: {tag} of {record} is {quote(value or '')}, not a number")
    return int(value)


def _record_lines(record: RepomdRecord) -> list[str]:
    digests = [record.checksum] if record.open_checksum is None else [record.checksum, record.open_checksum]
    if not _TYPE.fullmatch(record.type) or not all(map(_SHA256.fullmatch, digests)) or not _is_within(record.location):
        raise BadIndexField(f"repomd.xml: the record {quote(record.type)} has a type, digest or location that is none")
    lines = [f'  <data type="{attribute(record.type)}">', f'    <checksum type="sha256">{record.checksum}</checksum>']
    if record.open_checksum is not None:
        lines.append(f'    <open-checksum type="sha256">{record.open_checksum}</open-checksum>')
    lines += [
        f'    <location href="{attribute(record.location)}"/>',
        f"    <timestamp>{record.timestamp}</timestamp>",
        f"    <size>{record.size_bytes}</size>",
    ]
    if record.open_size_bytes is not None:
        lines.append(f"    <open-size>{record.open_size_bytes}</open-size>")
    return [*lines, "  </data>"]
