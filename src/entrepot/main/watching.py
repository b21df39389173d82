"""What people see of the work: the audit, figures, downloads, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from entrepot.adapters.access_logs.files import FileAccessLogs
from entrepot.adapters.signing import verification
from entrepot.domain.model.configuration import Configuration
from entrepot.main.parts import Parts
from entrepot.services.audit import Auditing, AuditLog, Exports, Integrity, Refusals, Seals
from entrepot.services.dashboard import Dashboard, Events, Logs, Watching
from entrepot.services.downloads import Downloads, Recorder
from entrepot.services.downloads.logs import LogReader
from entrepot.services.downloads.pseudonyms import Pseudonyms
from entrepot.services.notify import Delivery, Gatherer, KeyExpiry, Notifications, Outbox, Templates, UpstreamExpiry
from entrepot.services.upkeep.figures import Gauges
from entrepot.settings import Settings


def audit_of(parts: Parts) -> Auditing:
    """The log, its proofs and its copies."""
    seals = Seals(parts.catalog, parts.keyring, parts.journal, parts.now)
    return Auditing(
        log=AuditLog(parts.catalog),
        exports=Exports(parts.catalog, parts.blobs, seals, parts.now),
        integrity=Integrity(parts.catalog, seals, verification, parts.now),
        seals=seals,
        refusals=Refusals(parts.catalog, parts.now),
    )


class Overview(TypedDict):
    """By their names in the application."""

    watching: Watching
    downloads: Downloads
    recorder: Recorder
    gauges: Gauges


def overview(settings: Settings, parts: Parts) -> Overview:
    """What is there, what happens, what was fetched."""
    return Overview(
        watching=Watching(Dashboard(parts.catalog, parts.now), Events(parts.catalog), Logs(parts.records)),
        downloads=Downloads(parts.catalog, parts.now, settings.downloads_from),
        recorder=_recorder(settings, parts),
        gauges=Gauges(parts.catalog, parts.monotonic),
    )


def _recorder(settings: Settings, parts: Parts) -> Recorder:
    pseudonyms = Pseudonyms(parts.secret, plain=settings.keep_addresses)
    if settings.downloads_from not in ("access-log", "both"):
        return Recorder(parts.catalog, pseudonyms, parts.now)
    logs = FileAccessLogs(settings.access_log, settings.host_name)
    reader = LogReader(parts.catalog, logs, pseudonyms, parts.now, alone=settings.downloads_from == "access-log")
    return Recorder(parts.catalog, pseudonyms, parts.now, read_logs=reader.turn)


def notifications_of(
    parts: Parts, outbox: Outbox, templates: Templates, configuration: Callable[[], Configuration]
) -> Notifications:
    """From what was recorded to those who want to hear of it."""
    gatherer = Gatherer(parts.catalog, outbox, configuration, parts.now)
    delivery = Delivery(parts.catalog, outbox, parts.mailer, parts.outbound, configuration, parts.now)
    expiries = (KeyExpiry(parts.catalog, parts.keyring, parts.now), UpstreamExpiry(parts.catalog, parts.now))
    return Notifications(parts.catalog, gatherer, delivery, expiries, templates, parts.mailer, configuration, parts.now)
