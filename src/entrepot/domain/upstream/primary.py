"""primary.xml, read as a stream: what is needed to search, to resolve and to fetch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from entrepot.domain.formats.quoting import quote
from entrepot.domain.upstream.listed import (
    MAX_PACKAGE_BYTES,
    MAX_RELATIONS_CHARACTERS,
    BadEntry,
    Ledger,
    ListedPackage,
    check_path,
    check_word,
    plain_text,
)
from entrepot.domain.upstream.markup import read_xml
from entrepot.errors import UpstreamDigest, UpstreamParse, UpstreamPath

_COMMON = "http://linux.duke.edu/metadata/common"
_RPM = "http://linux.duke.edu/metadata/rpm"
_DIGITS = {"sha256": 64, "sha512": 128}
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_NUMBER = re.compile(r"[0-9]{1,15}")
_SIGNS = {"LT": "<", "GT": ">", "EQ": "=", "LE": "<=", "GE": ">="}
_RELATIONS = frozenset((
    "provides", "requires", "conflicts", "obsoletes", "suggests", "enhances", "recommends", "supplements",
))  # fmt: skip
_MOST_CAPABILITIES = 20_000
_ROOT, _PACKAGE, _FORMAT = f"{_COMMON} metadata", f"{_COMMON} package", f"{_COMMON} format"
_TEXTS = {f"{_COMMON} {name}" for name in ("name", "arch", "summary")}
_FORMAT_TEXTS = {f"{_RPM} sourcerpm", f"{_RPM} group"}
_FILE, _ENTRY = f"{_COMMON} file", f"{_RPM} entry"


class _Reader:
    """Gathers one package at a time."""

    def __init__(self, label: str, architectures: frozenset[str], ledger: Ledger) -> None:
        self._label, self._architectures, self._ledger = label, architectures, ledger
        self._ready: list[ListedPackage] = []
        self._begin()

    def _begin(self) -> None:
        self._values: dict[str, str] = {}
        self._relations: dict[str, list[str]] = {}
        self._capabilities: dict[str, None] = {}
        self._size = 0

    def take(self) -> list[ListedPackage]:
        """What is complete."""
        ready, self._ready = self._ready, []
        return ready

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        depth, tag = len(path), path[-1]
        if depth == 1 and tag != _ROOT:
            raise UpstreamParse(f"{self._label}: its root is {quote(tag)}, not that of primary.xml")
        if depth == 2 and tag == _PACKAGE:
            self._begin()
        elif depth == 3:
            self._take_values(tag.rpartition(" ")[2], attributes)
        elif depth == 5 and tag == _ENTRY:
            self._take_entry(path[3].rpartition(" ")[2], attributes)

    def _take_values(self, tag: str, attributes: dict[str, str]) -> None:
        values, get = self._values, attributes.get
        if tag == "version":
            values["epoch"], values["ver"], values["rel"] = get("epoch") or "0", get("ver", ""), get("rel", "")
        elif tag == "checksum":
            values["kind"] = get("type", "")
        elif tag == "size":
            values["size"], values["installed"] = get("package", ""), get("installed", "0")
        elif tag == "location":
            if any(name.endswith("base") for name in attributes):
                raise UpstreamPath(f"{self._label}: an entry moves its files to another server")
            values["href"] = get("href", "")

    def _take_entry(self, relation: str, attributes: dict[str, str]) -> None:
        if relation not in _RELATIONS:
            return
        name, sign = attributes.get("name", ""), _SIGNS.get(attributes.get("flags", ""))
        text = name
        if sign and attributes.get("ver"):
            text = (
                f"{name} {sign} {_version(attributes.get('epoch', '0'), attributes['ver'], attributes.get('rel', ''))}"
            )
        self._size += len(text) + 1
        if "\n" in text or self._size > MAX_RELATIONS_CHARACTERS:
            return
        self._relations.setdefault(relation, []).append(text)
        if relation == "provides" and len(self._capabilities) < _MOST_CAPABILITIES:
            self._capabilities[name] = None

    def end(self, path: list[str], text: str) -> None:
        depth, tag = len(path), path[-1]
        if depth == 3 and (tag in _TEXTS or tag == f"{_COMMON} checksum"):
            self._values[tag.rpartition(" ")[2]] = text
        elif depth == 4 and path[2] == _FORMAT:
            if tag in _FORMAT_TEXTS:
                self._values[tag.rpartition(" ")[2]] = text
            elif tag == _FILE and len(self._capabilities) < _MOST_CAPABILITIES:
                self._capabilities[text] = None
        elif depth == 2 and tag == _PACKAGE:
            self._finish()

    def _finish(self) -> None:
        try:
            package = self._package()
        except BadEntry as fault:
            self._ledger.skip(fault)
            return
        if self._architectures and package.architecture not in self._architectures:
            return
        if self._ledger.admit(package):
            self._ready.append(package)

    def _package(self) -> ListedPackage:
        values = self._values
        get = values.get
        name = check_word("name", get("name", ""))
        label = f"{self._label}: {quote(name)}"
        kind, digest = get("kind", ""), get("checksum", "").strip()
        if len(digest) != _DIGITS.get(kind, -1) or not _HEXADECIMAL.fullmatch(digest):
            raise UpstreamDigest(f"{label}: its entry gives no SHA256 nor SHA512, but {quote(kind)}")
        version = check_word("version", get("ver", "")), check_word("release", get("rel", ""))
        if not _NUMBER.fullmatch(get("epoch", "0")):
            raise BadEntry(f"its epoch {quote(get('epoch', ''))} is none")
        self._capabilities.pop(name, None)
        return ListedPackage(
            name,
            _version(get("epoch", "0"), *version),
            check_word("architecture", get("arch", ""), 64),
            check_path(label, get("href", "")),
            _number(get("size", ""), "size"),
            f"{kind}:{digest}",
            "",
            plain_text(get("group", ""), 100),
            plain_text(get("summary", "")),
            plain_text(get("sourcerpm", ""), 255),
            "",
            _number(get("installed", "0"), "installed size"),
            {relation: "\n".join(entries) for relation, entries in self._relations.items()},
            list(self._capabilities),
        )


def _version(epoch: str, version: str, release: str) -> str:
    head = f"{epoch}:" if epoch not in ("", "0") else ""
    return f"{head}{version}-{release}" if release else f"{head}{version}"


def _number(value: str, what: str) -> int:
    if not _NUMBER.fullmatch(value) or int(value) > MAX_PACKAGE_BYTES:
        raise BadEntry(f"its {what} {quote(value)} is none")
    return int(value)


def read_primary(
    chunks: Iterable[bytes], label: str, architectures: frozenset[str], ledger: Ledger
) -> Iterator[ListedPackage]:
    """Entries in file order.

    Raises:
        UpstreamParse: it is no index.
        UpstreamPath, UpstreamDigest, UpstreamAmbiguous, UpstreamTooLarge: an entry would lead astray whoever fetches.
    """
    reader = _Reader(label, architectures, ledger)
    yield from read_xml(chunks, reader, label, reader.take)
