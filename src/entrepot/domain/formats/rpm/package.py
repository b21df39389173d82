"""One .rpm in one forward pass: lead, headers, payload, and the fragments it contributes to the indexes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.bundled import Collector
from entrepot.domain.formats.concerns import ConcernLog
from entrepot.domain.formats.rpm import fields
from entrepot.domain.formats.rpm.architecture import BASE_ARCHITECTURES, INDEPENDENT
from entrepot.domain.formats.rpm.concerns import note_takeover
from entrepot.domain.formats.rpm.container import Container, open_container
from entrepot.domain.formats.rpm.content import Content
from entrepot.domain.formats.rpm.dependencies import TAGS, Dependency, read_dependencies
from entrepot.domain.formats.rpm.documents import Document
from entrepot.domain.formats.rpm.filelists import filelists_fragment
from entrepot.domain.formats.rpm.files import CONFIG, ListedFile, note_files, read_files
from entrepot.domain.formats.rpm.layout import repo_href, rpm_filename
from entrepot.domain.formats.rpm.markup import decoded
from entrepot.domain.formats.rpm.other import other_fragment, read_changes
from entrepot.domain.formats.rpm.payload import verify_payload, walk_payload
from entrepot.domain.formats.rpm.primary import primary_fragment
from entrepot.domain.formats.rpm.tags import Tag
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.domain.versions import rpm as versions

_FRAGMENTS = {
    Document.PRIMARY: primary_fragment,
    Document.FILELISTS: filelists_fragment,
    Document.OTHER: other_fragment,
}


class RpmFormat:
    """The ``PackageFormat`` of .rpm files, binary and source."""

    format = Format.RPM
    suffix = ".rpm"
    independent = INDEPENDENT

    def read(self, source: ByteSource, size_bytes: int, limits: Limits) -> PackageFacts:
        """Read and validate the whole file; see ``PackageFormat.read`` for the errors."""
        container = open_container(source, size_bytes, limits)
        content = _read_content(container, limits)
        log = ConcernLog()
        note_files(content.files, log)
        for relation in ("provides", "obsoletes"):
            note_takeover(content.key.name, relation, content.relations[relation], log)
        collector = Collector()
        content = replace(content, archive_bytes=verify_payload(container, content.files, limits, collector))
        return replace(_facts(container, content, limits, log), composition=collector.composition(content.key.name))

    def compare(self, a: str, b: str) -> int:
        """Negative, zero or positive as version ``a`` is older than, equal to or newer than ``b``."""
        return versions.compare(a, b)

    def tree(self, architecture: str) -> str:
        """The base architecture that lists a package: ``i386`` for i686, ``src`` for both kinds of source package.

        What rpm does not know stands for itself.
        """
        return BASE_ARCHITECTURES.get(architecture, architecture)

    def pool_path(self, key: PackageKey, source: str, component: str, *, apart: str = "") -> str:
        """``Packages/<letter>/<file>``; rpm repositories have no components, and no folders per source."""
        return repo_href(rpm_filename(key), apart=apart)

    def filename(self, key: PackageKey) -> str:
        """``name-version-release.architecture.rpm`` without the epoch."""
        return rpm_filename(key)


def payload_files(source: ByteSource, size_bytes: int, limits: Limits) -> Iterator[tuple[bytes, ByteSource]]:
    """Every regular file of the payload with its bytes, for scanners.

    The bytes can be read until the next file is taken.  Raises what ``RpmFormat.read`` raises about containers.
    """
    container = open_container(source, size_bytes, limits)
    files = read_files(container.main, limits, source_package=container.source_package)
    yield from walk_payload(container, files, limits)


def _read_content(container: Container, limits: Limits) -> Content:
    main = container.main

    def text(tag: Tag) -> str:
        return fields.read_text(main, tag, limits)

    return Content(
        key=fields.read_key(main, source_package=container.source_package),
        summary=text(Tag.SUMMARY),
        description=text(Tag.DESCRIPTION),
        packager=text(Tag.PACKAGER),
        vendor=text(Tag.VENDOR),
        license=text(Tag.LICENSE),
        group=text(Tag.GROUP),
        url=text(Tag.URL),
        build_host=text(Tag.BUILDHOST),
        source_rpm=text(Tag.SOURCERPM),
        build_time=main.number(Tag.BUILDTIME) or 0,
        installed_bytes=fields.read_installed_size_bytes(main),
        archive_bytes=0,
        header_range=(container.header_start, container.header_end),
        relations={relation: read_dependencies(main, relation) for relation in TAGS},
        files=read_files(main, limits, source_package=container.source_package),
        changes=read_changes(main, limits),
    )


def _facts(container: Container, content: Content, limits: Limits, log: ConcernLog) -> PackageFacts:
    return PackageFacts(
        key=content.key,
        source=fields.read_source(container.main, content.key.name),
        section=content.group,
        maintainer=content.packager or content.vendor,
        summary=content.summary,
        description=content.description,
        license=content.license,
        homepage=fields.read_homepage(container.main, limits),
        installed_size_bytes=content.installed_bytes,
        relations={relation: _texts(entries) for relation, entries in content.relations.items() if entries},
        fragments={kind.value: render(content) for kind, render in _FRAGMENTS.items()},
        paths=tuple(each.path.removeprefix(b"/") for each in content.files if _is_shipped(each)),
        scripts=fields.read_scripts(container.main),
        conffiles=tuple(decoded(each.path) for each in content.files if each.flags & CONFIG),
        signed=container.signed,
        concerns=log.concerns(),
    )


def _texts(entries: tuple[Dependency, ...]) -> tuple[str, ...]:
    return tuple(each.text() for each in entries if not each.name.startswith("rpmlib("))


def _is_shipped(file: ListedFile) -> bool:
    return not file.is_directory and not file.is_ghost
