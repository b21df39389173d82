"""Packages that somebody had fetched from a source: what is asked of them besides, and what is kept about that."""

from __future__ import annotations

from datetime import datetime

from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.catalog.imports import Imported
from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import PackageKey
from entrepot.errors import UpstreamMisnamed
from entrepot.services.intake.receipts import Origin, Receipt


def check_identity(origin: Origin, key: PackageKey) -> None:
    """Nobody is given another package than the one they asked for.

    Raises:
        UpstreamMisnamed: the file is not what the index calls it.
    """
    if key != origin.key:
        raise UpstreamMisnamed(f"{origin.source}: {origin.filename} should be {origin.key}, and is {key}")


def note_origin(unit: Writing, actor: Actor, receipt: Receipt, origin: Origin, now: datetime) -> None:
    """In the unit that admits it."""
    unit.note_import(
        Imported(
            receipt.package_id,
            receipt.suite.id,
            origin.source,
            origin.filename,
            origin.group,
            origin.job,
            actor.name,
            now,
        )
    )


def origin_detail(origin: Origin) -> dict[str, JsonValue]:
    """For the audit log."""
    told: dict[str, JsonValue] = {"told": dict(origin.told)} if origin.told else {}
    return {"source": origin.source, "filename": origin.filename, "group": origin.group, "job": origin.job, **told}
