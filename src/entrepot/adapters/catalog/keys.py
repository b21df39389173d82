"""The part of the port about the keys that the suites of an archive are signed with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.domain.model.suite import ArchiveId


@dataclass(frozen=True, slots=True)
class SigningState:
    """What the suites of an archive were last asked to be signed with.

    ``certificate`` is the digest of the public certificates, ``since`` when these fingerprints came into force.
    """

    archive_id: ArchiveId
    certificate: str
    fingerprints: Sequence[str]
    since: datetime


class KeyReading(Protocol):
    """What can be asked."""

    def signing_states(self) -> Mapping[ArchiveId, SigningState]:
        """By archive; those whose keys were never looked at are left out."""
        ...


class KeyWriting(KeyReading, Protocol):
    """What can be changed."""

    def set_signing_state(self, state: SigningState) -> None:
        """Set or replace."""
        ...
