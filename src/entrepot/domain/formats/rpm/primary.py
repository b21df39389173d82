"""The element of a package in primary.xml: what a solver and a person need to choose it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from entrepot.domain.formats.rpm.content import Content
from entrepot.domain.formats.rpm.dependencies import TAGS, Dependency
from entrepot.domain.formats.rpm.documents import DIGEST_MARK, HREF_MARK, SIZE_MARK, TIME_MARK
from entrepot.domain.formats.rpm.filelists import file_element, version_element
from entrepot.domain.formats.rpm.files import ListedFile
from entrepot.domain.formats.rpm.markup import attribute, decoded, element
from entrepot.domain.versions.rpm import compare_labels

_DIGEST, _SIZE, _HREF, _TIME = (mark.decode() for mark in (DIGEST_MARK, SIZE_MARK, HREF_MARK, TIME_MARK))
_LIBC = "libc.so.6"


def primary_fragment(content: Content) -> bytes:
    """``<package type="rpm">...</package>`` with the marks of ``documents`` in it."""
    start, end = content.header_range
    lines = [
        '<package type="rpm">',
        f"  {element('name', content.key.name)}",
        f"  {element('arch', content.key.architecture)}",
        f"  {version_element(content.key)}",
        f'  <checksum type="sha256" pkgid="YES">{_DIGEST}</checksum>',
        f"  {element('summary', content.summary)}",
        f"  {element('description', content.description)}",
        f"  {element('packager', content.packager)}",
        f"  {element('url', content.url)}",
        f'  <time file="{_TIME}" build="{content.build_time}"/>',
        f'  <size package="{_SIZE}" installed="{content.installed_bytes}" archive="{content.archive_bytes}"/>',
        f'  <location href="{_HREF}"/>',
        "  <format>",
        f"    {element('rpm:license', content.license)}",
        f"    {element('rpm:vendor', content.vendor)}",
        f"    {element('rpm:group', content.group)}",
        f"    {element('rpm:buildhost', content.build_host)}",
        f"    {element('rpm:sourcerpm', content.source_rpm)}",
        f'    <rpm:header-range start="{start}" end="{end}"/>',
        *_relation_lines(content),
        *(f"    {file_element(each)}" for each in content.files if is_primary(each.path)),
        "  </format>",
        "</package>",
    ]
    return ("\n".join(lines) + "\n").encode()


def is_primary(path: bytes) -> bool:
    """Whether a path is one that others may require by name, and so has to be in primary.xml."""
    return path.startswith(b"/etc/") or b"bin/" in path or path == b"/usr/lib/sendmail"


def listed_requires(
    requires: Iterable[Dependency], provides: Iterable[Dependency], files: Iterable[ListedFile]
) -> list[Dependency]:
    """What of the requires is listed: neither features of rpm nor own files, no exact match, no repetition.

    Of the versioned symbols of the C library only the newest is kept, at the end: it implies the others.
    """
    own = {(each.name, each.sense, each.version) for each in provides}
    own_files = {decoded(each.path) for each in files if is_primary(each.path)}
    last: dict[str, tuple[str, str, bool]] = {}
    listed: list[Dependency] = []
    libc: Dependency | None = None
    for each in requires:
        same = (each.sense, each.version, each.pre)
        if each.name.startswith("rpmlib(") or each.name in own_files:
            continue
        if (each.name, each.sense, each.version) in own or last.get(each.name) == same:
            continue
        if each.name.startswith(_LIBC):
            libc = each if libc is None or _is_newer_libc(each.name, libc.name) else libc
            continue
        last[each.name] = same
        listed.append(each)
    return listed if libc is None else [*listed, libc]


def _is_newer_libc(name: str, than: str) -> bool:
    return compare_labels(_symbol_version(name), _symbol_version(than)) > 0


def _symbol_version(name: str) -> str:
    """``2.34`` of ``libc.so.6(GLIBC_2.34)(64bit)``."""
    symbol = name.partition("(")[2].partition(")")[0]
    return symbol.lstrip("".join({letter for letter in symbol if not letter.isdigit()}))


def _relation_lines(content: Content) -> Iterator[str]:
    for relation in TAGS:
        entries: Sequence[Dependency] = content.relations.get(relation, ())
        if relation == "requires":
            entries = listed_requires(entries, content.relations.get("provides", ()), content.files)
        if entries:
            yield f"    <rpm:{relation}>"
            yield from (f"      {_entry(each, pre=relation == 'requires' and each.pre)}" for each in entries)
            yield f"    </rpm:{relation}>"


def _entry(dependency: Dependency, *, pre: bool) -> str:
    attributes = [("name", dependency.name)]
    if dependency.sense:
        attributes.append(("flags", dependency.sense))
        if dependency.version:
            attributes += zip(("epoch", "ver", "rel"), dependency.evr(), strict=True)
    if pre:
        attributes.append(("pre", "1"))
    return "<rpm:entry " + " ".join(f'{name}="{attribute(value)}"' for name, value in attributes if value) + "/>"
