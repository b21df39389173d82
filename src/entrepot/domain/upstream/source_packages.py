"""Sources indexes of apt, read as a stream: which files each source package has, and what these must be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from entrepot.domain.formats.deb.packages_index import IndexLimits, index_blocks
from entrepot.domain.formats.quoting import quote
from entrepot.domain.upstream.listed import (
    MAX_PACKAGE_BYTES,
    MAX_PACKAGES,
    BadEntry,
    Ledger,
    ListedPackage,
    check_path,
    check_word,
)
from entrepot.errors import MalformedIndex, UpstreamDigest, UpstreamParse

_FIELD = re.compile(r"^([!-9;-~]+):[ \t]*+([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE)
_LIMITS = IndexLimits(stanza_bytes=4 << 20, stanzas=MAX_PACKAGES)
_SECTIONS = (("checksums-sha256", "sha256", 64), ("checksums-sha512", "sha512", 128))
_DIGITS = {algorithm: digits for _, algorithm, digits in _SECTIONS}
_LINE = re.compile(r"([0-9a-f]{64,128}) +([0-9]{1,15}) +([^ /]{1,255})")
_MOST_FILES = 200


def read_source_files(chunks: Iterable[bytes], label: str, component: str, ledger: Ledger) -> Iterator[ListedPackage]:
    """Every file of every source package, in file order.

    Raises:
        UpstreamParse: it is no index.
        UpstreamPath, UpstreamDigest, UpstreamAmbiguous, UpstreamTooLarge: an entry would lead astray whoever fetches.
    """
    try:
        for number, block in enumerate(index_blocks(chunks, "Sources", _LIMITS), 1):
            try:
                found = _files(block, label, component)
            except BadEntry as fault:
                ledger.skip(f"source {number}: {fault}")
                continue
            # Versions share files, so that these are told apart by their places.
            yield from (file for file in found if ledger.admit(replace(file, name=file.filename, version="-")))
    except MalformedIndex as error:
        raise UpstreamParse(f"{label}: {error.detail}") from None


def _files(block: bytes, label: str, component: str) -> list[ListedPackage]:
    try:
        text = block.decode()
    except UnicodeDecodeError:
        raise BadEntry("it is not UTF-8") from None
    pairs: list[tuple[str, str]] = _FIELD.findall(text)
    fields = {name.lower(): value for name, value in pairs}
    if len(fields) != len(pairs):
        raise BadEntry("a field is there twice")
    name = check_word("name", fields.get("package", ""))
    version = check_word("version", fields.get("version", ""))
    folder = fields.get("directory", "").removeprefix("./").rstrip("/")
    where = f"{label}: {quote(name)}"
    found = []
    for algorithm, line in _listed(fields, where):
        match = _LINE.fullmatch(line.strip())
        if match is None or len(match[1]) != _DIGITS[algorithm]:
            raise BadEntry(f"{quote(line.strip())} is not a digest, a size and a name")
        if int(match[2]) > MAX_PACKAGE_BYTES:
            raise BadEntry(f"a size of {match[2]} bytes is none")
        path = check_path(where, f"{folder}/{match[3]}" if folder not in ("", ".") else match[3])
        found.append(ListedPackage(name, version, "source", path, int(match[2]), f"{algorithm}:{match[1]}", component))
    return found


def _listed(fields: Mapping[str, str], where: str) -> list[tuple[str, str]]:
    for field, algorithm, _ in _SECTIONS:
        lines = [line for line in fields.get(field, "").split("\n") if line.strip()]
        if len(lines) > _MOST_FILES:
            raise BadEntry(f"it has more than {_MOST_FILES} files")
        if lines:
            return [(algorithm, line) for line in lines]
    raise UpstreamDigest(f"{where}: its entry gives no SHA256 nor SHA512")
