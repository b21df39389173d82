"""Bundles as people see them: lists, what is missing, volumes to read, an end to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.bundles import Bundle
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.bundles.archive import BLOCK, END, header_of
from entrepot.domain.bundles.head import Head
from entrepot.domain.bundles.lists import file_path
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyRunning, NotFound, PackageQuarantined
from entrepot.services.bundles.heads import Heads
from entrepot.services.bundles.signing import BundleKey

_CHUNK_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Lack:
    """What has yet to come of a bundle.

    ``bits`` has one for each file that the bundle carries, in the order of ``SHA256SUMS``, the first one highest; it
    is set for what is missing.  ``kept_elsewhere`` counts files of the base that are not here any more.
    """

    files: int
    size_bytes: int
    bits: bytes
    kept_elsewhere: int

    @property
    def whole(self) -> bool:
        """Whether it can be imported."""
        return not self.files and not self.kept_elsewhere


@dataclass(frozen=True, slots=True)
class OpenVolume:
    """A volume that can be read from anywhere; the same bytes each time."""

    name: str
    tag: str
    size_bytes: int
    read: Callable[[int, int], Iterator[bytes]]


class Bundles:
    """The shelf."""

    def __init__(
        self, catalog: Catalog, blobs: BlobStore, heads: Heads, key: BundleKey, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._heads = heads
        self._key = key
        self._now = now

    def key(self, actor: Actor) -> bytes:
        """What other servers have to trust, armored."""
        demand(actor, Permission.BUNDLE_READ)
        return self._key.signer().armored()

    def page(self, actor: Actor, offset: int, limit: int) -> tuple[list[Bundle], int]:
        """Newest first."""
        demand(actor, Permission.BUNDLE_READ)
        with self._catalog.read() as reading:
            return reading.bundles(offset, limit)

    def one(self, actor: Actor, bundle_id: str) -> Bundle:
        """Made here, or come here.

        Raises:
            NotFound: there is none.
        """
        demand(actor, Permission.BUNDLE_READ)
        return self._one(bundle_id)

    def lack(self, actor: Actor, bundle: Bundle) -> Lack:
        """What has yet to come; of a bundle that was made here, nothing."""
        demand(actor, Permission.BUNDLE_READ)
        return lack_of(self._heads, self._heads.get(bundle.head))

    def volume(self, actor: Actor, bundle_id: str, number: int) -> OpenVolume:
        """A volume of a bundle that was made here, from 1 on.

        Raises:
            NotFound: there is none.
            PackageQuarantined: it holds a package that nobody gets any more.
        """
        demand(actor, Permission.BUNDLE_READ)
        bundle = self._one(bundle_id, made_here=True)
        head = self._heads.get(bundle.head)
        with self._catalog.read() as reading:
            apart = reading.quarantined_digests().intersection(head.carried)
        if apart:
            raise PackageQuarantined(
                f"bundle {bundle.id} carries {len(apart)} packages in quarantine, such as {min(apart)}; "
                "make another one, which leaves them out"
            )
        if not 1 <= number <= len(bundle.volumes):
            raise NotFound(f"bundle {bundle.id} has volumes 1 to {len(bundle.volumes)}")
        start, stop, size = bundle.volumes[number - 1]
        volume = VolumeReading(self._blobs, head, start, stop)
        return OpenVolume(volume_name(bundle, number), f"{bundle.head}-{number}", size, volume.pieces)

    def remove(self, actor: Actor, bundle_id: str) -> Bundle:
        """Forget it; what was imported from it stays.  No increment can build on it any more.

        Raises:
            NotFound: there is none.
            AlreadyRunning: it is being imported.
        """
        demand(actor, Permission.BUNDLE_CREATE)
        with self._catalog.write() as unit:
            found = unit.bundle(bundle_id, made_here=True) or unit.bundle(bundle_id, made_here=False)
            if found is None:
                raise _unknown(bundle_id)
            if not found.made_here:
                demand(actor, Permission.BUNDLE_IMPORT)
            if any(target.holding for target in unit.bundle_targets(found.number)):
                raise AlreadyRunning(f"bundle {found.id} is being imported; cancel that first")
            unit.remove_bundle(found.number)
            detail: dict[str, JsonValue] = {"bundle": found.id, "made_here": found.made_here}
            unit.audit(AuditEntry("BUNDLE_DELETE", "SUCCESS", actor, self._now(), detail=detail))
        return found

    def _one(self, bundle_id: str, *, made_here: bool | None = None) -> Bundle:
        with self._catalog.read() as reading:
            found = reading.bundle(bundle_id, made_here=True)
            if found is None and made_here is None:
                found = reading.bundle(bundle_id, made_here=False)
        if found is None:
            raise _unknown(bundle_id)
        return found


def lack_of(heads: Heads, head: Head) -> Lack:
    """What is missing of what a head lists."""
    carried = {digest: number for number, digest in enumerate(head.carried)}
    bits = bytearray((len(carried) + 7) // 8)
    files = size = elsewhere = 0
    for digest in heads.missing(head.sizes):
        number = carried.get(digest)
        if number is None:
            elsewhere += 1
            continue
        bits[number // 8] |= 0x80 >> number % 8
        files, size = files + 1, size + head.sizes[digest]
    return Lack(files, size, bytes(bits), elsewhere)


def volume_name(bundle: Bundle, number: int) -> str:
    """As files are called: bundles of one chain sort in their order."""
    volume = f".{number:03}" if len(bundle.volumes) > 1 else ""
    return f"entrepot-{bundle.chain[:8]}-{bundle.place:04}-{bundle.id[:8]}{volume}.tar"


class VolumeReading:
    """A volume as it would be on a disk."""

    def __init__(self, blobs: BlobStore, head: Head, start: int, stop: int) -> None:
        self._blobs = blobs
        self._head = head
        self._files = head.carried[start:stop]
        self._second = int(head.manifest.created_at.timestamp())

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from one offset up to another.

        Raises:
            BlobMissing: a file is lost.
        """
        at = 0
        for part in self._parts():
            size = len(part) if isinstance(part, bytes) else self._head.sizes[part]
            if at + size > start and at < end:
                low, high = max(0, start - at), min(size, end - at)
                if isinstance(part, bytes):
                    yield part[low:high]
                else:
                    with self._blobs.open(part) as blob:
                        yield from _slice(blob, low, high)
            at += size
            if at >= end:
                return

    def _parts(self) -> Iterator[bytes | Digest]:
        yield self._head.to_bytes()
        for digest in self._files:
            size = self._head.sizes[digest]
            yield header_of(file_path(digest), size, self._second)
            yield digest
            yield bytes(-size % BLOCK)
        yield END


def _slice(blob: BinaryIO, low: int, high: int) -> Iterator[bytes]:
    blob.seek(low)
    while low < high:
        piece = blob.read(min(_CHUNK_BYTES, high - low))
        if not piece:
            return
        low += len(piece)
        yield piece


def _unknown(bundle_id: str) -> NotFound:
    return NotFound(f"there is no bundle {bundle_id[:40]}; GET /bundles lists them")
