"""Rows to nouns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from entrepot.adapters.catalog.accounts import Account, ApiToken
from entrepot.adapters.catalog.records import Admission, AdmissionState, JsonValue, StoredPackage
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.actor import Role
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import Archive, ArchiveId, GenerationId, PackageId, Suite, SuiteId, SuiteOptions

Row = sa.Row[*tuple[Any, ...]]

_SEQUENCES = ("components", "architectures", "codecs", "digests")

suite_columns = (
    t.suite.c.id.label("suite_id"),
    t.suite.c.codename,
    t.suite.c.options,
    t.suite.c.revision,
    t.suite.c.published_revision,
    t.suite.c.late_revision,
    t.suite.c.generation_id,
    t.suite.c.oldest_kept_revision,
    t.suite.c.created_at,
    t.suite.c.verbatim,
    t.suite.c.settling,
    t.suite.c.former_codename,
    t.archive.c.id.label("archive_id"),
    t.archive.c.format.label("archive_format"),
    t.archive.c.name.label("archive_name"),
)


def options_to_json(options: SuiteOptions) -> dict[str, JsonValue]:
    """Every option by name."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in SuiteOptions.__dataclass_fields__
        if (value := getattr(options, name)) is not None
    }


def options_from_json(data: Mapping[str, Any]) -> SuiteOptions:
    """Options written by any earlier version: absent ones take their default, unknown ones are left out."""
    known = {name: value for name, value in data.items() if name in SuiteOptions.__dataclass_fields__}
    for name in _SEQUENCES:
        if name in known:
            known[name] = tuple(known[name])
    return SuiteOptions(**known)


def archive_of(row: Row) -> Archive:
    """From ``id, format, name``."""
    return Archive(ArchiveId(row.id), Format(row.format), row.name)


def suite_of(row: Row) -> Suite:
    """From ``suite_columns``."""
    return Suite(
        id=SuiteId(row.suite_id),
        archive=Archive(ArchiveId(row.archive_id), Format(row.archive_format), row.archive_name),
        codename=row.codename,
        options=options_from_json(row.options),
        revision=row.revision,
        published_revision=row.published_revision,
        late_revision=row.late_revision,
        generation_id=None if row.generation_id is None else GenerationId(row.generation_id),
        oldest_kept_revision=row.oldest_kept_revision,
        created_at=row.created_at,
        verbatim=row.verbatim,
        settling=row.settling,
        former_codename=row.former_codename or "",
    )


package_columns = (t.package,)


def package_of(row: Row) -> StoredPackage:
    """From the columns of ``package``."""
    return StoredPackage(
        id=PackageId(row.id),
        key=PackageKey(Format(row.format), row.name, row.version, row.architecture),
        digest=Digest(row.digest),
        sha512=row.sha512,
        size_bytes=row.size_bytes,
        filename=row.filename,
        source=row.source,
        section=row.section,
        summary=row.summary,
        facts=row.facts,
        received_at=row.received_at,
        received_by=row.received_by,
    )


def admission_of(row: Row) -> Admission:
    """From the columns of ``admission``."""
    return Admission(
        id=row.id,
        suite_id=SuiteId(row.suite_id),
        package_id=PackageId(row.package_id),
        component=row.component,
        state=AdmissionState(row.state),
        steps=row.steps,
        reasons=row.reasons,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        justification=row.justification,
        revision=row.revision,
    )


def generation_of(row: Row) -> Generation:
    """From the columns of ``generation``."""
    return Generation(
        id=GenerationId(row.id),
        suite_id=SuiteId(row.suite_id),
        number=row.number,
        revision=row.revision,
        manifest=Digest(row.manifest),
        package_count=row.package_count,
        published_at=row.published_at,
        superseded_at=row.superseded_at,
    )


def account_of(row: Mapping[str, Any]) -> Account:
    """From the columns of ``account`` and ``ACCOUNT_RIGHTS``."""
    return Account(
        id=row["id"],
        username=row["username"],
        password_hash=row["password_hash"],
        roles=_roles(row["roles"]),
        full_name=row["full_name"],
        email=row["email"],
        active=row["active"],
        session_epoch=row["session_epoch"],
        created_at=row["created_at"],
        last_login=row["last_login"],
        kept_session=row["kept_session"],
        mfa_since=row["mfa_since"],
        custom=_names(row["custom"]),
        groups=_names(row["groups"]),
        inherited=frozenset(Role(word) for word in _names(row["inherited"])),
        inherited_custom=_names(row["inherited_custom"]),
        grants=_names(row["grants"]),
        auth_source=row["auth_source"],
        external_key=row["external_key"],
    )


def api_token_of(row: Mapping[str, Any]) -> ApiToken:
    """From the columns of ``api_token`` and ``TOKEN_RIGHTS``."""
    return ApiToken(
        ident=row["ident"],
        name=row["name"],
        key_hash=row["key_hash"],
        hint=row["hint"],
        roles=_roles(row["roles"]),
        scope=None if row["scope"] is None else frozenset(row["scope"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used=row["last_used"],
        revoked_at=row["revoked_at"],
        custom=_names(row["token_custom"]),
        grants=_names(row["token_grants"]),
    )


def _roles(words: list[str]) -> frozenset[Role]:
    return frozenset(Role(word) for word in words)


def _names(joined: str | None) -> frozenset[str]:
    return frozenset(name for name in (joined or "").split(",") if name)
