"""repomd.xml of other people: looser than what is written here, as strict where it counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from entrepot.domain.formats.quoting import quote
from entrepot.domain.upstream.listed import check_path
from entrepot.domain.upstream.markup import read_xml
from entrepot.domain.upstream.release import IndexFile, Verdict, check_time
from entrepot.domain.upstream.source import Root, Source
from entrepot.errors import UpstreamDigest, UpstreamParse, UpstreamPath

MAX_REPOMD_BYTES = 4 << 20
CARRIED = ("group", "modules", "productid")
"""Documents that are carried along as they are; of ``updateinfo`` errata are made."""
COMPANIONS = (*CARRIED, "updateinfo")
_FORMS = ("", "gz", "xz", "zst")
_OWN = ("primary", "filelists", "filelists-ext", "other", "prestodelta", "deltainfo")
_NAMESPACE = "http://linux.duke.edu/metadata/repo"
_MOST_RECORDS = 256
_NUMBER = re.compile(r"([0-9]{1,15})(?:\.[0-9]{1,9})?")
_DIGITS = {"sha256": 64, "sha512": 128}
_VALUES = ("checksum", "open-checksum", "size", "open-size", "timestamp")


@dataclass(frozen=True, slots=True)
class _Record:
    """One document, as it is written there; kinds of checksums before a colon."""

    kind: str
    values: Mapping[str, str]


class _Reader:
    def __init__(self, label: str) -> None:
        self._label = label
        self.revision = ""
        self.records: list[tuple[str, dict[str, str]]] = []
        self._kind = ""

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        names = _local(path)
        if names[0] != "repomd" or not path[0].startswith(f"{_NAMESPACE} "):
            raise UpstreamParse(f"{self._label}: it is no repomd.xml")
        if names == ["repomd", "data"]:
            if len(self.records) >= _MOST_RECORDS:
                raise UpstreamParse(f"{self._label}: it has more than {_MOST_RECORDS} documents")
            self.records.append((attributes.get("type", ""), {}))
        elif names[:2] == ["repomd", "data"] and len(names) == 3:
            if names[2] == "location":
                if any(name.endswith("base") for name in attributes):
                    raise UpstreamPath(f"{self._label}: a document lies on another server")
                self._put("location", attributes.get("href", ""))
            self._kind = attributes.get("type", "")

    def end(self, path: list[str], text: str) -> None:
        names = _local(path)
        if names == ["repomd", "revision"]:
            self.revision = text.strip()
        elif names[:2] == ["repomd", "data"] and len(names) == 3 and names[2] in _VALUES:
            kind = f"{self._kind}:" if names[2].endswith("checksum") else ""
            self._put(names[2], f"{kind}{text.strip()}")

    def _put(self, name: str, value: str) -> None:
        if self.records[-1][1].setdefault(name, value) != value:
            raise UpstreamParse(f"{self._label}: a document has two values of {name}")


def _local(path: list[str]) -> list[str]:
    return [name.rpartition(" ")[2] for name in path]


def read_repomd(raw: bytes, label: str) -> tuple[int, list[_Record]]:
    """Its revision (0 where that is no number) and its documents.

    Raises:
        UpstreamParse, UpstreamPath: it is none.
    """
    if len(raw) > MAX_REPOMD_BYTES:
        raise UpstreamParse(f"{label}: it is longer than {MAX_REPOMD_BYTES} bytes")
    reader = _Reader(label)
    nothing: Iterable[None] = ()
    list(read_xml([raw], reader, label, lambda: nothing))
    match = _NUMBER.fullmatch(reader.revision)
    return int(match[1]) if match else 0, [_Record(kind, values) for kind, values in reader.records]


def judge_repomd(source: Source, raw: bytes, sha256: str, now: datetime) -> Verdict:
    """What is to be fetched, if this is no step back.

    Raises:
        UpstreamParse, UpstreamPath, UpstreamDigest, UpstreamRollback, UpstreamExpired: it is not to be believed.
    """
    label = f"{source.name}: repomd.xml"
    revision, records = read_repomd(raw, label)
    found = [record for record in records if record.kind == "primary"]
    if len(found) != 1:
        raise UpstreamParse(f"{label}: it names {len(found) or 'no'} primary document{'s' if found else ''}")
    moments = [_number(record.values.get("timestamp", "0"), label) for record in records]
    moment = datetime.fromtimestamp(min(max(moments), 1 << 33), UTC)
    root = Root(sha256, moment, revision)
    check_time(source, root, label, now)
    return Verdict(root, [_index(found[0], label)])


def read_documents(raw: bytes, label: str) -> list[IndexFile]:
    """Every document that it names.

    Raises:
        UpstreamParse, UpstreamPath, UpstreamDigest: one of them cannot be fetched and verified.
    """
    return [_index(record, label) for record in read_repomd(raw, label)[1]]


def _index(record: _Record, label: str) -> IndexFile:
    values = record.values
    path = check_path(label, values.get("location", ""))
    opened = values.get("open-checksum")
    open_size = values.get("open-size")
    return IndexFile(
        path,
        "",
        _number(values.get("size", ""), label),
        _digests(values.get("checksum", ""), label),
        _number(open_size, label) if open_size else None,
        _digests(opened, label) if opened else None,
    )


def _digests(value: str, label: str) -> dict[str, str]:
    kind, _, digest = value.partition(":")
    if not re.fullmatch(r"[0-9a-f]*", digest) or len(digest) != _DIGITS.get(kind, -1):
        raise UpstreamDigest(f"{label}: it gives no SHA256 nor SHA512 of a document, but {quote(kind)}")
    return {kind: digest}


def _number(value: str, label: str) -> int:
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise UpstreamParse(f"{label}: {quote(value)} is no number")
    return int(match[1])


def read_companions(raw: bytes, label: str) -> tuple[dict[str, IndexFile], list[str]]:
    """Documents that describe packages together, by kind; and kinds that nobody here knows.

    Raises:
        UpstreamParse, UpstreamPath, UpstreamDigest: one of them cannot be fetched and verified.
    """
    found: dict[str, IndexFile] = {}
    unknown: list[str] = []
    for record in read_repomd(raw, label)[1]:
        kind, _, form = record.kind.partition("_")
        if kind in COMPANIONS and (kind not in found or not form):
            if form in _FORMS:
                found[kind] = _index(record, label)
        elif kind not in COMPANIONS and kind not in _OWN:
            unknown.append(record.kind[:40])
    return found, sorted(set(unknown))
