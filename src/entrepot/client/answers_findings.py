"""Shapes of the API's answers about what is known to be wrong with packages."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class Cve(TypedDict):
    """One vulnerability of a package."""

    id: str
    severity: str
    cvss: float | None
    description: str
    package_name: str
    package_version: str
    fix_state: str
    fix_versions: list[str]
    urls: list[str]
    in_kev: bool
    epss: float | None
    epss_label: str
    trurisk: int
    trurisk_label: str


class AffectedPackage(TypedDict):
    """A package that has a vulnerability."""

    name: str
    version: str
    arch: str
    distribution: str
    fix_state: str
    fix_versions: list[str]


class VulnerabilityRow(TypedDict):
    """One vulnerability with the first packages that have it."""

    id: str
    severity: str
    cvss: float | None
    description: str
    fix_state: str
    fix_versions: list[str]
    urls: list[str]
    in_kev: bool
    epss: float | None
    trurisk: int
    affected_count: int
    affected_packages: list[AffectedPackage]


class VulnerabilityPage(TypedDict):
    """A page of them."""

    items: list[VulnerabilityRow]
    total: int
    page: int
    per_page: int
    pages: int


class VulnerabilityReport(TypedDict):
    """``GET /security/vulnerabilities``."""

    summary: dict[str, int]
    packages_scanned: int
    vulnerabilities: VulnerabilityPage
    packages: list[dict[str, object]]


class PostureRow(TypedDict):
    """How one package stands."""

    name: str
    version: str
    arch: str
    distribution: str
    format: str
    scanned: bool
    scan_source: str | None
    cve_counts: dict[str, int]
    worst_severity: str | None
    total_cve: int
    kev_count: int
    high_epss_count: int
    hash_verified: bool
    status: str
    actions: list[str]


class Posture(TypedDict):
    """``GET /security/packages-posture``."""

    summary: dict[str, int]
    total_packages: int
    scanned_packages: int
    unscanned_packages: int
    packages: list[PostureRow]
    total: int
    pages: int


class PosturePage(TypedDict):
    """``GET /security/packages``."""

    items: list[PostureRow]
    packages: list[PostureRow]
    total: int
    page: int
    per_page: int
    pages: int


class PackageFindings(TypedDict):
    """``GET /security/packages/{name}/{version}/cve``."""

    package: str
    version: str
    arch: str
    distribution: str
    cve_counts: dict[str, int]
    total: int
    cve_results: list[Cve]
    has_structured_data: bool
    last_rematch_at: str | None
    result: str
    message: str
    refused_at: str | None


class Rescanned(TypedDict):
    """``POST /security/packages/{name}/{version}/rescan``; without counts a job brings them."""

    status: str
    package: str
    version: str
    job_id: NotRequired[str]
    cve_count: NotRequired[int]
    cve_counts: NotRequired[dict[str, int]]
    new_status: NotRequired[str]
    checks: NotRequired[dict[str, str]]


class Rematched(TypedDict):
    """``POST /artifacts/admin/reenrich-cve``."""

    message: str
    status: str
    packages: int
