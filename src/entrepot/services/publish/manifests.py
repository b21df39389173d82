"""Manifests that were read lately, shared by everything in the process that needs them."""

from __future__ import annotations

from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.manifest import Manifest, parse_manifest
from entrepot.domain.model.digest import Digest
from entrepot.services.publish.recent import Recent

_REMEMBERED = 64


class Manifests:
    """By digest; they never change."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._recent: Recent[Digest, Manifest] = Recent(_REMEMBERED)

    def get(self, digest: Digest) -> Manifest:
        """Read it, or remember it.

        Raises:
            BlobMissing, BlobCorrupt: the store has lost it.
        """
        known = self._recent.get(digest)
        if known is None:
            with self._blobs.open(digest) as blob:
                known = parse_manifest(blob.read(), digest)
            self._recent.put(digest, known)
        return known

    def remembered(self, digest: Digest) -> Manifest | None:
        """Only if it was read lately."""
        return self._recent.get(digest)

    def keep(self, data: bytes) -> Digest:
        """Store a manifest that was just written, and remember it."""
        digest = self._blobs.put(data)
        self._recent.put(digest, parse_manifest(data, digest))
        return digest
