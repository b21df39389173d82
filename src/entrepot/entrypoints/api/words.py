"""Our nouns in the main API's words: the bodies of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.adapters.catalog.records import AuditEntry, JsonValue, Placement, StoredPackage
from entrepot.domain.advisories.contexts import context_of
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.entrypoints.api.finding_words import cve_row, cve_summary, scan_word, summary_of
from entrepot.services.intake.checks.comparison import NAME as CVE
from entrepot.services.intake.checks.dependencies import missing_of
from entrepot.services.intake.checks.signature import INVALID
from entrepot.services.intake.listing import Artifact, Version
from entrepot.services.intake.receipts import Receipt, ReceiptStatus

Body = dict[str, Any]

_MANAGERS = {Format.DEB: "apt", Format.RPM: "dnf"}
_SCANS = {
    CheckResult.CLEAN: "clean",
    CheckResult.FINDINGS: "infected",
    CheckResult.INCONCLUSIVE: "error",
    CheckResult.ERROR: "error",
    CheckResult.SKIPPED: "skipped",
}


def when(moment: datetime | None) -> str | None:
    """ISO 8601 with offset."""
    return None if moment is None else moment.isoformat()


def page(items: Sequence[Body], total: int, number: int, per_page: int) -> Body:
    """The envelope of every paginated list (contract G10)."""
    return {
        "items": items,
        "total": total,
        "page": number,
        "per_page": per_page,
        "pages": -(-total // per_page),
    }


def package_row(placement: Placement) -> Body:
    """A row of ``GET /packages/``."""
    key = placement.package.key
    return {
        "name": key.name,
        "version": key.version,
        "arch": key.architecture,
        "format": key.format.value,
        "distribution": placement.suite.codename,
        "distributions": [placement.suite.codename],
        "component": placement.component,
        "filename": placement.package.filename,
        "size_bytes": placement.package.size_bytes,
        "sha256": placement.package.digest,
        "status": "validated" if placement.published else "publishing",
    }


def artifact_row(artifact: Artifact) -> Body:
    """A row of ``GET /artifacts/``."""
    newest = artifact.versions[0]
    package = newest.package
    return {
        "name": artifact.name,
        "latest_version": package.key.version,
        "versions": _unique(version.package.key.version for version in artifact.versions),
        "arch": package.key.architecture,
        "architectures": sorted({version.package.key.architecture for version in artifact.versions}),
        "format": package.key.format.value,
        "sha256": package.digest,
        "size_bytes": package.size_bytes,
        "imported_at": when(package.received_at),
        "imported_by": package.received_by,
        "status": newest.status,
        "distribution": next(iter(newest.distributions), None),
        "distributions": sorted({name for version in artifact.versions for name in version.distributions}),
        "deps_missing": stored_missing(newest),
        "description": package.summary,
        "section": package.section,
        "cve_summary": cve_summary(newest.scan),
    }


def artifact_detail(artifact: Artifact) -> Body:
    """``GET /artifacts/{name}``."""
    newest = artifact.versions[0]
    versions: Body = {}
    for version in artifact.versions:
        row = _file_row(version)
        known = versions.setdefault(version.package.key.version, {**row, "files": []})
        known["files"].append(row)
    return {
        "name": artifact.name,
        "info": {
            "latest": newest.package.key.version,
            "description": newest.package.summary,
            "section": newest.package.section,
            "versions": versions,
        },
        "history": [audit_row(entry) for entry in artifact.history],
        "validation_steps": _stored_steps(newest),
        "cve_results": _cve_rows(newest),
        "versions": list(versions),
    }


def _file_row(version: Version) -> Body:
    package = version.package
    return {
        "arch": package.key.architecture,
        "filename": package.filename,
        "sha256": package.digest,
        "size_bytes": package.size_bytes,
        "imported_at": when(package.received_at),
        "imported_by": package.received_by,
        "status": version.status,
        "distribution": next(iter(version.distributions), None),
        "distributions": version.distributions,
        "pinned": version.pin is not None,
        "deps_missing": stored_missing(version),
        "cve_summary": cve_summary(version.scan),
    }


def _cve_rows(version: Version) -> list[Body]:
    return [cve_row(finding, version.package.key.format) for finding in version.findings]


def version_detail(version: Version, *, is_latest: bool) -> Body:
    """``GET /artifacts/{name}/{version}``."""
    package = version.package
    facts: Mapping[str, Any] = package.facts
    return {
        "name": package.key.name,
        "version": package.key.version,
        "arch": package.key.architecture,
        "format": package.key.format.value,
        "type": package.key.format.value,
        "distribution": next(iter(version.distributions), None),
        "distributions": version.distributions,
        "section": package.section,
        "description": facts.get("description") or package.summary,
        "maintainer": facts.get("maintainer", ""),
        "license": facts.get("license", ""),
        "url": facts.get("homepage", ""),
        "installed_size_kb": int(facts.get("installed_size_bytes") or 0) // 1024,
        "file_size_bytes": package.size_bytes,
        "filename": package.filename,
        "status": version.status,
        "source": _origin(package),
        "integrity": {
            "sha256": package.digest,
            "sha512": package.sha512,
            "gpg_signed": bool(facts.get("signed")),
        },
        "tags": [],
        "dependencies": _dependencies(facts.get("relations") or {}),
        "relations": facts.get("relations") or {},
        "validation_steps": _stored_steps(version),
        "cve_results": _cve_rows(version),
        "cve_summary": cve_summary(version.scan),
        "last_rematch_at": when(version.scan.rematched_at) if version.scan is not None else None,
        "is_latest": is_latest,
        "pool_available": bool(version.placements),
        "pinned": version.pin is not None,
        "pin": _pin(version),
    }


def _pin(version: Version) -> Body | None:
    if version.pin is None:
        return None
    found = version.pin
    return {"reason": found.reason, "pinned_by": found.pinned_by, "pinned_at": when(found.pinned_at)}


def _origin(package: StoredPackage) -> Body:
    return {
        "imported_by": package.received_by,
        "imported_at": when(package.received_at),
        "import_method": "upload",
        "import_group": None,
    }


def _dependencies(relations: Mapping[str, Sequence[str]]) -> list[str]:
    return [entry for name in ("pre-depends", "depends", "requires") for entry in relations.get(name, ())]


def _stored_steps(version: Version) -> list[Body]:
    return [
        {
            "name": step["name"],
            "passed": step["result"] in ("clean", "skipped"),
            "message": step["message"],
            "detail": "",
        }
        for step in _steps(version)
    ]


def _steps(version: Version) -> Sequence[Mapping[str, JsonValue]]:
    return version.examined.steps if version.examined is not None else ()


def stored_missing(version: Version) -> list[str]:
    """Dependencies that nothing in its suite met when it came in."""
    details = [str(step.get("detail") or "") for step in _steps(version) if step["name"] == "dependencies"]
    return [name for detail in details for name in missing_of(detail)]


def audit_row(entry: AuditEntry) -> Body:
    """A row of the audit log."""
    row: Body = {
        "timestamp": when(entry.at),
        "action": entry.action,
        "user": entry.actor.name,
        "result": entry.result,
    }
    if entry.package:
        row |= {"package": entry.package, "version": entry.version}
    if entry.suite:
        row["distribution"] = entry.suite
    if entry.role:
        row["role"] = entry.role
    return row | {"detail": entry.detail, "ip": entry.actor.address}


def upload_body(receipt: Receipt, generation: Generation | None, *, waiting: bool) -> Body:
    """The answer to an upload (contract 4.4)."""
    key = receipt.key
    published = generation is not None and receipt.status in (ReceiptStatus.ACCEPTED, ReceiptStatus.DUPLICATE)
    status = _status(receipt, published=published)
    missing = _missing(receipt.outcomes)
    known = next((outcome for outcome in receipt.outcomes if outcome.name == CVE), None)
    return {
        "status": status,
        "index_status": "indexed" if published else "not_indexed",
        "indexed": published,
        "package": key.name,
        "name": key.name,
        "version": key.version,
        "arch": key.architecture,
        "distribution": receipt.suite.codename,
        "archive": receipt.suite.archive.name,
        "format": key.format.value,
        "filename": receipt.filename,
        "size_bytes": receipt.size_bytes,
        "sha256": receipt.digest,
        "generation": None if generation is None else generation.number,
        "pipeline": {
            "antivirus": _antivirus(receipt),
            "gpg": _signature(receipt, published=published),
            "cve_scan": scan_word(known, refused=receipt.status is ReceiptStatus.REFUSED),
            "dependencies": "missing" if missing else "satisfied",
        },
        "validation": {
            "passed": receipt.status not in (ReceiptStatus.HELD, ReceiptStatus.REFUSED),
            "cve_status": _cve_status(receipt),
            "steps": [_step(outcome) for outcome in receipt.outcomes],
            "deps_missing": missing,
        },
        "warnings": [*receipt.reasons, *receipt.warnings],
        "dependencies_resolved": [],
        "duplicate": receipt.status is ReceiptStatus.DUPLICATE,
        "cve_summary": summary_of(*((known.result, known.counted()) if known else (CheckResult.SKIPPED, {}))),
        "message": _message(receipt, status, waiting=waiting),
    }


def _status(receipt: Receipt, *, published: bool) -> str:
    if receipt.status is ReceiptStatus.HELD:
        return "pending_review"
    if receipt.status is ReceiptStatus.REFUSED:
        return "quarantined" if receipt.withheld or _antivirus(receipt) == "infected" else "rejected"
    return "published" if published else "publishing"


def _message(receipt: Receipt, status: str, *, waiting: bool) -> str:
    where = f"{receipt.key} in {receipt.suite.codename}"
    match status:
        case "published":
            return f"{where} can be installed now"
        case "pending_review":
            return f"{where} waits for review: {'; '.join(receipt.reasons)}"
        case "rejected" | "quarantined":
            return f"{where} was refused: {'; '.join(receipt.reasons)}"
        case _:
            later = "is stored and will be published shortly" if waiting else "is being inspected"
            return f"{where} {later}"


def _antivirus(receipt: Receipt) -> str:
    """Clean is nothing but what the scanner called so."""
    for outcome in receipt.outcomes:
        if outcome.name == "antivirus":
            return _SCANS[outcome.result]
    return "pending" if receipt.status is ReceiptStatus.INSPECTING else "skipped"


def _cve_status(receipt: Receipt) -> str:
    match receipt.status:
        case ReceiptStatus.HELD:
            return "pending_review"
        case ReceiptStatus.REFUSED:
            return "blocked"
        case _:
            return "approved"


def _signature(receipt: Receipt, *, published: bool) -> str:
    """Of the metadata that covers the package, unless a signature of its own is invalid."""
    concerns = [concern for outcome in receipt.outcomes for concern in outcome.concerns]
    if any(concern.code == INVALID for concern in concerns):
        return "invalid"
    return "signed" if published else "unsigned"


def _missing(outcomes: Sequence[CheckOutcome]) -> list[str]:
    return [name for outcome in outcomes if outcome.name == "dependencies" for name in missing_of(outcome.detail)]


def _step(outcome: CheckOutcome) -> Body:
    return {
        "name": outcome.name,
        "passed": outcome.result in (CheckResult.CLEAN, CheckResult.SKIPPED),
        "result": outcome.result.value,
        "message": outcome.message,
        "detail": outcome.detail or "; ".join(concern.detail for concern in outcome.concerns),
    }


def distribution_row(suite: Suite, sizes: Mapping[SuiteId, tuple[int, int, datetime | None]], base_url: str) -> Body:
    """A row of ``GET /distributions/``."""
    count, size, last = sizes.get(suite.id, (0, 0, None))
    options, attributes = suite.options, suite.options.attributes
    top = "apt" if suite.format is Format.DEB else "rpm"
    suffix = "sources" if suite.format is Format.DEB else "repo"
    path = f"/{top}/{suite.archive.name}"
    return {
        "codename": suite.codename,
        "name": suite.codename,
        "archive": suite.archive.name,
        "full_name": attributes.get("full_name", suite.codename),
        "os": attributes.get("os", ""),
        "version": options.version,
        "format": suite.format.value,
        "badge": suite.format.value,
        "color": attributes.get("color", "#64748B"),
        "package_manager": _MANAGERS[suite.format],
        "package_count": count,
        "total_size": size,
        "last_updated": when(last),
        "components": list(options.components),
        "architectures": list(options.architectures),
        "repo_url_path": path if suite.format is Format.DEB else f"{path}/{suite.codename}",
        "description": options.description,
        "ecosystem": context_of(suite),
        "revision": suite.revision,
        "published_revision": suite.published_revision,
        "client_file": f"{base_url}{path}/{suite.codename}.{suffix}",
        "key_url": f"{base_url}{path}/key.asc",
    }


def _unique(values: Any) -> list[str]:
    return list(dict.fromkeys(values))
