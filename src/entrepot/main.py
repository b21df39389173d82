"""The only place that knows every implementation: settings in, application out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypedDict

from entrepot.adapters.access_logs.files import FileAccessLogs
from entrepot.adapters.antivirus.setup import scanning_of
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import JsonValue
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
from entrepot.adapters.outbound.http import HttpOutbound
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.queue.durable import DurableQueue
from entrepot.adapters.signing import verification
from entrepot.adapters.signing.base import KeyAlgorithm, Keyring
from entrepot.adapters.signing.filesystem import FilesystemKeyring
from entrepot.adapters.storage.base import BlobStore
from entrepot.adapters.storage.filesystem import FilesystemBlobStore
from entrepot.application import Application
from entrepot.domain.formats.base import Limits, PackageFormat
from entrepot.domain.formats.deb import DebFormat
from entrepot.domain.formats.rpm import RpmFormat
from entrepot.domain.model.configuration import RATE_GROUPS, Configuration
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Archive
from entrepot.entrypoints.worker.dispatch import Dispatch, Watch
from entrepot.errors import BadSetting, SigningUnavailable
from entrepot.services.access import (
    Access,
    DirectorySignIn,
    ProviderSignIn,
    Workloads,
)
from entrepot.services.access.accounts import accounts
from entrepot.services.access.attempts import Attempts
from entrepot.services.access.external import ExternalAccounts
from entrepot.services.access.foreign_tokens import ForeignTokens
from entrepot.services.access.standing import WatchedPeople
from entrepot.services.access.tokens import SessionTokens
from entrepot.services.audit import Auditing, AuditLog, Exports, Integrity, Refusals, Seals
from entrepot.services.configuration import Configurations
from entrepot.services.dashboard import Dashboard, Events, Logs, Watching
from entrepot.services.downloads import Downloads, Recorder
from entrepot.services.downloads.logs import LogReader
from entrepot.services.downloads.pseudonyms import Pseudonyms
from entrepot.services.intake import Intake
from entrepot.services.intake.checks.antivirus import antivirus_checks
from entrepot.services.intake.checks.base import Check
from entrepot.services.intake.checks.dependencies import DependencyCheck
from entrepot.services.intake.checks.structure import StructureCheck
from entrepot.services.intake.incoming import Incoming
from entrepot.services.intake.inspection import Inspector
from entrepot.services.intake.listing import Listings
from entrepot.services.intake.migrations import Migrations
from entrepot.services.intake.movements import Movements
from entrepot.services.intake.promotions import Promotions
from entrepot.services.intake.reviews import Reviews
from entrepot.services.intake.standings import Standings
from entrepot.services.intake.suites import Suites
from entrepot.services.intake.transfers import Transfers
from entrepot.services.notify import Delivery, Gatherer, KeyExpiry, Notifications, Outbox, Templates
from entrepot.services.publish.deb_tree import DebTree
from entrepot.services.publish.manifests import Manifests
from entrepot.services.publish.reading import PublishedFiles
from entrepot.services.publish.rpm_tree import RpmTree
from entrepot.services.publish.service import Publisher, PublisherParts
from entrepot.services.publish.trees import TreeWriter
from entrepot.services.publish.verification import Verifier
from entrepot.services.publish.waiting import Publications
from entrepot.services.resolution import Resolutions
from entrepot.services.upkeep.antivirus import Antivirus
from entrepot.services.upkeep.collector import Collector, Keep
from entrepot.services.upkeep.figures import Gauges
from entrepot.services.upkeep.health import Health
from entrepot.services.upkeep.keeper import Keeper
from entrepot.services.upkeep.pins import Pins
from entrepot.services.upkeep.preflight import Preflight
from entrepot.services.upkeep.retention import Retention
from entrepot.services.upkeep.schedule import Job, Scheduler
from entrepot.services.upkeep.signing_keys import SigningKeys, Wanted
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
    people: People = field(default_factory=LdapPeople)
    journal: Journal = field(default_factory=MemoryJournal)
    issuers: Issuers = field(default_factory=HttpIssuers)
    records: LogRing = field(default_factory=LogRing)


def wall_clock() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC)


def real_parts(settings: Settings) -> Parts:
    """Database, files, keys and durable work as the settings say; created where absent.

    Raises:
        BadSetting, CatalogUnavailable, CatalogTooNew, StoreUnavailable: with what to do.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"ENTREPOT_DATA: the folder cannot be created: {error.strerror}") from error
    return Parts(
        catalog=SqlCatalog(settings.catalog_url),
        blobs=FilesystemBlobStore(settings.blob_folder),
        keyring=FilesystemKeyring(settings.data / "keys", wall_clock),
        queue=DurableQueue(settings.jobs_url, settings.node_name, wall_clock),
        secret=load_secret(settings.secret_key_file or Path(settings.data) / "secret.key"),
        now=wall_clock,
        journal=FilesystemJournal(settings.data / "audit-checkpoints.jsonl"),
    )


