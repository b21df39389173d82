"""Sources and their synchronisation in the words of the contract (4.5)."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, field_validator

from entrepot.adapters.catalog.jobs import Job
from entrepot.domain.model.package import Format
from entrepot.domain.upstream.drafts import Draft
from entrepot.domain.upstream.source import Source
from entrepot.entrypoints.api.words import when

_TYPES = {Format.DEB: "apt", Format.RPM: "rpm"}


class SourceChange(BaseModel):
    """What is given is changed; ``***`` is no value here: a secret that is not given stays."""

    model_config = ConfigDict(populate_by_name=True)

    label: StrictStr | None = Field(None, max_length=200)
    url: StrictStr | None = Field(None, max_length=500, examples=["http://archive.ubuntu.com/ubuntu"])
    mirrorlist: StrictStr | None = Field(None, max_length=500, description="List of mirrors, or a metalink")
    distribution: StrictStr | None = Field(
        None, max_length=128, description="apt: the suite; rpm: the distribution that packages are meant for"
    )
    components: list[StrictStr] | None = Field(None, max_length=64, examples=[["main", "universe"]])
    architectures: list[StrictStr] | None = Field(
        None, max_length=64, validation_alias=AliasChoices("architectures", "arch"), examples=[["amd64"]]
    )
    gpg_key: StrictStr | None = Field(None, description="Armored public keys, one of which has to sign the index")
    enabled: StrictBool | None = Field(None, description="Synchronised every night, and looked into")
    security: StrictBool | None = Field(None, description="Has security updates")
    allow_unsigned: StrictBool | None = Field(None, description="Take the index without any signature")
    check_valid_until: StrictBool | None = None
    username: StrictStr | None = Field(None, max_length=200)
    password: StrictStr | None = Field(None, max_length=500)
    client_certificate: StrictStr | None = Field(None, max_length=100_000)
    client_key: StrictStr | None = Field(None, max_length=100_000)
    ca: StrictStr | None = Field(None, max_length=100_000, description="Certificates to trust for this server, PEM")
    bytes_per_second: StrictInt | None = Field(None, ge=0, le=1 << 40, description="0: as fast as it goes")
    connections: StrictInt | None = Field(None, ge=1, le=32)

    @field_validator("components", "architectures", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    def draft(self) -> Draft:
        """For the register."""
        return Draft(
            name=getattr(self, "name", None),
            type=getattr(self, "type", None),
            label=self.label,
            url=self.url,
            mirrorlist=self.mirrorlist,
            distribution=self.distribution,
            components=None if self.components is None else tuple(self.components),
            architectures=None if self.architectures is None else tuple(self.architectures),
            keyring=self.gpg_key,
            enabled=self.enabled,
            security=self.security,
            allow_unsigned=self.allow_unsigned,
            check_valid_until=self.check_valid_until,
            authorities=self.ca,
            bytes_per_second=self.bytes_per_second,
            connections=self.connections,
        )

    def secrets(self) -> dict[str, str]:
        """Those that are given."""
        found = {
            "username": self.username,
            "password": self.password,
            "certificate": self.client_certificate,
            "private_key": self.client_key,
        }
        return {name: value for name, value in found.items() if value is not None}


class SourceRequest(SourceChange):
    """A new source."""

    name: StrictStr = Field(examples=["ubuntu-focal"])
    type: StrictStr = Field(examples=["apt"], description="apt or rpm")
    url: StrictStr = Field(max_length=500, examples=["http://archive.ubuntu.com/ubuntu"])


def source_words(source: Source, *, running: bool = False) -> dict[str, Any]:
    """For those who look after sources; never a secret."""
    return {
        **state_words(source, running=running),
        "name": source.name,
        "type": _TYPES[source.format],
        "url": source.url,
        "mirrorlist": source.reach.mirrorlist or None,
        "distribution": source.distribution,
        "components": list(source.components),
        "architectures": list(source.architectures),
        "enabled": source.enabled,
        "builtin": source.builtin,
        "has_key": bool(source.keyring),
        "fingerprints": list(source.trust.fingerprints),
        "allow_unsigned": source.trust.allow_unsigned,
        "check_valid_until": source.trust.check_valid_until,
        "has_credentials": bool(source.reach.sealed),
    }


def state_words(source: Source, *, running: bool) -> dict[str, Any]:
    """How a source stands, for every reader."""
    state = source.state
    status = "ok" if state.checked_at is not None else "never"
    if state.error_code:
        status = "error"
    return {
        "id": source.id,
        "source_id": source.name,
        "label": source.label,
        "format": source.format.value,
        "security": source.security,
        "last_sync": when(state.checked_at),
        "last_change": when(state.changed_at),
        "last_attempt": when(state.attempted_at),
        "pkg_count": state.package_count,
        "status": "running" if running else status,
        "error": state.error or None,
        "error_code": state.error_code or None,
        "notes": list(state.notes),
    }


def sync_job_words(job: Job) -> dict[str, Any]:
    """A job of synchronisation."""
    return {
        "job_id": job.id,
        "label": job.label,
        "status": job.status.value,
        "total": job.total,
        "done_count": job.done_count,
        "error_count": job.error_count,
        "started_at": when(job.started_at),
        "finished_at": when(job.finished_at),
        "log_count": job.event_count,
        "cancelling": job.cancelling,
        "result": dict(job.result),
    }
