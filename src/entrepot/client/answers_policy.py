"""Shapes of the API's answers about the policy on packages."""

from __future__ import annotations

from typing_extensions import TypedDict

from entrepot.client.answers_overview import Page


class PolicyRules(TypedDict):
    """What leads to ``block``, ``review``, ``warn`` or ``allow``."""

    critical: str
    high: str
    medium: str
    low: str
    negligible: str
    unknown: str
    kev_action: str
    auto_enrich: bool
    sla_critical_days: int
    sla_high_days: int
    sla_medium_days: int
    epss: dict[str, object]
    gpg_required: bool
    inconclusive: dict[str, str]
    error: dict[str, str]
    skipped: dict[str, str]
    stale_days: dict[str, int]
    concerns: dict[str, str]
    licences: dict[str, object]
    cooldown: dict[str, object]


class PolicyShown(PolicyRules):
    """``GET /security/policy``; ``distributions`` have something otherwise."""

    distributions: list[str]


class SuitePolicyShown(PolicyRules):
    """``GET /security/policy/suites/{codename}``; ``own`` is what it has otherwise."""

    distribution: str
    archive: str
    format: str
    own: dict[str, object]


class ForeseenPackage(TypedDict):
    """One that would fare otherwise; ``effect`` is ``withdraw``, ``hold``, ``let_in`` or ``refuse``."""

    name: str
    version: str
    arch: str
    distribution: str
    effect: str
    before: str
    after: str
    reasons: list[str]
    codes: list[str]


class ForeseenPage(Page):
    """A page of them."""

    items: list[ForeseenPackage]


class PolicyPreview(TypedDict):
    """``POST /security/policy/preview``."""

    checked: int
    complete: bool
    counts: dict[str, int]
    packages: ForeseenPage