def assemble(settings: Settings, parts: Parts, checks: Sequence[Check] = CHECKS) -> Application:
    """Wire the services; tests call this with other parts."""
    manifests, tokens, scanning = Manifests(parts.blobs), _session_tokens(settings, parts), scanning_of(settings)
    publisher = _publisher(parts, manifests)
    configurations = Configurations(parts.catalog, parts.secret, parts.now, _defaults(settings))
    checks = (*checks, *antivirus_checks(scanning, configurations.current, parts.monotonic))
    intake = Intake(parts.catalog, parts.blobs, parts.queue, FORMATS, checks, Limits(), parts.now)
    publisher.gather(intake.arrivals.settle)
    inspector = Inspector(parts.catalog, parts.blobs, parts.queue, FORMATS, checks, parts.now)
    audit, antivirus = _audit(parts), Antivirus(parts.catalog, scanning, parts.now, parts.monotonic)
    keys, foreign = _signing_keys(settings, parts), ForeignTokens(parts.issuers, parts.now)
    # ``outbox.post`` is for services that write to a person.
    attempts, outbox = Attempts(configurations.current, parts.now), Outbox(parts.secret, parts.now)
    templates = Templates(parts.catalog, configurations.current, parts.now)
    notifications = _notifications(parts, outbox, templates, configurations.current)
    retention, scheduler = _retention(parts, configurations.current, audit)
    unmet = (publisher.unmet, inspector.unfinished, notifications.unmet, scheduler.due, retention.unmet, keys.settle)
    keeper = Keeper(parts.catalog, parts.queue, settings.node_name, unmet, parts.now, (audit.seals.seal_if_due,))
    people, directory = _directory(parts, configurations.current)
    site, health = _site(settings, configurations), _health(parts, keeper, antivirus, people)
    access = Access(parts.catalog, parts.secret, tokens, attempts, directory, configurations.current, parts.now)
    return Application(
        configurations=configurations,
        access=access,
        **accounts(parts.catalog, parts.secret, configurations.current, outbox.post, site, parts.now),
        audit=audit,
        directory=directory,
        provider=_provider(parts, tokens, foreign, configurations.current),
        workloads=Workloads(parts.catalog, tokens, foreign, configurations.current, parts.now),
        intake=intake,
        incoming=Incoming(parts.catalog, parts.blobs, intake, verification, _uploaders(settings), parts.now),
        inspector=inspector,
        transfers=_transfers(parts, checks),
        resolutions=Resolutions(parts.catalog, FORMATS),
        movements=Movements(parts.catalog, parts.queue, parts.now),
        reviews=Reviews(parts.catalog, parts.queue, FORMATS, parts.now),
        suites=Suites(parts.catalog, parts.queue, parts.keyring, _key_maker(settings, parts), parts.now),
        listings=Listings(parts.catalog, FORMATS),
        publisher=publisher,
        publications=Publications(parts.catalog, publisher),
        published=PublishedFiles(parts.catalog, manifests, parts.keyring),
        collector=_collector(settings, parts),
        pins=Pins(parts.catalog, parts.now),
        retention=retention,
        scheduler=scheduler,
        signing_keys=keys,
        antivirus=antivirus,
        verifier=Verifier(parts.catalog, parts.blobs, parts.keyring, verification, TREES),
        keeper=keeper,
        health=health,
        preflight=Preflight(access.setup_done, health.components, _free_bytes(settings), site),
        watching=Watching(Dashboard(parts.catalog, parts.now), Events(parts.catalog), Logs(parts.records)),
        downloads=Downloads(parts.catalog, parts.now, settings.downloads_from),
        recorder=_recorder(settings, parts),
        notifications=notifications,
        templates=templates,
        gauges=Gauges(parts.catalog, parts.monotonic),
        **_outside(parts),
    )


