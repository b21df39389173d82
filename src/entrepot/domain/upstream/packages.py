"""Packages of apt, read as a stream: what is needed to search, to resolve and to fetch, in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from entrepot.domain.formats.deb.packages_index import IndexLimits, index_blocks, is_hexadecimal
from entrepot.domain.formats.deb.relations import RELATIONS
from entrepot.domain.formats.quoting import quote
from entrepot.domain.upstream.listed import (
    MAX_PACKAGE_BYTES,
    MAX_PACKAGES,
    MAX_RELATIONS_CHARACTERS,
    BadEntry,
    Ledger,
    ListedPackage,
    check_path,
    check_word,
    plain_text,
)
from entrepot.errors import MalformedIndex, UpstreamDigest, UpstreamParse

_FIELD = re.compile(r"^([!\"$-,.-9;-~][!-9;-~]*+):[ \t]*+([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE)
_DIGITS = re.compile(r"[0-9]{1,15}")
_PROVIDED = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,254}")
_LIMITS = IndexLimits(stanza_bytes=4 << 20, stanzas=MAX_PACKAGES)
_DIGESTS = (("sha256", 64), ("sha512", 128))


def read_packages(
    chunks: Iterable[bytes], label: str, component: str, architectures: frozenset[str], ledger: Ledger
) -> Iterator[ListedPackage]:
    """Entries in file order.  Those for architectures that nobody asked for are passed over silently.

    Raises:
        UpstreamParse: it is no index.
        UpstreamPath, UpstreamDigest, UpstreamAmbiguous, UpstreamTooLarge: an entry would lead astray whoever fetches.
    """
    try:
        for number, block in enumerate(index_blocks(chunks, "Packages", _LIMITS), 1):
            try:
                package = _package(block, label, component)
            except BadEntry as fault:
                ledger.skip(f"entry {number}: {fault}")
                continue
            if architectures and package.architecture not in architectures:
                continue
            if ledger.admit(package):
                yield package
    except MalformedIndex as error:
        raise UpstreamParse(f"{label}: {error.detail}") from None


def _package(block: bytes, label: str, component: str) -> ListedPackage:
    try:
        text = block.decode()
    except UnicodeDecodeError:
        raise BadEntry("it is not UTF-8") from None
    pairs: list[tuple[str, str]] = _FIELD.findall(text)
    fields = {name.lower(): value for name, value in pairs}
    if len(fields) != len(pairs):
        raise BadEntry("a field is there twice")
    if text.count("\n") + 1 - text.count("\n ") - text.count("\n\t") != len(pairs):
        raise BadEntry("a line is neither a field nor the continuation of one")
    get = fields.get
    name = check_word("name", get("package", ""))
    which = f"{label}: {quote(name)}"
    summary, _, _ = get("description", "").partition("\n")
    relations = {relation: value for relation in RELATIONS if (value := get(relation))}
    if sum(map(len, relations.values())) > MAX_RELATIONS_CHARACTERS:
        raise BadEntry("its relations are too long")
    provides = relations.get("provides", "")
    return ListedPackage(
        name,
        check_word("version", get("version", "")),
        check_word("architecture", get("architecture", ""), 64),
        check_path(which, get("filename", "").removeprefix("./")),
        _number(get("size", ""), "size"),
        _digest(fields, which),
        component,
        plain_text(get("section", ""), 100),
        plain_text(summary),
        plain_text(get("source", ""), 255),
        plain_text(get("multi-arch", ""), 16).lower(),
        _number(get("installed-size", "") or "0", "installed size") << 10,
        relations,
        [match[0] for each in provides.split(",") if (match := _PROVIDED.match(each.strip()))] if provides else (),
        plain_text(get("priority", ""), 32).lower(),
    )


def _digest(fields: dict[str, str], label: str) -> str:
    for algorithm, digits in _DIGESTS:
        value = fields.get(algorithm, "").lower()
        if value and is_hexadecimal(value, digits):
            return f"{algorithm}:{value}"
    raise UpstreamDigest(f"{label}: its entry gives no SHA256 nor SHA512")


def _number(value: str, what: str) -> int:
    if not _DIGITS.fullmatch(value) or int(value) > MAX_PACKAGE_BYTES:
        raise BadEntry(f"its {what} {quote(value)} is none")
    return int(value)
