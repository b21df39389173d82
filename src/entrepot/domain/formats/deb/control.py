"""The control file: exactly one stanza (deb-control(5), Debian Policy 5.1), read strictly and written normalised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.quoting import quote
from entrepot.errors import BadPackageField

MAX_FIELDS = 1000

LEADING = ("package", "source", "version", "architecture")
# What an index or the database of dpkg says about a package; inside the package itself it could only lie.
NOT_OURS = frozenset((
    "filename", "msdos-filename", "directory", "size", "md5sum", "sha1", "sha256", "sha512", "description-md5",
    "status", "config-version", "conffiles", "triggers-pending", "triggers-awaited",
))  # fmt: skip
# dpkg still reads these as the revision part of Version, apt does not: two readings of one package.
_OBSOLETE = ("revision", "package-revision", "package_revision")

_FIELD = re.compile(r"([!\"$-,.-9;-~][!-9;-~]*):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*+)(?:\n|\Z)")
_FORBIDDEN = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\ufeff]")
_BLANK_LINE = re.compile(r"\n[ \t]*(?=\n|\Z)")


@dataclass(frozen=True, slots=True)
class Stanza:
    """Fields by lower-case name, in file order: the name as written, and the value with its line folds."""

    fields: Mapping[str, tuple[str, str]]

    def get(self, field: str) -> str:
        """The value without blanks around it; empty when the field is absent."""
        found = self.fields.get(field)
        return found[1].strip(" \t") if found else ""

    def index_text(self) -> bytes:
        """The stanza as a Packages index shows it: leading fields first, nothing that only the index may say."""
        leading = [(f, f.title(), self.get(f)) for f in LEADING]
        others = [(f, *self.fields[f]) for f in self.fields if f not in LEADING and f not in NOT_OURS]
        return "".join(_lines(leading + others)).encode()


def parse_control(data: bytes, limits: Limits) -> Stanza:
    """Read the one stanza of a control file; empty lines around it are left out.

    Raises:
        BadPackageField: not UTF-8, a control character, a second stanza, a repeated or misplaced field, a value above
            ``limits.field_bytes``.
    """
    text = _decode(data).strip("\n")
    if not text:
        raise BadPackageField("control: the file is empty")
    if data[-1:] != b"\n":
        raise BadPackageField("control: the last line has no newline, so dpkg takes the file for cut short")
    if blank := _BLANK_LINE.search(text):
        raise BadPackageField(f"control: line {_line_number(text, blank.end())} is blank, only one stanza may be there")
    fields: dict[str, tuple[str, str]] = {}
    at = 0
    while at < len(text):
        match = _FIELD.match(text, at)
        if match is None:
            raise _not_a_field(text, at)
        name, value = match.groups()
        _add(fields, name, value, limits)
        at = match.end()
    if text[-1] == ":" and text.endswith(f"\n{name}:") and data[-2:] != b"\n\n":
        raise BadPackageField(f"control: the last field, {quote(name)}, has no value")
    return Stanza(fields)


def _decode(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        raise BadPackageField(f"control: byte {fault.start} is not UTF-8") from fault
    if match := _FORBIDDEN.search(text):
        line = _line_number(text, match.start())
        raise BadPackageField(f"control: line {line} holds the control character U+{ord(match[0]):04X}")
    return text


def _add(fields: dict[str, tuple[str, str]], name: str, value: str, limits: Limits) -> None:
    lower = name.lower()
    if lower in fields:
        raise BadPackageField(f"control: the field {quote(name)} is there twice", field=lower[:60])
    if lower in _OBSOLETE:
        raise BadPackageField(f"control: the obsolete field {name} changes the version for some readers", field=lower)
    if len(value) > limits.field_bytes:
        raise BadPackageField(f"control: the field {quote(name)} is longer than {limits.field_bytes}", field=lower[:60])
    if len(fields) >= MAX_FIELDS:
        raise BadPackageField(f"control: there are more than {MAX_FIELDS} fields")
    fields[lower] = (name, value)


def _not_a_field(text: str, at: int) -> BadPackageField:
    line = text[at : at + 200].partition("\n")[0]
    number = _line_number(text, at)
    if line[:1] in {" ", "\t"}:
        return BadPackageField(f"control: line {number} continues a field, but none was begun")
    return BadPackageField(f"control: line {number} ({quote(line)}) is not a field")


def _line_number(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _lines(fields: list[tuple[str, str, str]]) -> Iterator[str]:
    for _, name, value in fields:
        if value.strip(" \t"):  # Policy 5.1: no empty fields in binary packages
            yield f"{name}:{value}\n" if value[0] == "\n" else f"{name}: {value}\n"
