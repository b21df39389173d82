"""Shapes of answers about what happens: dashboard, downloads, log records, audit log, mail and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired

from typing_extensions import TypedDict


class Page(TypedDict):
    """What all paginated lists have beside their ``items``."""

    total: int
    page: int
    per_page: int
    pages: int


class Event(TypedDict):
    """An entry of the audit log as everybody sees it."""

    timestamp: str
    action: str
    user: str
    package: str | None
    version: str | None
    distribution: str | None
    result: str


class DistributionCount(TypedDict):
    """How many packages are in a distribution."""

    codename: str
    format: str
    package_count: int


class Alert(TypedDict):
    """Something that waits for a person."""

    type: str
    package: str
    message: str
    timestamp: str | None
    action: str


class Summary(TypedDict):
    """``GET /dashboard/summary``."""

    packages_total: int
    versions_total: int
    total_size_bytes: int
    pending_reviews: int
    quarantined: int
    imports_today: int
    distributions: list[DistributionCount]
    recent_activity: list[Event]
    alerts: list[Alert]
    generated_at: str


class Stock(TypedDict):
    """Packages of ``GET /dashboard/stats``."""

    total: int
    total_size_bytes: int
    imports_today: int


class Activity(TypedDict):
    """A day of ``GET /dashboard/stats``."""

    date: str
    imports: int
    failures: int


class Stats(TypedDict):
    """``GET /dashboard/stats``."""

    packages: Stock
    activity: list[Activity]
    recent_imports: list[Event]
    alerts: list[Alert]
    security_review: Mapping[str, object]
    generated_at: str


class Day(TypedDict):
    """A day of ``GET /dashboard/history``."""

    date: str
    imports: int
    failures: int
    decisions: int


class History(TypedDict):
    """``GET /dashboard/history``."""

    history: list[Day]
    days: int


class Trends(TypedDict):
    """``GET /dashboard/stats/enriched``."""

    cve_trends: Mapping[str, Mapping[str, object]]
    top_packages: Mapping[str, list[Mapping[str, object]]]
    distributions: list[DistributionCount]
    summary: Summary
    generated_at: str


class Subscribers(TypedDict):
    """``GET /dashboard/events/subscribers``."""

    subscribers: int
    limit: int
    items: list[dict[str, object]]


class DownloadSummary(TypedDict):
    """Sums of ``GET /downloads/stats``."""

    total_downloads: int
    unique_packages: int
    unique_clients: int
    total_bytes: int
    per_format: Mapping[str, int]
    per_client_type: Mapping[str, int]
    avg_per_day: float
    peak_day: Mapping[str, object] | None


class DownloadedPackage(TypedDict):
    """How often a package was downloaded."""

    name: str
    downloads: int
    bytes: int
    versions: list[str]
    clients: int
    format: str


class DownloadStats(TypedDict):
    """``GET /downloads/stats``."""

    summary: DownloadSummary
    per_package: list[DownloadedPackage]
    per_day: list[dict[str, object]]
    recent: list[dict[str, object]]
    days: int


class LogRecord(TypedDict):
    """A record of the server's log."""

    id: int
    timestamp: str
    level: str
    service: str
    message: str
    fields: Mapping[str, object]


class LogRecords(TypedDict):
    """``GET /logs``."""

    items: list[LogRecord]
    total: int
    capacity: int


class LogService(TypedDict):
    """How many records a part of the program wrote."""

    name: str
    count: int


class LogServices(TypedDict):
    """``GET /logs/services``."""

    services: list[LogService]
    total: int


class AuditRow(TypedDict):
    """An entry of the audit log."""

    id: int
    hash: str
    timestamp: str
    action: str
    user: str
    result: str
    detail: Mapping[str, object]
    ip: str
    package: NotRequired[str]
    version: NotRequired[str | None]
    distribution: NotRequired[str]
    role: NotRequired[str]


class AuditPage(Page):
    """``GET /artifacts/audit/logs``."""

    items: list[AuditRow]


class Integrity(TypedDict):
    """``GET /artifacts/audit/integrity``; ``status`` is ok or broken."""

    status: str
    checked_at: str
    fault_count: int
    faults: list[dict[str, object]]


class Delivery(TypedDict):
    """A mail or webhook, and what became of it."""

    id: str
    channel: str
    event: str | None
    subject: str
    recipient: str
    state: str
    attempts: int
    created_at: str | None
    next_at: str | None
    finished_at: str | None
    last_error: str | None
    http_status: int | None


class Deliveries(Page):
    """``GET /notifications/deliveries``."""

    items: list[Delivery]


class Tried(TypedDict):
    """What a test of mail, webhook or directory came to."""

    status: str
    message: str


class TemplateRow(TypedDict):
    """A text of mails in the list of them."""

    name: str
    subject: str
    customized: bool
    changed_by: str | None
    changed_at: str | None


class Templates(TypedDict):
    """``GET /templates``."""

    templates: list[TemplateRow]
    total: int
    variables: Mapping[str, str]


class Texts(TypedDict):
    """A mail in its two forms."""

    subject: str
    text: str
    html: str


class Template(TemplateRow):
    """One text of mails: what is in force, and what comes with the program."""

    text: str
    html: str
    default: Texts
    variables: Mapping[str, str]


class TemplatePreview(Texts):
    """``POST /templates/{name}/preview``."""

    name: str
