"""Every knob, and the only reader of the environment.

Flags win over the environment, the environment over ``entrepot.toml``, the file over the defaults.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from entrepot.errors import BadSetting

_LIMIT = re.compile(r"[a-z_]+=[1-9][0-9]{0,6}/(second|minute|hour|day)\Z")


class Settings(BaseSettings):
    """The settings of one installation.  ``docs/reference/settings.md`` is made from this."""

    model_config = SettingsConfigDict(
        env_prefix="ENTREPOT_", toml_file="entrepot.toml", extra="forbid", frozen=True, populate_by_name=True
    )

    data: Path = Field(Path("data"), description="Folder of the embedded database, blobs, keys and staging")
    database_url: str = Field(
        "", description="sqlite:///file or postgresql+psycopg://user@host/name; empty: entrepot.db in the data folder"
    )
    storage_url: str = Field("", description="file:///folder of the blobs; empty: blobs in the data folder")
    public_url: str = Field("", description="Base of the URLs in client files; empty: taken from the request")
    admin_username: str | None = Field(None, description="First administrator, created once and never overwritten")
    admin_password: SecretStr | None = Field(None, description="Password of the first administrator")
    secret_key_file: Path | None = Field(
        None, description="File with the secret that signs sessions; created with mode 0600 when absent"
    )
    jwt_expire_minutes: int = Field(
        60,
        ge=1,
        le=60 * 24 * 30,
        validation_alias=AliasChoices("JWT_EXPIRE_MINUTES", "ENTREPOT_JWT_EXPIRE_MINUTES", "jwt_expire_minutes"),
        description="Lifetime of a session",
    )
    rate_limits: str = Field(
        "",
        description="Rate limits until an administrator sets others, such as upload=200/minute,auth_token=100/minute "
        "or all=10000/minute; empty: those of the API description",
    )
    key_algorithm: Literal["rsa4096", "ed25519"] = Field(
        "rsa4096", description="Algorithm of signing keys made from now on"
    )
    key_email: str = Field("", description="Mail address in the user id of new signing keys")
    generations_kept: int = Field(3, ge=1, le=1000, description="Superseded generations of a suite that stay fetchable")
    generation_grace_seconds: int = Field(
        3600, ge=0, description="A superseded generation stays at least this long, however many came after it"
    )
    generation_days: int = Field(
        30, ge=0, description="A superseded generation goes after so many days, even if few came after it; 0: it stays"
    )
    collect_grace_seconds: int = Field(
        3600, ge=60, description="Content that nothing names is removed when it is older than this"
    )
    max_upload_mb: int = Field(4096, ge=1, description="Largest package file that is accepted")
    publish_wait_seconds: int = Field(
        60, ge=1, le=600, description="How long an upload waits for its generation before it is answered 202"
    )
    uploader_keyring: Path | None = Field(
        None,
        description="File with the certificates (OpenPGP) of uploaders; when set, one must have signed a .changes file",
    )
    exports: Path | None = Field(
        None, description="Folder below which administrators may have states written by POST /exports; empty: nowhere"
    )
    bundle_folder: Path | None = Field(
        None, description="Folder whose bundles administrators may have taken in without sending them; empty: none"
    )
    bundle_keyring: Path | None = Field(
        None, description="File with the keys (OpenPGP) of other servers whose bundles are taken in here; empty: none"
    )
    accel: str = Field(
        "",
        description="Hand files to a front server: x-accel:/internal/prefix (nginx) or x-sendfile; empty: send them",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses of front servers, with commas, whose X-Forwarded-For and -Proto are believed; "
        "empty: none",
    )
    downloads_from: Literal["requests", "access-log", "both", "nothing"] = Field(
        "requests",
        description="What is counted as downloads: requests that this program answers, lines of a front server's "
        "access log, both (only where the front server keeps package requests to itself), or nothing",
    )
    access_log: str = Field(
        "",
        validate_default=True,
        description="Access logs of a front server in combined format: a file, or a pattern such as "
        "/var/log/nginx/*access.log; rotated ones beside them are found",
    )
    keep_addresses: bool = Field(
        default=False, description="Keep addresses of clients that download; otherwise pseudonyms that change every day"
    )
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes of 'entrepot serve': with more than one, one publishes and the others answer requests",
    )
    node: str = Field("", description="Stable name of this node among those that share a database; empty: host name")
    clamd: str = Field(
        "",
        description="Socket of ClamAV's daemon: unix:/run/clamav/clamd.ctl or tcp:host:port; empty: nothing is scanned",
    )
    clamd_stream_mb: int = Field(
        25,
        ge=1,
        le=4000,
        description="What clamd takes at once; not more than its StreamMaxLength, MaxFileSize and MaxScanSize",
    )
    clamd_answer_seconds: int = Field(
        150, ge=1, le=3600, description="How long clamd may take over one file; more than its MaxScanTime"
    )
    freshclam: Path | None = Field(
        None, description="Program that fetches new signatures when an administrator asks for it; empty: none"
    )
    grype: str = Field(
        "", description="Program grype, by its path or name, as a second engine for vulnerabilities; empty: none"
    )
    grype_database: Path | None = Field(
        None, description="Folder of the data that grype compares with; empty: grype in the data folder"
    )
    grype_answer_seconds: int = Field(300, ge=1, le=3600, description="How long grype may take over one package")
    advisories: Path | None = Field(
        None, description="Folder that feeds of advisories may be read from; empty: only URLs and files that are sent"
    )
    upstream_inside: str = Field(
        "",
        description="Addresses and networks of the own network, with commas and optional ports, that sources may lie "
        "at, such as 10.1.0.0/16 or 192.168.1.5:8080; empty: none",
    )
    upstream_proxy: SecretStr | None = Field(
        None, description="Proxy for sources: http://host:port or http://user:password@host:port; empty: none"
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Token that GET /metrics takes as Authorization: Bearer; without one only auditors may read them",
    )
    request_log: Literal["none", "api", "all"] = Field(
        "api", description="Requests that get a line in the log: those of API and pages, or all, with package managers"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    log_format: Literal["text", "json"] = Field("text", description="How log lines are written")

    @field_validator("accel")
    @classmethod
    def _known_accel(cls, value: str) -> str:
        if value and value != "x-sendfile" and not value.startswith("x-accel:/"):
            raise ValueError("must be empty, x-sendfile or x-accel:/prefix")
        return value

    @field_validator("clamd")
    @classmethod
    def _known_scanner(cls, value: str) -> str:
        if value and not re.match(r"(unix:/[^\0]+|tcp:(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):[0-9]{1,5})\Z", value):
            raise ValueError("must be empty, unix:/path or tcp:host:port")
        return value

    @field_validator("rate_limits")
    @classmethod
    def _written_limits(cls, value: str) -> str:
        if value and not all(_LIMIT.match(one.strip()) for one in value.split(",")):
            raise ValueError("must be name=number/unit, with commas, such as upload=200/minute,all=10000/hour")
        return value

    @property
    def rate_limit_defaults(self) -> dict[str, str]:
        """Limits by name, ``all`` among them."""
        pairs = [one.strip().partition("=") for one in self.rate_limits.split(",") if one.strip()]
        return {name: rate for name, _, rate in pairs}

    @field_validator("access_log")
    @classmethod
    def _log_is_named(cls, value: str, info: ValidationInfo) -> str:
        wanted = info.data.get("downloads_from") in ("access-log", "both")
        if (wanted or value) and not value.startswith("/"):
            raise ValueError("must be an absolute path or pattern where downloads are counted from it")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def catalog_url(self) -> str:
        """Where the catalog is."""
        return self.database_url or f"sqlite:///{self.data.absolute()}/entrepot.db"

    @property
    def jobs_url(self) -> str:
        """Where durable work is kept: beside an embedded catalog, or in the PostgreSQL database."""
        url = self.catalog_url
        return f"{url.removesuffix('.db')}-jobs.db" if url.startswith("sqlite") else url

    @property
    def blob_folder(self) -> Path:
        """Folder of the blobs.

        Raises:
            BadSetting: the storage is of a kind that this version does not have.
        """
        if not self.storage_url:
            return self.data.absolute() / "blobs"
        if not self.storage_url.startswith("file://"):
            raise BadSetting("ENTREPOT_STORAGE_URL must be file:///folder")
        return Path(self.storage_url.removeprefix("file://"))

    @property
    def host_name(self) -> str:
        """Whose files these are; stays the same over restarts."""
        return self.node or ("embedded" if self.catalog_url.startswith("sqlite") else socket.gethostname())

    @property
    def node_name(self) -> str:
        """Name of this node; with an embedded database there is just one."""
        if self.node:
            return self.node
        return "embedded" if self.catalog_url.startswith("sqlite") else f"{socket.gethostname()}-{os.getpid()}"


def load_settings(**flags: object) -> Settings:
    """Settings from flags (``None`` means not given), environment and file.

    Raises:
        BadSetting: naming the setting and the rule, never the value.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        shown = name if name.isupper() else f"ENTREPOT_{name.upper()}"
        raise BadSetting(f"{shown}: {first['msg']}") from None


