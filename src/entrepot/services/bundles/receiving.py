"""Bundles that come in: each file is stored when it is the one that the signed list names, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.bundles import Bundle, BundleStatus
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.bundles.archive import Archive, Member, Source
from entrepot.domain.bundles.head import KEY, Head, read_head
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyExists, BundleDigest, BundleMalformed
from entrepot.services.bundles.heads import Heads
from entrepot.services.bundles.making import bundle_of
from entrepot.services.bundles.shelf import Lack, lack_of
from entrepot.services.bundles.signing import BundleKey

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """What came with a volume: files that were stored now, and those that were there; and what has yet to come."""

    bundle: Bundle
    stored: int
    there: int
    lack: Lack


class BundleReceiving:
    """Takes volumes in any order, whole or in parts, as often as anybody likes."""

    def __init__(
        self, catalog: Catalog, blobs: BlobStore, heads: Heads, key: BundleKey, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._heads = heads
        self._key = key
        self._now = now

    def receive(self, actor: Actor, source: Source) -> Received:
        """A volume.  What was stored stays when it breaks off, and is not stored again.

        Raises:
            BundleSignature, BundleMalformed, BundleDigest, BundleTooNew: it is not to be believed.
        """
        demand(actor, Permission.BUNDLE_IMPORT)
        archive, believed = Archive(source), list[str]()
        head, members = read_head(archive, self._key.verifier(believed))
        bundle = self._kept(actor, head, self._key.named(head.small.get(KEY, b""), believed))
        stored = there = 0
        for member in members:
            digest = _announced(head, member)
            if self._blobs.has(digest):
                there += 1
                continue
            self._store(archive, member, digest)
            stored += 1
        return Received(bundle, stored, there, lack_of(self._heads, head))

    def _kept(self, actor: Actor, head: Head, signer: str) -> Bundle:
        """The row that keeps what comes from being collected."""
        name = head.manifest.id
        with self._catalog.read() as reading:
            known = reading.bundle(name, made_here=False)
        digest = self._heads.keep(head)
        if known is None:
            bundle = bundle_of(head, digest, [], BundleStatus.ARRIVING, signer, actor, self._now(), made_here=False)
            detail: dict[str, JsonValue] = {
                "bundle": name,
                "base": bundle.base,
                "files": bundle.file_count,
                "bytes": bundle.size_bytes,
                "signer": signer,
            }
            try:
                with self._catalog.write() as unit:
                    unit.add_bundle(bundle)
                    unit.audit(AuditEntry("BUNDLE_RECEIVE", "START", actor, self._now(), detail=detail))
            except AlreadyExists:  # another volume of it came at the same moment
                pass
            with self._catalog.read() as reading:
                known = reading.bundle(name, made_here=False)
        if known is None or self._heads.get(known.head).sums != head.sums:
            raise BundleMalformed(f"another bundle {name} is here, with other files; this one is not what it says")
        return known

    def _store(self, archive: Archive, member: Member, digest: Digest) -> None:
        with self._blobs.writer() as writer:
            while piece := archive.read(_PIECE_BYTES):
                writer.write(piece)
            if writer.digest() != digest:
                raise BundleDigest(f"{member.path} has other bytes than the signed list says", sha256=digest)
            writer.commit()


def _announced(head: Head, member: Member) -> Digest:
    """Which file it has to be."""
    digest = head.listed.get(member.path)
    if digest is None:
        raise BundleMalformed(f"{member.path} is in the volume, and not in the signed list")
    if head.sizes.get(digest) != member.size_bytes:
        raise BundleDigest(f"{member.path} has {member.size_bytes} bytes; the signed list says otherwise")
    return digest