class _Outside(TypedDict):
    catalog: Catalog
    blobs: BlobStore
    queue: Queue
    now: Callable[[], datetime]


def _outside(parts: Parts) -> _Outside:
    return _Outside(catalog=parts.catalog, blobs=parts.blobs, queue=parts.queue, now=parts.now)


def _session_tokens(settings: Settings, parts: Parts) -> SessionTokens:
    return SessionTokens(parts.secret, timedelta(minutes=settings.jwt_expire_minutes))


def _publisher(parts: Parts, manifests: Manifests) -> Publisher:
    codecs = ThreadPoolExecutor(max_workers=2, thread_name_prefix="codec")
    tools = PublisherParts(parts.blobs, manifests, parts.keyring, verification, codecs.map)
    return Publisher(parts.catalog, tools, TREES, parts.now)


def _transfers(parts: Parts, checks: Sequence[Check]) -> Transfers:
    # What a suite lacks informs; it decides nothing, and is asked of thousands of packages here.
    judges = [check for check in checks if check.name != DependencyCheck.name]
    standings = Standings(parts.catalog, parts.blobs, judges)
    return Transfers(
        Promotions(parts.catalog, parts.queue, FORMATS, standings, parts.now),
        Migrations(parts.catalog, parts.queue, FORMATS, standings, parts.now),
    )


def _directory(parts: Parts, configuration: Callable[[], Configuration]) -> tuple[WatchedPeople, DirectorySignIn]:
    people, accounts_here = WatchedPeople(parts.people, configuration, parts.monotonic), _external(parts)
    return people, DirectorySignIn(parts.catalog, people, configuration, accounts_here)


def _external(parts: Parts) -> ExternalAccounts:
    return ExternalAccounts(parts.catalog, parts.now)


def _notifications(
    parts: Parts, outbox: Outbox, templates: Templates, configuration: Callable[[], Configuration]
) -> Notifications:
    gatherer = Gatherer(parts.catalog, outbox, configuration, parts.now)
    delivery = Delivery(parts.catalog, outbox, parts.mailer, parts.outbound, configuration, parts.now)
    expiry = KeyExpiry(parts.catalog, parts.keyring, parts.now)
    return Notifications(parts.catalog, gatherer, delivery, expiry, templates, parts.mailer, configuration, parts.now)


def _provider(
    parts: Parts, tokens: SessionTokens, foreign: ForeignTokens, configuration: Callable[[], Configuration]
) -> ProviderSignIn:
    external = _external(parts)
    return ProviderSignIn(
        parts.catalog, parts.secret, tokens, foreign, parts.issuers, configuration, external, parts.now
    )


def _recorder(settings: Settings, parts: Parts) -> Recorder:
    pseudonyms = Pseudonyms(parts.secret, plain=settings.keep_addresses)
    if settings.downloads_from not in ("access-log", "both"):
        return Recorder(parts.catalog, pseudonyms, parts.now)
    logs = FileAccessLogs(settings.access_log, settings.host_name)
    reader = LogReader(parts.catalog, logs, pseudonyms, parts.now, alone=settings.downloads_from == "access-log")
    return Recorder(parts.catalog, pseudonyms, parts.now, read_logs=reader.turn)


def _defaults(settings: Settings) -> dict[str, JsonValue]:
    """What the environment says about settings that administrators may change later."""
    given = settings.rate_limit_defaults
    everywhere = given.pop("all", None)
    if unknown := sorted(set(given) - set(RATE_GROUPS)):
        raise BadSetting(f"ENTREPOT_RATE_LIMITS: no limit is named {unknown[0]}; known are {', '.join(RATE_GROUPS)}")
    limits: dict[str, JsonValue] = dict.fromkeys(RATE_GROUPS, everywhere) if everywhere else {}
    return {"rate_limits": {**limits, **given}}


