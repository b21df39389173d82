"""The scalar values of the main header, each inside its grammar."""

from __future__ import annotations

import re

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.quoting import quote
from entrepot.domain.formats.rpm.architecture import BASE_ARCHITECTURES, SOURCE_ARCHITECTURES
from entrepot.domain.formats.rpm.header import MAIN_HEADER, Header
from entrepot.domain.formats.rpm.layout import rpm_filename
from entrepot.domain.formats.rpm.markup import cleaned
from entrepot.domain.formats.rpm.tags import SCRIPTS, Tag
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.versions import rpm as versions
from entrepot.errors import BadPackageField, BadVersion, MalformedPackage, PackageBomb

MAX_FILENAME_CHARACTERS = 255
MAX_INSTALLED_BYTES = 2**63 - 1

# Percent signs and braces are legal in spec files and would be expanded as macros by whoever handles the name.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_SOURCE_RPM = re.compile(r"([A-Za-z0-9_][A-Za-z0-9._+-]*)-([A-Za-z0-9._+~^]+)-([A-Za-z0-9._+~^]+)\.(?:no)?src\.rpm")
_SYSTEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WEB_SCHEMES = ("https://", "http://", "ftp://")


def read_key(header: Header, *, source_package: bool) -> PackageKey:
    """Name, version and architecture.

    A source package has the architecture ``src``, or ``nosrc`` when it leaves sources out; what its header says is
    only where it was made.

    Raises:
        BadPackageField, BadVersion: naming the tag.
        MalformedPackage: lead and header disagree about what kind of package this is.
    """
    name = required(header, Tag.NAME)
    if not _NAME.fullmatch(name):
        raise header.bad(Tag.NAME, f"is {quote(name)}, not a package name of A-Z a-z 0-9 . _ + -")
    _check_kind(header, source_package=source_package)
    system = header.text(Tag.OS)
    if system is not None and not _SYSTEM.fullmatch(system.decode("latin-1")):
        raise header.bad(Tag.OS, f"is {quote(system)}, not the name of an operating system")
    architecture = _architecture(header, source_package=source_package)
    key = PackageKey(Format.RPM, name, _version(header), architecture)
    if len(rpm_filename(key)) > MAX_FILENAME_CHARACTERS:
        sentence = f"{MAIN_HEADER}: name and version need more than {MAX_FILENAME_CHARACTERS} characters"
        raise BadPackageField(sentence, member=MAIN_HEADER)
    return key


def read_source(header: Header, package: str) -> str:
    """The name of the source package without version; the package itself when it is one, or when none is named."""
    value = header.text(Tag.SOURCERPM)
    if not value:
        return package
    match = _SOURCE_RPM.fullmatch(value.decode("latin-1"))
    if match is None:
        raise header.bad(Tag.SOURCERPM, f"is {quote(value)}, not name-version-release.src.rpm")
    return match[1]


def read_text(header: Header, tag: Tag, limits: Limits) -> str:
    """Free text, empty when absent, without the characters that no XML can hold.

    Raises:
        BadPackageField: not a string, or not UTF-8.
        PackageBomb: longer than ``limits.field_bytes``.
    """
    raw = header.text(tag) or b""
    if len(raw) > limits.field_bytes:
        sentence = f"{MAIN_HEADER}: the tag {tag.name} is longer than {limits.field_bytes} bytes"
        raise PackageBomb(sentence, member=MAIN_HEADER, field=tag.name)
    try:
        return cleaned(raw.decode())
    except UnicodeDecodeError:
        raise header.bad(tag, f"is {quote(raw)}, which is not UTF-8") from None


def read_installed_size_bytes(header: Header) -> int:
    """The size of all files, below 2**63; 0 when absent."""
    for tag in (Tag.LONGSIZE, Tag.SIZE):
        size = header.number(tag)
        if size is not None:
            if size > MAX_INSTALLED_BYTES:
                raise header.bad(tag, f"is {size}, more than any disk holds")
            return size
    return 0


def read_homepage(header: Header, limits: Limits) -> str:
    """The address of the project if it is one that a browser may be sent to, else nothing."""
    value = read_text(header, Tag.URL, limits)
    return value if value.lower().startswith(_WEB_SCHEMES) and value.isprintable() else ""


def read_scripts(header: Header) -> tuple[str, ...]:
    """Names of the scriptlets, as ``rpm --scripts`` says them without their percent sign."""
    return tuple(name for name, (text, program) in SCRIPTS.items() if text in header or program in header)


def required(header: Header, tag: Tag) -> str:
    """A string that has to be there, in ASCII; raises BadPackageField."""
    value = header.text(tag)
    if not value:
        raise header.bad(tag, "is missing or empty")
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise header.bad(tag, f"is {quote(value)}, which is not ASCII") from None


def _version(header: Header) -> str:
    epoch = header.number(Tag.EPOCH) or 0
    label = f"{required(header, Tag.VERSION)}-{required(header, Tag.RELEASE)}"
    for tag in (Tag.VERSION, Tag.RELEASE):
        if "-" in required(header, tag):
            raise BadVersion(f"{MAIN_HEADER}: the tag {tag.name} has a hyphen", member=MAIN_HEADER, field=tag.name)
    version = f"{epoch}:{label}" if epoch else label
    try:
        versions.validate(version)
    except BadVersion as fault:
        raise BadVersion(f"{MAIN_HEADER}: VERSION or RELEASE: {fault.detail}", member=MAIN_HEADER) from fault
    return version


def _check_kind(header: Header, *, source_package: bool) -> None:
    if source_package and Tag.SOURCERPM in header:
        raise MalformedPackage("lead: it is that of a source package, the main header that of a binary", member="lead")
    if not source_package and Tag.SOURCEPACKAGE in header:
        raise MalformedPackage("lead: it is that of a binary package, the main header that of a source", member="lead")


def _architecture(header: Header, *, source_package: bool) -> str:
    value = required(header, Tag.ARCH)
    if value not in BASE_ARCHITECTURES or value in SOURCE_ARCHITECTURES:
        raise header.bad(Tag.ARCH, f"is {quote(value)}, not an architecture of binary packages")
    if not source_package:
        return value
    return "nosrc" if Tag.NOSOURCE in header or Tag.NOPATCH in header else "src"
