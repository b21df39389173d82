"""What administrators change while the server runs: the settings document of contract 4.12.1, with its rules.

Every part is frozen; unknown keys are refused.  Flat aliases and secrets are named here too, so that nobody else has to
know which key is which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, JsonValue, ValidationError, field_validator

from entrepot.domain.model.event import EVENTS
from entrepot.domain.model.federation import Directory, IdentityProvider, TrustedWorkload
from entrepot.domain.model.feeds import AdvisorySettings
from entrepot.domain.model.mail import parse_address
from entrepot.domain.model.part import Part, Short
from entrepot.domain.model.security_policy import (
    CvePolicy,
    Days,
    EpssPolicy,
    GatePolicy,
    SecurityPolicy,
    laid_over,
)
from entrepot.domain.model.suite import Suite

MASK = "***"
_MOST_SUITES = 1000
_SECRET_ENDINGS = ("password", "secret", "token", "private_key")
_RATE = re.compile(r"([1-9][0-9]{0,6})/(second|minute|hour|day)\Z")


def is_secret(key: str) -> bool:
    """Whether the value of a key is masked in answers and encrypted at rest."""
    return key.endswith(_SECRET_ENDINGS)


def is_mask(value: object) -> bool:
    """Whether a value stands for "as it was": three stars or a run of bullets."""
    return isinstance(value, str) and (value == MASK or (value != "" and set(value) == {"\u2022"}))


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no such time zone; use a name like Europe/Paris or UTC")
    return name


def _web_address(url: str) -> str:
    if url and not re.match(r"https?://[^\s/@]+(/\S*)?\Z", url):
        raise ValueError("must be http://host/... or https://host/..., without a user name")
    return url.rstrip("/")


def _mail_address(text: str) -> str:
    if text:
        parse_address(text)
    return text


def _event(name: str) -> str:
    if name not in EVENTS:
        raise ValueError(f"no such event; there are {', '.join(EVENTS)}")
    return name


def _rate(text: str) -> str:
    if not _RATE.match(text):
        raise ValueError("must be a number per unit, such as 20/minute")
    return text


Zone = Annotated[str, AfterValidator(_known_zone)]
WebAddress = Annotated[str, Field(max_length=2000), AfterValidator(_web_address)]
Rate = Annotated[str, AfterValidator(_rate)]
MailAddress = Annotated[str, Field(max_length=500), AfterValidator(_mail_address)]
EventName = Annotated[str, Field(max_length=48), AfterValidator(_event)]


class Daily(Part):
    """Something that runs once a day, in local time of a zone."""

    enabled: bool = True
    hour: int = Field(default=3, ge=0, le=23)
    minute: int = Field(default=0, ge=0, le=59)
    timezone: Zone = "UTC"


class Mirror(Daily):
    """The nightly mirror run."""

    enabled: bool = False
    hour: int = Field(default=4, ge=0, le=23)
    minute: int = Field(default=30, ge=0, le=59)
    max_packages_per_run: int = Field(default=300, ge=1, le=1_000_000)
    max_runtime_minutes: int = Field(default=90, ge=1, le=10_000)
    min_free_disk_gb: int = Field(default=5, ge=0, le=100_000)
    sources: Mapping[str, bool] = Field(default_factory=dict)


class Rematch(Daily):
    """The nightly comparison of stored packages with advisories."""

    minute: int = Field(default=45, ge=0, le=59)
    max_artifacts_per_run: int = Field(
        default=50, ge=1, le=10_000_000, description="So many at a time; the run goes on until all are done"
    )
    max_runtime_minutes: int = Field(default=30, ge=1, le=10_000)


class Email(Part):
    """How mail leaves."""

    enabled: bool = False
    smtp_host: Short = ""
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_user: Short = ""
    smtp_password: Short = Field(default="", repr=False)
    from_address: MailAddress = ""
    to_addresses: tuple[MailAddress, ...] = Field(default=(), max_length=100)
    use_tls: bool = Field(default=True, description="STARTTLS, or TLS from the first byte on port 465")
    tls_ca: str = Field(default="", max_length=100_000, description="PEM certificates to trust for the mail server")


class Webhook(Part):
    """Where events are sent."""

    enabled: bool = False
    url: WebAddress = ""
    secret: Short = Field(default="", repr=False)
    events: tuple[EventName, ...] = Field(default=(), max_length=100, description="Empty: all")
    allow_private_addresses: bool = Field(default=False, description="Send to hosts inside the own network as well")


class Retention(Part):
    """What ages out; 0 keeps for ever."""

    package_days: Days = 0
    import_cleanup_days: Days = Field(
        default=0, description="As package_days, for what was imported from a source; the shorter of both counts"
    )
    audit_days: Days = 90
    enabled: bool = Field(default=False, description="Run every day at the hour below")
    hour: int = Field(default=2, ge=0, le=23)
    minute: int = Field(default=15, ge=0, le=59)
    timezone: Zone = "UTC"


class Versioning(Part):
    """How many versions of a package are kept in a suite, by name and architecture."""

    max_versions_per_package: int = Field(default=10, ge=0, le=100_000, description="0: all")
    min_version_age_days: Days = 0


class Validation(Part):
    """What the gate asks of a package."""

    sha256_check: bool = True
    clamav_scan: bool = True
    grype_scan: bool = True
    gpg_required: bool = False
    max_upload_size_mb: int = Field(default=500, ge=1, le=1_000_000)
    fail_open: bool = False


class Gate(GatePolicy):
    """The rules of the gate, and what single suites have otherwise.

    ``suites`` maps ``format/archive/codename`` to a part of the policy as ``GET /security/policy`` shows it.
    """

    suites: Mapping[str, Mapping[str, JsonValue]] = Field(default_factory=dict)

    @field_validator("suites")
    @classmethod
    def _fitting(cls, suites: Mapping[str, Mapping[str, JsonValue]]) -> Mapping[str, Mapping[str, JsonValue]]:
        if len(suites) > _MOST_SUITES:
            raise ValueError(f"at most {_MOST_SUITES} suites have a policy of their own")
        for name, part in suites.items():
            try:
                laid_over(SecurityPolicy(), part)
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                place = ".".join(str(each) for each in (name, *first["loc"]))[:200]
                raise ValueError(f"{place}: {first['msg']}") from None
        return suites


class Security(Part):
    """Lock-out, and how old feeds may be."""

    kev_ttl_hours: int = Field(default=24, ge=1, le=8760)
    epss_ttl_hours: int = Field(default=24, ge=1, le=8760)
    lockout_attempts: int = Field(default=5, ge=1, le=1000)
    lockout_minutes: int = Field(default=15, ge=1, le=10_080)


class DecisionRules(Part):
    """How people decide about packages."""

    four_eyes: bool = Field(
        default=False, description="Whoever lets a package in is another one than those who brought it"
    )
    four_eyes_distributions: Mapping[Short, bool] = Field(
        default_factory=dict, max_length=500, description="The same for single distributions, by name"
    )
    exception_days: int = Field(default=30, ge=1, le=3650, description="How long an exception holds unless it says so")
    warning_days: int = Field(default=7, ge=0, le=365, description="How long before its end somebody is told")
    new_findings: Literal["notify", "reopen", "withdraw"] = Field(
        default="reopen",
        description="When the policy would stop a published package because of what was found later: tell only, "
        "take back what people let in, or take back everything",
    )
    blocked_days: int = Field(
        default=30, ge=1, le=3650, description="How long a package that policy refused can still be let in"
    )


class NotificationRule(Part):
    """Which events reach whom by mail."""

    name: Short
    enabled: bool = True
    events: tuple[EventName, ...] = Field(default=(), max_length=100, description="Empty: all")
    distributions: tuple[Short, ...] = Field(default=(), max_length=200, description="Empty: all")
    to_addresses: tuple[MailAddress, ...] = Field(
        default=(), max_length=100, description="Empty: those of the section email"
    )


RATE_GROUPS: Mapping[str, str] = {
    "auth_token": "10/minute",
    "forgot_password": "10/minute",
    "reset_password": "10/minute",
    "mfa_authenticate": "10/minute",
    "oidc": "30/minute",
    "token_exchange": "60/minute",
    "upload": "20/minute",
    "import": "10/minute",
    "import_fetch": "10/minute",
    "import_packages": "10/minute",
    "import_batch": "5/minute",
    "import_sync": "3/minute",
    "distributions": "5/minute",
    "promote": "20/minute",
    "promotion_decision": "5/minute",
}
"""Contract table 1.1: the names of the limits and their defaults."""


class Configuration(Part):
    """The whole document."""

    app_url: WebAddress = ""
    repo_url: WebAddress = ""
    sync: Daily = Daily()
    sources: Mapping[str, bool] = Field(default_factory=dict)
    mirror: Mirror = Mirror()
    cve_rematch: Rematch = Rematch()
    email: Email = Email()
    ldap: Directory = Directory()
    oidc: IdentityProvider = IdentityProvider()
    trusted_workloads: tuple[TrustedWorkload, ...] = Field(default=(), max_length=200)
    webhook: Webhook = Webhook()
    retention: Retention = Retention()
    versioning: Versioning = Versioning()
    validation: Validation = Validation()
    cve_policy: CvePolicy = CvePolicy()
    epss_policy: EpssPolicy = EpssPolicy()
    gate: Gate = Gate()
    security: Security = Security()
    advisories: AdvisorySettings = AdvisorySettings()
    decisions: DecisionRules = DecisionRules()
    security_errata: Literal["off", "on"] = Field(
        default="off",
        description="on: a version that repairs known faults of the one before it in a distribution is announced by "
        "an erratum of its own",
    )
    notification_rules: tuple[NotificationRule, ...] = Field(default=(), max_length=200)
    rate_limits: Mapping[str, Rate] = Field(default_factory=lambda: dict(RATE_GROUPS))

    @field_validator("rate_limits")
    @classmethod
    def _known_limits(cls, limits: Mapping[str, str]) -> Mapping[str, str]:
        unknown = sorted(set(limits) - set(RATE_GROUPS))
        if unknown:
            raise ValueError(f"unknown rate limit {unknown[0]}; known are {', '.join(RATE_GROUPS)}")
        return {**RATE_GROUPS, **limits}

    @field_validator("trusted_workloads")
    @classmethod
    def _told_apart(cls, workloads: tuple[TrustedWorkload, ...]) -> tuple[TrustedWorkload, ...]:
        names = [workload.name.lower() for workload in workloads]
        if len(set(names)) != len(names):
            raise ValueError("two trusted workloads have the same name")
        return workloads

    def policy(self, suite: Suite | None = None) -> SecurityPolicy:
        """What findings, uncertainty, licences and age lead to; with what the suite has otherwise."""
        everywhere = SecurityPolicy(
            **{name: getattr(self.cve_policy, name) for name in CvePolicy.model_fields},
            **{name: getattr(self.gate, name) for name in GatePolicy.model_fields},
            epss=self.epss_policy,
            gpg_required=self.validation.gpg_required,
        )
        part = None if suite is None else self.gate.suites.get(suite.path_name)
        return everywhere if part is None else laid_over(everywhere, part)

    def rate(self, group: str) -> tuple[int, int]:
        """How many requests within how many seconds."""
        found = _RATE.match(self.rate_limits.get(group, RATE_GROUPS[group]))
        if found is None:  # the validator saw to it
            raise ValueError(group)
        return int(found[1]), {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}[found[2]]


ALIASES: Mapping[str, tuple[str, ...]] = {
    **{f"sync_{key}": (f"sync.{key}",) for key in ("enabled", "hour", "minute", "timezone")},
    **{key: (f"email.{key}",) for key in ("smtp_host", "smtp_port", "smtp_user", "smtp_password")},
    "smtp_from": ("email.from_address",),
    "smtp_to": ("email.to_addresses",),
    "smtp_use_tls": ("email.use_tls",),
    "email_enabled": ("email.enabled",),
    **{
        f"ldap_{key}": (f"ldap.{key}",)
        for key in ("enabled", "url", "bind_dn", "bind_password", "base_dn", "user_filter", "tls_ca", "group_role_map")
    },
    "ldap_start_tls": ("ldap.start_tls",),
    **{f"webhook_{key}": (f"webhook.{key}",) for key in ("enabled", "url", "secret", "events")},
    "retention_days": ("retention.package_days", "retention.import_cleanup_days"),
    "audit_retention_days": ("retention.audit_days",),
}
"""Flat names of nested keys (contract 4.12.1); the first target is the one that is shown."""
