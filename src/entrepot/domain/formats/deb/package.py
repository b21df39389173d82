"""One .deb in one forward pass: debian-binary, control.tar, data.tar, and members to ignore that begin with ``_``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.compression import Codec, open_stream
from entrepot.domain.formats.deb import fields
from entrepot.domain.formats.deb.ar import ArMember, ArReader
from entrepot.domain.formats.deb.concerns import ConcernLog, note_takeover
from entrepot.domain.formats.deb.control import parse_control
from entrepot.domain.formats.deb.metadata import Metadata, read_metadata
from entrepot.domain.formats.deb.payload import read_payload
from entrepot.domain.formats.deb.pool import deb_filename
from entrepot.domain.formats.deb.tar import TarReader
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.domain.versions import deb as versions
from entrepot.errors import AmbiguousPackage, MalformedPackage

MAX_IGNORED_MEMBERS = 64

_FORMAT_VERSION = re.compile(rb"2\.[0-9]{1,3}\n")
_MEMBER = re.compile(r"(control|data)\.tar(?:\.([a-z0-9]+))?")
# deb(5): control knows fewer compressors than data.
_CODECS = {
    "control": {None: Codec.NONE, "gz": Codec.GZ, "xz": Codec.XZ, "zst": Codec.ZST},
    "data": {
        None: Codec.NONE,
        "gz": Codec.GZ,
        "xz": Codec.XZ,
        "zst": Codec.ZST,
        "bz2": Codec.BZ2,
        "lzma": Codec.LZMA,
    },
}


class DebFormat:
    """The ``PackageFormat`` of .deb files."""

    format = Format.DEB
    suffix = ".deb"

    def read(self, source: ByteSource, size_bytes: int, limits: Limits) -> PackageFacts:
        """Read and validate the whole file; see ``PackageFormat.read`` for the errors."""
        parts = DebParts(source, size_bytes)
        log = ConcernLog()
        metadata = read_metadata(parts.open_control(limits), limits, log)
        paths = read_payload(parts.open_data(limits), limits, log)
        parts.finish()
        return _facts(metadata, limits, log, paths=paths, signed=parts.signed)

    def read_control(self, source: ByteSource, size_bytes: int, limits: Limits) -> PackageFacts:
        """Only what control.tar says: no paths, no concerns about the payload, nothing behind it verified."""
        parts = DebParts(source, size_bytes)
        log = ConcernLog()
        metadata = read_metadata(parts.open_control(limits), limits, log)
        return _facts(metadata, limits, log, paths=(), signed=parts.signed)

    def compare(self, a: str, b: str) -> int:
        """Negative, zero or positive as version ``a`` is older than, equal to or newer than ``b``."""
        return versions.compare(a, b)

    def filename(self, key: PackageKey) -> str:
        """``name_version_architecture.deb`` without the epoch."""
        return deb_filename(key.name, key.version, key.architecture)


@dataclass(slots=True)
class DebParts:
    """The members of a .deb in the one order that deb(5) allows; call the three methods in that order."""

    archive: ArReader
    signed: bool
    _ignored: int

    def __init__(self, source: ByteSource, size_bytes: int) -> None:
        """Read as far as the format version; raises MalformedPackage."""
        self.archive = ArReader(source, size_bytes)
        self.signed = False
        self._ignored = 0
        first = self.archive.next_member()
        if first is None or first.name != "debian-binary":
            raise MalformedPackage("the first ar member is not debian-binary")
        if first.size_bytes > 8 or not _FORMAT_VERSION.fullmatch(first.read(8)):
            raise MalformedPackage("debian-binary does not hold the format version 2.x", member="debian-binary")

    def open_control(self, limits: Limits) -> TarReader:
        """control.tar, bounded by ``limits.control_bytes``."""
        member = self._next()
        return self._open(member, "control", limits, limits.control_bytes)

    def open_data(self, limits: Limits) -> TarReader:
        """data.tar, bounded by ``limits.unpacked_bytes`` and ``limits.members``."""
        member = self._next()
        if member is not None and member.name.startswith("control.tar"):
            raise AmbiguousPackage(f"there is a second control member, {member.name}", member=member.name)
        return self._open(member, "data", limits, limits.unpacked_bytes)

    def finish(self) -> None:
        """Verify that nothing follows data.tar that another reader could take for a part of the package."""
        member = self._next()
        if member is None:
            return
        if _MEMBER.fullmatch(member.name):
            raise AmbiguousPackage(f"there is a second candidate for a member, {member.name}", member=member.name)
        raise MalformedPackage(f"the unknown ar member {member.name} follows data.tar", member=member.name)

    def _open(self, member: ArMember | None, part: str, limits: Limits, max_bytes: int) -> TarReader:
        if member is None:
            raise MalformedPackage(f"there is no {part}.tar member", member=f"{part}.tar")
        match = _MEMBER.fullmatch(member.name)
        if match is None or match[1] != part:
            raise MalformedPackage(f"the ar member {member.name} is where {part}.tar must be", member=member.name)
        codec = _CODECS[part].get(match[2])
        if codec is None:
            raise MalformedPackage(f"{member.name} has a compression that {part}.tar cannot have", member=member.name)
        stream = open_stream(member, codec, limits, name=member.name, max_bytes=max_bytes)
        return TarReader(stream, member.name, limits, max_bytes=max_bytes, max_members=limits.members)

    def _next(self) -> ArMember | None:
        """The next member that counts; deb(5) says to skip those that begin with an underscore."""
        while (member := self.archive.next_member()) is not None and member.name[0] == "_":
            self.signed = self.signed or member.name.startswith("_gpg")
            self._ignored += 1
            if self._ignored > MAX_IGNORED_MEMBERS:
                raise MalformedPackage(f"there are more than {MAX_IGNORED_MEMBERS} ar members to ignore")
        return member


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
