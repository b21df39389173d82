"""The settings that say what findings, uncertainty, licences and age lead to (contract 4.6, 4.12)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, JsonValue

from entrepot.domain.model.part import Part, Short

Action = Literal["block", "review", "warn", "allow"]
Days = Annotated[int, Field(ge=0, le=36_500)]

ANY = "*"
"""Stands for every name that a table does not have."""

CHECKS = ("antivirus", "cve", "dependencies", "grype", "licence", "provenance", "signature", "structure")
"""What a rule can be about."""

_HELD: Mapping[str, Action] = {ANY: "review"}
_PASSED: Mapping[str, Action] = {ANY: "allow"}
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,39}(\.[a-z0-9_-]{1,40}){1,4}\Z")
_MALWARE = "antivirus.infected"
_LICENCE = re.compile(r"[^\s()]+( [^\s()]+){0,9}\Z")


def _check_names(table: Mapping[str, object]) -> None:
    for name in table:
        if name not in (*CHECKS, ANY):
            raise ValueError(f"no check is named {name[:60]!r}; there are {', '.join((*CHECKS, ANY))}")


def _checks(table: Mapping[str, Action]) -> Mapping[str, Action]:
    _check_names(table)
    return {ANY: "review", **table}


def _scanners(table: Mapping[str, Action]) -> Mapping[str, Action]:
    _check_names(table)
    return {ANY: "allow", **table}


def _ages(table: Mapping[str, int]) -> Mapping[str, int]:
    _check_names(table)
    if ANY in table:
        raise ValueError("name the checks whose knowledge ages; they differ too much for one number")
    return table


def _codes(table: Mapping[str, Action]) -> Mapping[str, Action]:
    for code in table:
        if code == _MALWARE:
            raise ValueError("malware is always refused")
        if code != ANY and not _CODE.match(code):
            raise ValueError(f"{code[:60]!r} is no code of a concern, such as payload.setuid")
    return {ANY: "review", **table}


def _licence(name: str) -> str:
    if not _LICENCE.match(name):
        raise ValueError("must be one licence, such as GPL-3.0-only or AGPL-*; not an expression")
    return name


Licence = Annotated[Short, AfterValidator(_licence)]
ByCheck = Annotated[Mapping[str, Action], Field(max_length=100), AfterValidator(_checks)]
ByScanner = Annotated[Mapping[str, Action], Field(max_length=100), AfterValidator(_scanners)]
AgeByCheck = Annotated[Mapping[str, Days], Field(max_length=100), AfterValidator(_ages)]
ByCode = Annotated[Mapping[str, Action], Field(max_length=200), AfterValidator(_codes)]


class CvePolicy(Part):
    """What a finding leads to, by severity; ``unknown`` are those that nobody has rated."""

    critical: Action = "block"
    high: Action = "review"
    medium: Action = "warn"
    low: Action = "allow"
    negligible: Action = "allow"
    unknown: Action = Field(default="review", description="Nobody has rated it")
    kev_action: Action = Field(default="block", description="It is known to be exploited")
    auto_enrich: bool = True
    sla_critical_days: Days = 0
    sla_high_days: Days = 30
    sla_medium_days: Days = 90


class EpssPolicy(Part):
    """What a likely exploitation leads to."""

    enabled: bool = True
    block_threshold: float = Field(default=0.9, ge=0, le=1)
    review_threshold: float = Field(default=0.5, ge=0, le=1)


class LicencePolicy(Part):
    """Licences by name, ``*`` for any characters; packages of Debian say nothing about theirs."""

    allow: tuple[Licence, ...] = Field(default=(), max_length=500, description="If there are any: only these")
    deny: tuple[Licence, ...] = Field(default=(), max_length=500)
    denied: Action = "block"
    unlisted: Action = "review"
    unknown: Action = Field(default="allow", description="The package does not say")


class CooldownPolicy(Part):
    """How long a version has to be known before it is published."""

    days: Days = 0
    exempt_severity: Literal["critical", "high", "medium", "low", "none"] = Field(
        default="high", description="What repairs a fault of this severity or more need not wait"
    )
    exempt_kev: bool = Field(default=True, description="Nor what repairs a fault that is exploited already")
    cutoff_at: AwareDatetime | None = Field(default=None, description="Nothing that came later is let in")


class GatePolicy(Part):
    """What uncertainty, dangerous contents, licences and age lead to.  In tables ``*`` stands for all others."""

    inconclusive: ByCheck = Field(default=_HELD, description="It did not come to an end; by check")
    error: ByCheck = Field(default=_HELD, description="It failed; by check")
    skipped: ByScanner = Field(default=_PASSED, description="There was nobody to ask; by check")
    stale_days: AgeByCheck = Field(default_factory=dict, description="How old what a check knows may be; by check")
    concerns: ByCode = Field(default=_HELD, description="Something dangerous in the package; by code")
    licences: LicencePolicy = LicencePolicy()
    cooldown: CooldownPolicy = CooldownPolicy()


class SecurityPolicy(CvePolicy, GatePolicy):
    """All of it in one piece, as ``GET /security/policy`` shows it."""

    epss: EpssPolicy = EpssPolicy()
    gpg_required: bool = False


def laid_over(policy: SecurityPolicy, part: Mapping[str, JsonValue]) -> SecurityPolicy:
    """The policy with everything that a part of one says.

    Raises:
        ValidationError: the part has an unknown key, or a value against its rule.
    """
    document = _merged(policy.model_dump(mode="json"), part)
    return SecurityPolicy.model_validate_json(json.dumps(document), strict=True)


def _merged(base: Mapping[str, JsonValue], part: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    found = dict(base)
    for key, value in part.items():
        there = found.get(key)
        found[key] = _merged(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return found