def load_secret(path: Path) -> bytes:
    """The installation's secret, made at first need with mode 0600.

    Raises:
        BadSetting: the file is unreadable, too short, or open to others.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise BadSetting(f"the secret key file cannot be created: {error.strerror}") from error
    else:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
    try:
        secret = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise BadSetting(f"the secret key file cannot be read: {error.strerror}") from error
    if len(secret) < 32:
        raise BadSetting("the secret key file must hold at least 32 bytes")
    if mode & 0o077:
        raise BadSetting("the secret key file must be readable by its owner only (chmod 600)")
    return secret


def share_metrics(folder: Path) -> None:
    """Have this process, and those that are started from here, keep their metrics in one folder."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def shared_metrics() -> Path | None:
    """The folder of ``share_metrics``, in any of the processes."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    return Path(folder) if folder else None


@dataclass(frozen=True, slots=True)
class ClientEnvironment:
    """What the environment tells the client commands; empty is not given."""

    url: str
    token: str
    config_folder: Path


def client_environment() -> ClientEnvironment:
    """``ENTREPOT_URL`` and ``ENTREPOT_TOKEN``, and where a person's configuration lies (XDG base directories)."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(config) if config.startswith("/") else Path(os.path.expanduser("~"), ".config")  # noqa: PTH111
    return ClientEnvironment(
        url=os.environ.get("ENTREPOT_URL", "").strip(),
        token=os.environ.get("ENTREPOT_TOKEN", "").strip(),
        config_folder=folder / "entrepot",
    )
