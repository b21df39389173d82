"""What the server answers about reviews, decisions and quarantine."""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import TypedDict


class Sla(TypedDict):
    """How long there is until something is due."""

    has_sla: bool
    expires_at: str | None
    remaining_days: int | None
    expired: bool
    warning: bool


class DecisionRecord(TypedDict):
    """What was decided about one package before one distribution."""

    id: int
    package: str
    version: str
    arch: str
    distribution: str
    sha256: str
    decision: str
    action: str
    status: str
    in_force: bool
    justification: str
    decided_by: str
    decided_at: str
    expires_at: str | None
    expires_in_days: int | None
    target_version: str | None
    cve_ids: list[str]
    accepted_findings: list[str]
    assigned_to: str | None
    assigned_to_type: str | None
    assigned_at: str | None
    resolved_at: str | None
    resolved_by: str | None
    resolution_note: str | None
    sla: Sla


class HeldRow(TypedDict):
    """One package of ``GET /security/review-queue``."""

    name: str
    version: str
    arch: str
    distribution: str
    sha256: str
    imported_at: str
    imported_by: str
    status: str
    reasons: list[str]
    worst_severity: str | None
    cve_counts: Mapping[str, int]
    total_cve: int
    kev_count: int
    high_epss_count: int
    cve_results: list[Mapping[str, object]]
    decision: DecisionRecord | None
    assigned_to: str | None
    sla: Sla


class HeldPage(TypedDict):
    """A page of them."""

    items: list[HeldRow]
    total: int
    pages: int


class ReviewQueue(TypedDict):
    """``GET /security/review-queue``."""

    total: int
    review_count: int
    blocked_count: int
    packages: HeldPage


class Decided(TypedDict):
    """``POST /security/packages/{name}/{version}/decide``."""

    status: str
    action: str
    new_status: str
    decision: DecisionRecord
    decisions: list[DecisionRecord]
    published: bool
    errata: list[str]
    message: str


class Assigned(TypedDict):
    """``PATCH /security/packages/{name}/{version}/assign``."""

    status: str
    count: int
    packages: list[Mapping[str, object]]


class Quarantined(TypedDict):
    """``POST /security/packages/{name}/{version}/quarantine``."""

    status: str
    package: str
    version: str
    architectures: list[str]
    distributions: list[str]
    file_moved: bool
    message: str


class DecisionPage(TypedDict):
    """A page of decisions."""

    decisions: list[DecisionRecord]
    items: list[DecisionRecord]
    count: int
    total: int
    pages: int


class PackageDecisions(TypedDict):
    """``GET /security/packages/{name}/{version}/decision``."""

    package: str
    version: str
    decision: DecisionRecord | None
    history: list[DecisionRecord]


class Revoked(TypedDict):
    """``DELETE /security/decisions/{decision_id}``."""

    status: str
    decision: DecisionRecord
    withdrawn: bool


class Resolved(TypedDict):
    """``POST /security/packages/{name}/{version}/decision/resolve``."""

    status: str
    decision: DecisionRecord


class SlaCheck(TypedDict):
    """``POST /security/check-sla``."""

    expired: int
    expiring_soon: int
    overdue: int
    notified: int
    expired_list: list[DecisionRecord]
    expiring_list: list[DecisionRecord]


class DecisionReport(TypedDict):
    """``GET /security/report``."""

    generated_at: str
    review_queue: Mapping[str, object]
    decisions: Mapping[str, object]
    exceptions: list[DecisionRecord]
    expiring_soon: list[DecisionRecord]
    quarantined: list[DecisionRecord]
    latest: list[DecisionRecord]
    rules: Mapping[str, object]
