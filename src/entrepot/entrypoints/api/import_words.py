"""Searches and imports in the words of the contract (4.5, D-14)."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, field_validator

from entrepot.domain.model.package import Format
from entrepot.entrypoints.api.words import when
from entrepot.services.imports.choosing import Wanted
from entrepot.services.imports.groups import ImportGroup
from entrepot.services.imports.importing import Ask
from entrepot.services.imports.resolving import Member, Plan
from entrepot.services.imports.searching import Found

Body = dict[str, Any]

_NEEDS = {Format.DEB: ("pre-depends", "depends"), Format.RPM: ("requires",)}
_NEED_WORDS = {Format.DEB: "depends", Format.RPM: "requires"}
_MOST_NEEDS = 200


class ImportDefaults(BaseModel):
    """What a batch says for all of its packages."""

    model_config = ConfigDict(populate_by_name=True)

    arch: StrictStr = Field("", max_length=64, validation_alias=AliasChoices("arch", "architecture"))
    distribution: StrictStr = Field(
        "",
        max_length=200,
        validation_alias=AliasChoices("distribution", "distro"),
        description="Where to put it; else the one that is called as that of the source",
        examples=["jammy"],
    )
    source_id: StrictStr | StrictInt | None = Field(
        None, validation_alias=AliasChoices("source_id", "source"), description="Number or name of the source"
    )
    group: StrictStr = Field("", max_length=128, description="Name for what comes in together")
    dependencies: StrictBool = Field(default=True, description="With all that it needs")

    @field_validator("arch", "distribution", "group", mode="before")
    @classmethod
    def _nothing(cls, value: object) -> object:
        return "" if value is None else value


class ImportItem(ImportDefaults):
    """One package."""

    name: StrictStr = Field(
        min_length=1, max_length=255, validation_alias=AliasChoices("name", "package"), examples=["curl"]
    )
    version: StrictStr = Field("", max_length=255, description="The newest, if not given")

    @field_validator("version", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return "" if value is None else value

    def ask(self, defaults: ImportDefaults | None = None) -> Ask:
        """What is to be done, with what a batch says for all."""
        given = self.model_fields_set
        from_batch = {name for name in ImportDefaults.model_fields if name not in given} if defaults else set()

        def value(name: str) -> Any:
            return getattr(defaults if name in from_batch else self, name)

        source = value("source_id")
        wanted = Wanted(
            self.name, self.version, value("arch"), value("distribution"), "" if source is None else str(source)
        )
        return Ask(wanted, value("group"), value("dependencies"))


class SourceItem(ImportItem):
    """One package of a source."""

    name: StrictStr = Field(
        min_length=1, max_length=255, validation_alias=AliasChoices("package", "name"), examples=["curl"]
    )
    source_id: StrictStr | StrictInt = Field(
        validation_alias=AliasChoices("source_id", "source"), description="Number or name of the source", examples=[1]
    )


class ImportBatch(ImportDefaults):
    """Up to fifty packages, by name or as objects."""

    packages: list[StrictStr | ImportItem] = Field(max_length=1000, examples=[["curl", {"name": "wget"}]])

    def asks(self) -> list[Ask]:
        """One for each."""
        items = [
            ImportItem.model_validate({"name": each}) if isinstance(each, str) else each
            for each in self.packages
            if each != ""
        ]
        return [item.ask(self) for item in items]


def found_words(found: Found) -> Body:
    """A row of a search."""
    package, source = found.package, found.sources[0]
    format_ = package.key.format
    needs = [entry for relation in _NEEDS[format_] for entry in package.relations.get(relation, ())]
    algorithm, _, digest = package.digest.partition(":")
    return {
        "name": package.key.name,
        "version": package.key.version,
        "arch": package.key.architecture,
        "section": package.section,
        "description": package.summary,
        "summary": package.summary,
        _NEED_WORDS[format_]: needs[:_MOST_NEEDS],
        "size": package.size_bytes,
        "sha256": digest if algorithm == "sha256" else "",
        "digest": package.digest,
        "distro": source.distribution,
        "source_id": source.name,
        "sources": [each.name for each in found.sources],
        "synced_at": when(source.state.checked_at),
        "security": any(each.security for each in found.sources),
        "format": format_.value,
    }


def plan_words(plan: Plan) -> Body:
    """What would have to be brought."""
    members = [_member_words(plan, each) for each in plan.members]
    present = sum(each["already_in_repo"] for each in members)
    key = plan.choice.package.key
    return {
        "success": plan.closure.installable,
        "package": key.name,
        "version": key.version,
        "arch": key.architecture,
        "source_id": plan.choice.source.name,
        "distribution": plan.choice.suite.codename if plan.choice.suite else None,
        "host": plan.home,
        "total_deps": len(members) - 1,
        "already_in_repo": present,
        "to_download": len(members) - present,
        "download_size": sum(each.get("size", 0) for each in members if not each["already_in_repo"]),
        "packages": members,
        "unresolved": list(plan.missing),
    }


def _member_words(plan: Plan, member: Member) -> Body:
    row: Body = {
        "name": member.key.name,
        "version": member.key.version,
        "arch": member.key.architecture,
        "already_in_repo": member.present,
        "virtual": member.virtual,
        "required_by": member.required_by.name if member.required_by else None,
    }
    if member.upstream is not None:
        row["size"] = member.upstream.size_bytes
        row["source_id"] = next(each.name for each in plan.choice.around if each.id == member.upstream.source_id)
    return row


def group_words(group: ImportGroup) -> Body:
    """A row of the list of groups."""
    last = group.last
    return {
        "name": group.name,
        "package_count": len(group.packages),
        "total_size_bytes": sum(each.size_bytes for each in group.packages),
        "imported_at": when(last.imported_at),
        "distribution": group.codename,
        "imported_by": last.imported_by,
        "packages": [{"filename": each.filename, "size_bytes": each.size_bytes} for each in group.packages],
    }


def batch_words(rows: list[Body]) -> Body:
    """How a batch ended."""
    results = [
        {
            "name": row["name"],
            "version": row.get("version", ""),
            "arch": row.get("arch", ""),
            "distribution": row.get("distribution", ""),
            "status": "error" if "error" in row else row["status"],
            "message": row.get("error") or row.get("message") or "",
            "dependencies": {name: len(row.get(name) or ()) for name in ("imported", "skipped", "failed")},
        }
        for row in rows
    ]
    statuses = [row["status"] for row in results]
    failed = sum(status in ("error", "rejected") for status in statuses)
    skipped = statuses.count("skipped")
    return {
        "status": "ok" if not failed else "failed" if failed == len(results) else "partial",
        "total": len(results),
        "imported": len(results) - failed - skipped,
        "skipped": skipped,
        "failed": failed,
        "results": results,
    }
