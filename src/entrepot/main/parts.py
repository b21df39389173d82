"""The outside world of one installation: the real one as the settings say; tests hand over another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.directory.base import People
from entrepot.adapters.directory.ldap import LdapPeople
from entrepot.adapters.issuers.base import Issuers
from entrepot.adapters.issuers.http import HttpIssuers
from entrepot.adapters.journal.base import Journal
from entrepot.adapters.journal.filesystem import FilesystemJournal
from entrepot.adapters.journal.memory import MemoryJournal
from entrepot.adapters.log_ring import LogRing
from entrepot.adapters.mail.base import Mailer
from entrepot.adapters.mail.smtp import SmtpMailer
from entrepot.adapters.outbound.base import Outbound
from entrepot.adapters.outbound.fetching import Fetcher
from entrepot.adapters.outbound.http import HttpOutbound
from entrepot.adapters.outbound.streaming import HttpFetcher
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.queue.durable import DurableQueue
from entrepot.adapters.queue.handed import HandedQueue
from entrepot.adapters.signing.base import Keyring
from entrepot.adapters.signing.filesystem import FilesystemKeyring
from entrepot.adapters.storage.base import BlobStore
from entrepot.adapters.storage.filesystem import FilesystemBlobStore
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.formats.deb import DebFormat
from entrepot.domain.formats.rpm import RpmFormat
from entrepot.domain.jobs.goals import Goal
from entrepot.domain.model.package import Format
from entrepot.errors import BadSetting
from entrepot.services.intake.checks.base import Check
from entrepot.services.intake.checks.dependencies import DependencyCheck
from entrepot.services.intake.checks.structure import StructureCheck
from entrepot.services.publish.deb_tree import DebTree
from entrepot.services.publish.rpm_tree import RpmTree
from entrepot.services.publish.trees import TreeWriter
from entrepot.settings import Settings, load_secret

FORMATS: dict[Format, PackageFormat] = {Format.DEB: DebFormat(), Format.RPM: RpmFormat()}

TREES: dict[Format, TreeWriter] = {Format.DEB: DebTree(), Format.RPM: RpmTree()}

CHECKS: tuple[Check, ...] = (StructureCheck(), DependencyCheck())


@dataclass(frozen=True, slots=True)
class Parts:
    """The outside world of one installation."""

    catalog: Catalog
    blobs: BlobStore
    keyring: Keyring
    queue: Queue
    secret: bytes
    now: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    mailer: Mailer = field(default_factory=lambda: SmtpMailer(wall_clock))
    outbound: Outbound = field(default_factory=HttpOutbound)
    fetcher: Fetcher = field(default_factory=HttpFetcher)
    people: People = field(default_factory=LdapPeople)
    journal: Journal = field(default_factory=MemoryJournal)
    issuers: Issuers = field(default_factory=HttpIssuers)
    records: LogRing = field(default_factory=LogRing)


def wall_clock() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC)


def real_parts(settings: Settings, hand_on: Callable[[Goal], None] | None = None) -> Parts:
    """Database, files, keys and durable work as the settings say; created where absent.

    With ``hand_on`` goals are pursued by another process of the same server.

    Raises:
        BadSetting, CatalogUnavailable, CatalogTooNew, StoreUnavailable: with what to do.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"ENTREPOT_DATA: the folder cannot be created: {error.strerror}") from error
    return Parts(
        catalog=SqlCatalog(settings.catalog_url, shared=settings.processes > 1),
        blobs=FilesystemBlobStore(settings.blob_folder),
        keyring=FilesystemKeyring(settings.data / "keys", wall_clock),
        queue=HandedQueue(hand_on) if hand_on else DurableQueue(settings.jobs_url, settings.node_name, wall_clock),
        secret=load_secret(settings.secret_key_file or Path(settings.data) / "secret.key"),
        now=wall_clock,
        journal=FilesystemJournal(settings.data / "audit-checkpoints.jsonl"),
    )


class Outside(TypedDict):
    """What entry points touch themselves."""

    catalog: Catalog
    blobs: BlobStore
    queue: Queue
    now: Callable[[], datetime]


def outside(parts: Parts) -> Outside:
    """By their names in the application."""
    return Outside(catalog=parts.catalog, blobs=parts.blobs, queue=parts.queue, now=parts.now)
