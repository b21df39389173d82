"""Heads of bundles in the store, and what of their files is there."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.bundles.head import Head, stored_head
from entrepot.domain.model.digest import Digest

_REMEMBERED = 4


class Heads:
    """By digest; those that were asked for last are remembered."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._known: OrderedDict[Digest, Head] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: Digest) -> Head:
        """Read it, or remember it.

        Raises:
            BlobMissing: the store has lost it.
        """
        with self._lock:
            if digest in self._known:
                self._known.move_to_end(digest)
                return self._known[digest]
        with self._blobs.open(digest) as blob:
            head = stored_head(blob)
        with self._lock:
            self._known[digest] = head
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return head

    def keep(self, head: Head) -> Digest:
        """Store it."""
        return self._blobs.put(head.kept())

    def missing(self, digests: Iterable[Digest]) -> list[Digest]:
        """Those that are not stored."""
        return [digest for digest in digests if not self._blobs.has(digest)]
