"""The twin for tests and throw-away archives: keys in memory, Ed25519 always, the same for the same name.

Never for anything that has to be trusted: who knows the name of an identity knows its private key.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import datetime

from entrepot.adapters.signing.base import KeyAlgorithm, KeyInfo, NewKey, Signer
from entrepot.adapters.signing.keys import from_seed
from entrepot.adapters.signing.openpgp import Identity, OpenPGPSigner, bind, checked_name, checked_uid, without
from entrepot.errors import KeyOverlap, SigningUnavailable


class MemoryKeyring:
    """Identities of one process; see ``Keyring``.  The algorithm asked for is not what is made: keys cost nothing."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._identities: dict[str, tuple[Identity, ...]] = {}
        self._lock = threading.Lock()
        self._made = 1
        self._retired: dict[str, bytes] = {}

    def create(self, name: str, uid: str, algorithm: KeyAlgorithm, created_at: datetime) -> KeyInfo:
        """The first key of ``name``, made now or found."""
        checked_name(name)
        checked_uid(uid)
        with self._lock:
            if name not in self._identities:
                self._identities[name] = (_derived(name, 0, uid, created_at),)
            return self._identities[name][0].info(name)

    def add(self, name: str, new: NewKey, most: int | None = None) -> KeyInfo:
        """One more key."""
        checked_uid(new.uid)
        with self._lock:
            present = self._read(name)
            if most is not None and len(present) >= most:
                raise KeyOverlap(f"{name} has {len(present)} keys already; retire the old one first", key=name)
            identity = _derived(name, self._made, new.uid, new.created_at, new.expires_at)
            self._made += 1
            self._identities[name] = (*present, identity)
        return identity.info(name)

    def retire(self, name: str, fingerprint: str) -> None:
        """Forgotten."""
        with self._lock:
            present = self._read(name)
            self._identities[name] = kept = without(present, name, fingerprint)
            gone = b"".join(one.certificate() for one in present if one not in kept)
            self._retired[name] = self._retired.get(name, b"") + gone

    def retired(self, name: str) -> bytes:
        """Since the start."""
        return self._retired.get(name, b"")

    def extend(self, name: str, expires_at: datetime | None, now: datetime) -> tuple[KeyInfo, ...]:
        """All of them certified anew."""
        with self._lock:
            self._identities[name] = tuple(one.with_end(expires_at, now) for one in self._read(name))
        return self.keys(name)

    def mark(self, name: str) -> str:
        """Of the certificates."""
        return hashlib.sha256(self.signer(name).certificate()).hexdigest()

    def keys(self, name: str) -> tuple[KeyInfo, ...]:
        """Public facts, in signing order."""
        return tuple(identity.info(name) for identity in self._read(name))

    def signer(self, name: str) -> Signer:
        """The identity as it is now."""
        return OpenPGPSigner(self._read(name), self._clock)

    def names(self) -> tuple[str, ...]:
        """Every identity."""
        return tuple(sorted(self._identities))

    def _read(self, name: str) -> tuple[Identity, ...]:
        checked_name(name)
        if name not in self._identities:
            raise SigningUnavailable(f"there is no signing key of {name!r}", name=name)
        return self._identities[name]


def _derived(name: str, number: int, uid: str, created_at: datetime, expires_at: datetime | None = None) -> Identity:
    seed = hashlib.sha256(f"{name}/{number}".encode()).digest()
    return bind(from_seed(seed, created_at), uid, expires_at=expires_at)
