"""Dependencies of a package: plain ones, and rich ones such as ``(a or b)`` which are kept as text."""

from __future__ import annotations

import re
from typing import NamedTuple

from entrepot.domain.formats.quoting import quote
from entrepot.domain.formats.rpm.header import Header
from entrepot.domain.formats.rpm.tags import Tag
from entrepot.errors import PackageBomb

MAX_NAME_BYTES = 4096
MAX_DEPTH = 32
MAX_ENTRIES = 1 << 18

# rpmds.h: comparison, and the flags that say a scriptlet needs it before the package is there.
_COMPARISON = 0x0E
_PRE = 1 << 6 | 1 << 9 | 1 << 10
_WORDS = {2: ("LT", "<"), 4: ("GT", ">"), 8: ("EQ", "="), 10: ("LE", "<="), 12: ("GE", ">=")}
_VERSION = re.compile(r"[!-~]{0,512}")
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\ufffe\uffff]")
_RICH_OPERATORS = frozenset(("and", "or", "if", "else", "unless", "with", "without"))
_CHAINED_OPERATORS = ("and", "or", "with")
_COMPARATORS = frozenset(("<", "<=", "=<", "=", "==", "=>", ">=", ">"))

TAGS = {
    "provides": (Tag.PROVIDENAME, Tag.PROVIDEFLAGS, Tag.PROVIDEVERSION),
    "requires": (Tag.REQUIRENAME, Tag.REQUIREFLAGS, Tag.REQUIREVERSION),
    "conflicts": (Tag.CONFLICTNAME, Tag.CONFLICTFLAGS, Tag.CONFLICTVERSION),
    "obsoletes": (Tag.OBSOLETENAME, Tag.OBSOLETEFLAGS, Tag.OBSOLETEVERSION),
    "suggests": (Tag.SUGGESTNAME, Tag.SUGGESTFLAGS, Tag.SUGGESTVERSION),
    "enhances": (Tag.ENHANCENAME, Tag.ENHANCEFLAGS, Tag.ENHANCEVERSION),
    "recommends": (Tag.RECOMMENDNAME, Tag.RECOMMENDFLAGS, Tag.RECOMMENDVERSION),
    "supplements": (Tag.SUPPLEMENTNAME, Tag.SUPPLEMENTFLAGS, Tag.SUPPLEMENTVERSION),
}
"""Tags of name, flags and version, by relation, in the order of primary.xml."""


class Dependency(NamedTuple):
    """One entry of a relation.  ``version`` is ``[epoch:]version[-release]`` or empty; ``flags`` are rpm's own."""

    name: str
    flags: int
    version: str

    @property
    def sense(self) -> str:
        """``LT``, ``LE``, ``EQ``, ``GE``, ``GT``, or nothing for a name alone."""
        return _WORDS.get(self.flags & _COMPARISON, ("", ""))[0]

    @property
    def pre(self) -> bool:
        """Whether it has to be installed first."""
        return bool(self.flags & _PRE)

    def text(self) -> str:
        """As a spec file writes it."""
        sign = _WORDS.get(self.flags & _COMPARISON, ("", ""))[1]
        return f"{self.name} {sign} {self.version}" if sign and self.version else self.name

    def evr(self) -> tuple[str, str, str]:
        """Epoch, version and release; an epoch that is not written is 0, a release that is not is empty."""
        epoch, colon, rest = self.version.partition(":")
        if not colon:
            epoch, rest = "0", self.version
        version, _, release = rest.partition("-")
        return epoch or "0", version, release


def read_dependencies(header: Header, relation: str) -> tuple[Dependency, ...]:
    """The entries of one relation, in the order of the header.

    Raises:
        BadPackageField: arrays of different length, a name or version that is none, an unbalanced rich dependency.
        PackageBomb: more than ``MAX_ENTRIES``.
    """
    name_tag, flags_tag, version_tag = TAGS[relation]
    counts = {header.count(tag) for tag in (name_tag, flags_tag, version_tag)}
    if max(counts) > MAX_ENTRIES:
        raise PackageBomb(f"{header.name}: it has more than {MAX_ENTRIES} {relation}", member=header.name)
    if len(counts) > 1:
        raise header.bad(name_tag, f"has {header.count(name_tag)} values, its flags or versions another number")
    triples = zip(header.texts(name_tag), header.numbers(flags_tag), header.texts(version_tag), strict=True)
    return tuple(Dependency(_name(header, name_tag, n), f, _version(header, version_tag, v)) for n, f, v in triples)


def _name(header: Header, tag: Tag, raw: bytes) -> str:
    if not 0 < len(raw) <= MAX_NAME_BYTES:
        raise header.bad(tag, f"holds a name of {len(raw)} bytes, not 1 to {MAX_NAME_BYTES}")
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise header.bad(tag, f"holds {quote(raw)}, which is not UTF-8") from None
    if _UNPRINTABLE.search(name):
        raise header.bad(tag, f"holds {quote(raw)}, which has control characters")
    if name[0] == "(":
        _check_rich(header, tag, name)
    return name


def _version(header: Header, tag: Tag, raw: bytes) -> str:
    version = raw[:1024].decode("latin-1")
    if not _VERSION.fullmatch(version):
        raise header.bad(tag, f"holds {quote(raw)}, which is no version")
    return version


def _check_rich(header: Header, tag: Tag, text: str) -> None:
    fault = rich_fault(text)
    if fault:
        raise header.bad(tag, f"holds the rich dependency {quote(text)}, which {fault}")


def rich_fault(text: str) -> str:
    """What is wrong with a rich dependency (rpm-dependencies(7)), or nothing."""
    try:
        end = _after_group(text, 0, 1)
    except ValueError as fault:
        return str(fault)
    return "" if end == len(text) else "goes on after its last parenthesis"


def _after_group(text: str, at: int, depth: int) -> int:
    """The position after the group that opens at ``at``: operands with operators between them."""
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} deep")
    at = _after_operand(text, at + 1, depth)
    operators: list[str] = []
    while True:
        word, after = _word(text, at)
        if not word:
            break
        if word not in _RICH_OPERATORS:
            raise ValueError(f"has {quote(word)} where an operator must be")
        operators.append(word)
        at = _after_operand(text, after, depth)
    if text[_skip_spaces(text, at) :][:1] != ")":
        raise ValueError("has unbalanced parentheses")
    if len(operators) > 1 and not _may_chain(operators):
        raise ValueError("mixes operators without parentheses")
    return _skip_spaces(text, at) + 1


def _may_chain(operators: list[str]) -> bool:
    return operators in (["if", "else"], ["unless", "else"]) or (
        len(set(operators)) == 1 and operators[0] in _CHAINED_OPERATORS
    )


def _after_operand(text: str, at: int, depth: int) -> int:
    at = _skip_spaces(text, at)
    if text[at : at + 1] == "(":
        return _after_group(text, at, depth + 1)
    name, at = _word(text, at)
    if not name:
        raise ValueError("lacks a name")
    comparator, after = _word(text, at)
    if comparator not in _COMPARATORS:
        return at
    version, at = _word(text, after)
    if not version:
        raise ValueError("lacks a version after its comparison")
    return at


def _skip_spaces(text: str, at: int) -> int:
    while text[at : at + 1] == " ":
        at += 1
    return at


def _word(text: str, at: int) -> tuple[str, int]:
    """The word at ``at`` and where it ends: at a space, or at a parenthesis that it did not open itself."""
    start = at = _skip_spaces(text, at)
    opened = 0
    while at < len(text) and text[at] != " ":
        if text[at] == ")" and not opened:
            break
        opened += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at], at
