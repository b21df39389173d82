"""Shapes of the API's answers about errata and rollouts."""

from __future__ import annotations

from typing_extensions import TypedDict


class ErratumPackage(TypedDict):
    """A file that an erratum or a rollout is about."""

    name: str
    version: str
    arch: str
    filename: str


class ErratumNotice(TypedDict):
    """``GET /distributions/{codename}/errata/{code}``."""

    code: str
    distribution: str
    kind: str
    severity: str
    title: str
    description: str
    cves: list[str]
    links: list[str]
    packages: list[ErratumPackage]
    issued_at: str
    updated_at: str
    issued_by: str


class ErrataPage(TypedDict):
    """``GET /distributions/{codename}/errata``."""

    distribution: str
    errata: list[ErratumNotice]
    total: int


class WithdrawnErratum(TypedDict):
    """``DELETE /distributions/{codename}/errata/{code}``."""

    status: str
    code: str
    distribution: str


class RolloutStep(TypedDict):
    """So many percent of machines, for so many hours."""

    percentage: int
    hours: int


class RolloutState(TypedDict):
    """``POST /distributions/{codename}/rollouts`` and what is done with one."""

    id: int
    distribution: str
    state: str
    percentage: int
    steps: list[RolloutStep]
    at_step: int
    next_at: str | None
    packages: list[ErratumPackage]
    begun_by: str
    begun_at: str
    changed_at: str


class RolloutPage(TypedDict):
    """``GET /distributions/{codename}/rollouts``."""

    distribution: str
    rollouts: list[RolloutState]
    total: int