def _uploaders(settings: Settings) -> Callable[[], bytes | None]:
    path = settings.uploader_keyring

    def read() -> bytes | None:
        if path is None:
            return None
        try:
            return path.read_bytes()
        except OSError as error:
            raise SigningUnavailable(
                f"the keyring of uploaders cannot be read ({error.strerror}); see ENTREPOT_UPLOADER_KEYRING"
            ) from error

    return read


def _health(parts: Parts, keeper: Keeper, antivirus: Antivirus, people: WatchedPeople) -> Health:
    return Health(parts.catalog, parts.blobs, parts.keyring, keeper.alive, antivirus.component, parts.now, people.state)


def _signing_keys(settings: Settings, parts: Parts) -> SigningKeys:
    defaults = Wanted(email=settings.key_email, algorithm=settings.key_algorithm)
    return SigningKeys(parts.catalog, parts.keyring, parts.queue, defaults, parts.now)


def _collector(settings: Settings, parts: Parts) -> Collector:
    graces = (settings.generation_grace_seconds, settings.collect_grace_seconds)
    keep = Keep(settings.generations_kept, *graces, settings.generation_days)
    return Collector(parts.catalog, parts.blobs, keep, parts.now, parts.monotonic)


def _free_bytes(settings: Settings) -> Callable[[], int]:
    return lambda: shutil.disk_usage(settings.data).free


def _site(settings: Settings, configurations: Configurations) -> Callable[[], str]:
    """Where people find this server, as far as anybody said."""
    return lambda: configurations.current().app_url or settings.public_url.rstrip("/")


def _audit(parts: Parts) -> Auditing:
    seals = Seals(parts.catalog, parts.keyring, parts.journal, parts.now)
    return Auditing(
        log=AuditLog(parts.catalog),
        exports=Exports(parts.catalog, parts.blobs, seals, parts.now),
        integrity=Integrity(parts.catalog, seals, verification, parts.now),
        seals=seals,
        refusals=Refusals(parts.catalog, parts.now),
    )


def _retention(
    parts: Parts, configuration: Callable[[], Configuration], audit: Auditing
) -> tuple[Retention, Scheduler]:
    forget = audit.seals.forget_before
    retention = Retention(parts.catalog, parts.queue, FORMATS, configuration, parts.now, forget)
    jobs = {"retention": Job(lambda found: found.retention, retention.begin)}
    return retention, Scheduler(parts.catalog, configuration, jobs, parts.now)


def _key_maker(settings: Settings, parts: Parts) -> Callable[[Archive], None]:
    def make(archive: Archive) -> None:
        fact = f"key/{archive.key_name}"
        with parts.catalog.read() as reading:
            known = reading.fact(fact)
        if known is not None and archive.key_name not in parts.keyring.names():
            raise SigningUnavailable(
                f"the signing key {known} of archive {archive.name} is gone; restore the folder 'keys' from a backup: "
                "clients trust no other key"
            )
        address = f" <{settings.key_email}>" if settings.key_email else ""
        uid = f"Entrepot {archive.format.value} archive {archive.name}{address}"
        made = parts.keyring.create(archive.key_name, uid, KeyAlgorithm(settings.key_algorithm), parts.now())
        if known is None:
            with parts.catalog.write() as unit:
                unit.set_fact(fact, made.fingerprint)

    return make


def start(application: Application, *, works: bool, watch: Watch | None = None) -> None:
    """Prepare an installation and begin to work: distributions, keys, unmet goals, heartbeat.

    ``watch`` is told of every goal that is pursued here.
    """
    application.blobs.sweep()
    application.suites.prepare()
    dispatch = Dispatch(application, watch)
    application.queue.start(dispatch if works else None)
    application.keeper.start(works=works)


def stop(application: Application) -> None:
    """End in the reverse order; what is unfinished is found again at the next start."""
    application.keeper.stop()
    application.notifications.stop()
    application.queue.stop()
    application.audit.seals.seal_at_end()
    application.catalog.close()


__all__ = ["Parts", "assemble", "real_parts", "start", "stop"]
