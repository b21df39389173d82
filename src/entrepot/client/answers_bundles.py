"""Shapes of the API's answers about bundles and exports."""

from __future__ import annotations

from typing_extensions import TypedDict


class BundleState(TypedDict):
    """A state in a bundle."""

    reference: str
    distribution: str
    content: str
    files: int
    generation: int


class BundleVolume(TypedDict):
    """A volume that can be fetched."""

    number: int
    name: str
    bytes: int


class BundleRow(TypedDict):
    """A row of ``GET /bundles``."""

    id: str
    label: str
    made_here: bool
    status: str
    chain: str
    number: int
    base: str | None
    states: list[BundleState]
    files: int
    bytes: int
    volumes: list[BundleVolume]
    signer: str
    made_at: str
    noted_at: str
    noted_by: str
    imported_at: str | None
    result: dict[str, object] | None


class MissingFiles(TypedDict):
    """What has yet to come; ``bits`` as in the reference of bundles."""

    files: int
    bytes: int
    of_base: int
    bits: str


class BundleAnswer(BundleRow):
    """``GET /bundles/{bundle}``."""

    missing: MissingFiles | None


class ReceivedVolume(BundleRow):
    """``POST /bundles/import``."""

    stored: int
    there: int
    missing: MissingFiles


class BundlePage(TypedDict):
    """``GET /bundles``."""

    items: list[BundleRow]
    total: int
    page: int
    per_page: int
    pages: int


class BegunBundle(TypedDict):
    """``POST /bundles``."""

    status: str
    job_id: str


class BegunImport(TypedDict):
    """``POST /bundles/{bundle}/import``."""

    status: str
    job_id: str
    id: str
    into: dict[str, str]


class BegunExport(TypedDict):
    """``POST /exports``."""

    status: str
    job_id: str


class RemovedBundle(TypedDict):
    """``DELETE /bundles/{bundle}``."""

    status: str
    id: str
