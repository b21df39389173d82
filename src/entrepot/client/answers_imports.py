"""Shapes of the API's answers about packages of sources, and their import."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from entrepot.client.answers import Upload


class UpstreamRow(TypedDict):
    """One of ``GET /import/search``."""

    name: str
    version: str
    arch: str
    section: str
    description: str
    size: int
    sha256: str
    distro: str
    source_id: str
    sources: list[str]
    synced_at: str | None
    security: bool
    format: str


class UpstreamSearch(TypedDict):
    """``GET /import/search``."""

    query: str
    count: int
    results: list[UpstreamRow]


class ResolvedPackage(TypedDict):
    """One of ``GET /import/resolve/{package_name}``."""

    name: str
    version: str
    arch: str
    already_in_repo: bool
    virtual: bool
    required_by: str | None
    size: NotRequired[int]
    source_id: NotRequired[str]


class UpstreamResolution(TypedDict):
    """``GET /import/resolve/{package_name}``; the package itself is the first."""

    success: bool
    package: str
    version: str
    arch: str
    source_id: str
    distribution: str | None
    total_deps: int
    already_in_repo: int
    to_download: int
    download_size: int
    packages: list[ResolvedPackage]
    unresolved: list[str]


class ImportedPackage(TypedDict):
    """What became of one package; without a version it is a name that nobody has."""

    name: str
    version: NotRequired[str]
    arch: NotRequired[str]
    status: NotRequired[str]
    message: NotRequired[str]


class Import(Upload):
    """``POST /import/fetch`` and ``POST /import/packages``: an upload's answer, and what came along."""

    source_id: str
    job_id: str
    imported: list[ImportedPackage]
    skipped: list[ImportedPackage]
    failed: list[ImportedPackage]


class BatchRow(TypedDict):
    """One of ``POST /import/batch``."""

    name: str
    version: str
    arch: str
    distribution: str
    status: str
    message: str


class ImportBatch(TypedDict):
    """``POST /import/batch``."""

    status: str
    total: int
    imported: int
    skipped: int
    failed: int
    results: list[BatchRow]
    job_id: str


class GroupFile(TypedDict):
    """A package of a group."""

    filename: str
    size_bytes: int


class ImportGroup(TypedDict):
    """One of ``GET /import/groups``."""

    name: str
    package_count: int
    total_size_bytes: int
    imported_at: str
    distribution: str
    imported_by: str
    packages: list[GroupFile]


class ImportGroups(TypedDict):
    """``GET /import/groups``."""

    groups: list[ImportGroup]


class RemovedGroup(TypedDict):
    """``DELETE /import/groups/{group_name}``."""

    deleted: str


class UpstreamOfIngredient(TypedDict):
    """Where a package of a recipe would come from."""

    version: str
    arch: str
    section: str
    size: int
    source_id: str
    distribution: str


class Ingredient(TypedDict):
    """A package of a recipe; ``status`` is available, importable or unknown."""

    name: str
    version: str | None
    arch: str | None
    status: str
    pkg_manager: str
    command: str
    stage: str
    distribution: str | None
    upstream_info: UpstreamOfIngredient | None


class BaseImage(TypedDict):
    """What the image builds on."""

    image: str
    pkg_manager: str | None
    distribution: str | None


class RecipeStage(TypedDict):
    """One ``FROM``."""

    name: str
    image: str
    pkg_manager: str | None


class UnresolvedIngredient(TypedDict):
    """What only a run could name."""

    text: str
    pkg_manager: str
    command: str


class ImportItem(TypedDict):
    """A package as an import is asked for."""

    name: str
    version: NotRequired[str]
    source_id: NotRequired[str]
    distribution: NotRequired[str]
    arch: NotRequired[str]


class ImportItems(TypedDict):
    """A body for ``POST /import/batch``."""

    packages: list[ImportItem]


class Recipe(TypedDict):
    """``POST /import/analyze-dockerfile``."""

    packages_found: list[Ingredient]
    total: int
    available: int
    missing: int
    importable: int
    unknown: int
    distribution: str | None
    base_image: BaseImage
    stages: list[RecipeStage]
    unresolved: list[UnresolvedIngredient]
    import_batches: list[ImportItems]
