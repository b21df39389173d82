"""One .deb in one forward pass: debian-binary, control.tar, data.tar, and members to ignore that begin with ``_``."""

from __future__ import annotations

from dataclasses import replace

from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.bundled import Collector
from entrepot.domain.formats.concerns import ConcernLog
from entrepot.domain.formats.deb import fields
from entrepot.domain.formats.deb.concerns import note_takeover
from entrepot.domain.formats.deb.control import parse_control
from entrepot.domain.formats.deb.metadata import Metadata, read_metadata
from entrepot.domain.formats.deb.parts import DebParts
from entrepot.domain.formats.deb.payload import read_payload
from entrepot.domain.formats.deb.pool import deb_filename, pool_path
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.domain.versions import deb as versions


class DebFormat:
    """The ``PackageFormat`` of .deb files."""

    format = Format.DEB
    suffix = ".deb"

    def read(self, source: ByteSource, size_bytes: int, limits: Limits) -> PackageFacts:
        """Read and validate the whole file; see ``PackageFormat.read`` for the errors."""
        parts = DebParts(source, size_bytes)
        log = ConcernLog()
        metadata = read_metadata(parts.open_control(limits), limits, log)
        collector = Collector()
        paths = read_payload(parts.open_data(limits), limits, log, collector)
        parts.finish()
        facts = _facts(metadata, limits, log, paths=paths, signed=parts.signed)
        composition = collector.composition(facts.key.name)
        return replace(facts, license=composition.licence, composition=composition)

    def read_control(self, source: ByteSource, size_bytes: int, limits: Limits) -> PackageFacts:
        """Only what control.tar says: no paths, no concerns about the payload, nothing behind it verified."""
        parts = DebParts(source, size_bytes)
        log = ConcernLog()
        metadata = read_metadata(parts.open_control(limits), limits, log)
        return _facts(metadata, limits, log, paths=(), signed=parts.signed)

    def compare(self, a: str, b: str) -> int:
        """Negative, zero or positive as version ``a`` is older than, equal to or newer than ``b``."""
        return versions.compare(a, b)

    independent = "all"

    def tree(self, architecture: str) -> str:
        """Every architecture is a tree of its own; ``all`` is listed in each."""
        return architecture

    def pool_path(self, key: PackageKey, source: str, component: str, *, apart: str = "") -> str:
        """``pool/<component>/<prefix>/<source>/[<apart>/]<file>``."""
        name = self.filename(key)
        return pool_path(component, source, f"{apart}/{name}" if apart else name)

    def filename(self, key: PackageKey) -> str:
        """``name_version_architecture.deb`` without the epoch."""
        return deb_filename(key.name, key.version, key.architecture)


def _facts(
    metadata: Metadata, limits: Limits, log: ConcernLog, *, paths: tuple[bytes, ...], signed: bool
) -> PackageFacts:
    stanza = parse_control(metadata.control, limits)
    key = fields.read_key(stanza)
    relations = fields.read_relations(stanza)
    summary, description = fields.read_description(stanza)
    note_takeover(stanza, key.name, relations, log)
    return PackageFacts(
        key=key,
        source=fields.read_source(stanza, key.name),
        section=fields.read_section(stanza),
        maintainer=stanza.get("maintainer"),
        summary=summary,
        description=description,
        homepage=fields.read_homepage(stanza),
        installed_size_bytes=fields.read_installed_size_bytes(stanza),
        relations=relations,
        fragments={"control": stanza.index_text()},
        paths=paths,
        scripts=metadata.scripts,
        conffiles=metadata.conffiles,
        signed=signed,
        concerns=log.concerns(),
    )
