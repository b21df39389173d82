"""Shapes of answers about suites and their states."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class SuiteRow(TypedDict):
    """``GET /suites/{format}/{archive}/{codename}``: a suite with its options."""

    codename: str
    archive: str
    format: Literal["deb", "rpm"]
    description: str
    components: list[str]
    architectures: list[str]
    origin: str
    label: str
    suite: str
    version: str
    codecs: list[str]
    digests: list[str]
    contents: bool
    valid_days: int | None
    not_automatic: bool
    but_automatic_upgrades: bool
    max_versions: int | None
    package_days: int | None
    mirror: bool
    package_count: int
    total_size: int
    last_updated: str | None
    revision: int
    published_revision: int
    client_file: str
    key_url: str
    created_at: str


class SuiteList(TypedDict):
    """``GET /suites``."""

    suites: list[SuiteRow]
    total: int


class SuiteState(TypedDict):
    """A state that is kept: ``reference`` is for snapshots and differences, ``url`` for machines."""

    generation: int
    time: str
    published_at: str
    superseded_at: str | None
    packages: int
    reference: str
    url: str


class SuiteStates(TypedDict):
    """``GET /suites/{format}/{archive}/{codename}/states``, the newest first."""

    distribution: str
    states: list[SuiteState]
    total: int


class SuiteRemoved(TypedDict):
    """``DELETE /suites/{format}/{archive}/{codename}``."""

    status: str
    distribution: str
