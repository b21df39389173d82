"""What single control fields may say: Debian Policy 5.6, and the bounds that file names and indexes need."""

from __future__ import annotations

import re

from entrepot.domain.formats.deb.architecture import BINARY_ARCHITECTURES
from entrepot.domain.formats.deb.control import Stanza
from entrepot.domain.formats.deb.pool import deb_filename
from entrepot.domain.formats.deb.relations import RELATIONS, split_relation
from entrepot.domain.formats.quoting import quote
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.versions import deb as versions
from entrepot.errors import BadPackageField, BadVersion

MAX_FILENAME_CHARACTERS = 255
MAX_INSTALLED_BYTES = 2**63 - 1

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}")
_SOURCE = re.compile(r"([a-z0-9][a-z0-9+.-]{1,127})(?:[ \t]*\(([^()\s]+)\))?")
_SECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._ -]{0,63}(?:/[A-Za-z0-9][A-Za-z0-9+._ -]{0,63}){0,2}")
_DIGITS = re.compile(r"[0-9]{1,19}")
_MULTI_ARCH = frozenset(("", "no", "same", "foreign", "allowed"))
_WEB_SCHEMES = ("https://", "http://", "ftp://")


def read_key(stanza: Stanza) -> PackageKey:
    """Name, version and architecture; raises BadPackageField, or BadVersion."""
    name, version, architecture = (_required(stanza, field) for field in ("Package", "Version", "Architecture"))
    if not _NAME.fullmatch(name):
        raise _bad("Package", name, "a package name of 2 to 128 characters from a-z 0-9 + - .")
    _check_version("Version", version)
    if architecture not in BINARY_ARCHITECTURES:
        raise _bad("Architecture", architecture, "one architecture of a binary package")
    if len(deb_filename(name, version, architecture)) > MAX_FILENAME_CHARACTERS:
        raise BadPackageField(f"control: name and version need more than {MAX_FILENAME_CHARACTERS} characters")
    if stanza.get("multi-arch").lower() not in _MULTI_ARCH:
        raise _bad("Multi-Arch", stanza.get("multi-arch"), "one of no, same, foreign, allowed")
    return PackageKey(Format.DEB, name, version, architecture)


def read_source(stanza: Stanza, package: str) -> str:
    """The name of the source package, without its version; the package itself when the field is absent."""
    value = stanza.get("source")
    if not value:
        return package
    match = _SOURCE.fullmatch(value)
    if match is None:
        raise _bad("Source", value, "name [(version)]")
    if match[2]:
        _check_version("Source", match[2])
    return match[1]


def read_section(stanza: Stanza) -> str:
    """``[area/]section``; raises BadPackageField for anything that climbs or has an odd character."""
    value = stanza.get("section")
    if value and not _SECTION.fullmatch(value):
        raise _bad("Section", value, "a section")
    return value


def read_installed_size_bytes(stanza: Stanza) -> int:
    """``Installed-Size``, which is written in KiB, as bytes below 2**63; 0 when absent."""
    value = stanza.get("installed-size")
    if not value:
        return 0
    if not _DIGITS.fullmatch(value) or int(value) > MAX_INSTALLED_BYTES >> 10:
        raise _bad("Installed-Size", value, "a number of KiB below 2**53")
    return int(value) << 10


def read_homepage(stanza: Stanza) -> str:
    """The address of the project if it is one that a browser may be sent to, else nothing."""
    value = stanza.get("homepage")
    return value if value.lower().startswith(_WEB_SCHEMES) and "\n" not in value else ""


def read_relations(stanza: Stanza) -> dict[str, tuple[str, ...]]:
    """The entries of every relation that is there."""
    return {relation: split_relation(relation, value) for relation in RELATIONS if (value := stanza.get(relation))}


def read_description(stanza: Stanza) -> tuple[str, str]:
    """Synopsis and extended description; the blank that marks a line and the dot of an empty one taken off."""
    summary, _, extended = stanza.get("description").partition("\n")
    if not extended:
        return summary.strip(), ""
    lines = [line[1:] for line in extended.split("\n")]
    return summary.strip(), "\n".join(["" if line.strip(" \t") == "." else line for line in lines])


def _required(stanza: Stanza, field: str) -> str:
    value = stanza.get(field.lower())
    if not value:
        raise BadPackageField(f"control: the field {field} is missing or empty", field=field)
    return value


def _check_version(field: str, version: str) -> None:
    try:
        versions.validate(version)
    except BadVersion as fault:
        raise BadVersion(f"control: field {field}: {fault.detail}", field=field) from fault


def _bad(field: str, value: str, wanted: str) -> BadPackageField:
    return BadPackageField(f"control: the field {field} is {quote(value)}, not {wanted}", field=field)
