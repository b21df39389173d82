"""Shapes of answers about packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NotRequired

from typing_extensions import TypedDict


class PackageRow(TypedDict):
    """One package of ``GET /packages/``."""

    name: str
    version: str
    arch: str
    format: str
    distribution: str
    distributions: list[str]
    filename: str
    size_bytes: int
    sha256: str
    status: str


class PackagePage(TypedDict):
    """``GET /packages/``."""

    items: list[PackageRow]
    packages: list[str]
    total: int
    page: int
    per_page: int
    pages: int


class CveSummary(TypedDict):
    """How many known vulnerabilities of each severity.  ``result`` tells nothing found from nobody looked."""

    scanned: bool
    passed: bool
    result: Literal["clean", "findings", "inconclusive", "error", "skipped"]
    critical: int
    high: int
    medium: int
    low: int
    unknown: int


class ArtifactRow(TypedDict):
    """One name of ``GET /artifacts/``: its newest version, and which others there are."""

    name: str
    latest_version: str
    versions: list[str]
    arch: str
    architectures: list[str]
    format: Literal["deb", "rpm"]
    sha256: str
    size_bytes: int
    imported_at: str | None
    imported_by: str
    status: str
    distribution: str | None
    distributions: list[str]
    deps_missing: list[str]
    description: str
    section: str
    cve_summary: CveSummary


class ArtifactPage(TypedDict):
    """``GET /artifacts/``."""

    items: list[ArtifactRow]
    total: int
    page: int
    per_page: int
    pages: int


class ArtifactFile(TypedDict):
    """One file of a version, for one architecture."""

    arch: str
    filename: str
    sha256: str
    size_bytes: int
    imported_at: str | None
    imported_by: str
    status: str
    distribution: str | None
    distributions: list[str]
    pinned: bool
    deps_missing: list[str]
    cve_summary: CveSummary


class ArtifactVersion(ArtifactFile):
    """One version: what holds for the first of its files, and all of them."""

    files: list[ArtifactFile]


class ArtifactInfo(TypedDict):
    """What is known of a name; versions by their number, the newest first."""

    latest: str
    description: str
    section: str
    versions: Mapping[str, ArtifactVersion]


class AuditRow(TypedDict):
    """What happened, and who did it."""

    timestamp: str
    action: str
    user: str
    result: str
    package: NotRequired[str]
    version: NotRequired[str]
    distribution: NotRequired[str]
    role: NotRequired[str]
    detail: Mapping[str, object]
    ip: str


class Artifact(TypedDict):
    """``GET /artifacts/{name}``: every version, and the history of the name."""

    name: str
    info: ArtifactInfo
    history: list[AuditRow]
    versions: list[str]


class Step(TypedDict):
    """What one check said."""

    name: str
    passed: bool
    message: str
    detail: str


class FileIntegrity(TypedDict):
    """Digests of the file, and whether it carries a signature of its own."""

    sha256: str
    sha512: str
    gpg_signed: bool


class Pin(TypedDict):
    """Why a version is kept from retention."""

    reason: str
    pinned_by: str
    pinned_at: str | None


class Manifest(TypedDict):
    """``GET /artifacts/{name}/{version}``: one version."""

    name: str
    version: str
    arch: str
    format: Literal["deb", "rpm"]
    distribution: str | None
    distributions: list[str]
    section: str
    description: str
    maintainer: str
    license: str
    url: str
    installed_size_kb: int
    file_size_bytes: int
    filename: str
    status: str
    integrity: FileIntegrity
    dependencies: list[str]
    relations: Mapping[str, list[str]]
    validation_steps: list[Step]
    cve_summary: CveSummary
    is_latest: bool
    pool_available: bool
    pinned: bool
    pin: Pin | None


class Deleted(TypedDict):
    """``DELETE /artifacts/{name}`` and below it."""

    status: str
    package: str
    version: NotRequired[str]
    versions: NotRequired[list[str]]
    distributions: NotRequired[list[str]]
