"""From other people's repositories through the gate."""

from __future__ import annotations

from typing import Any, TypedDict

from entrepot.adapters.catalog.sources import UpstreamPackage
from entrepot.adapters.outbound.fetching import Sink, Watch
from entrepot.adapters.storage.staged import Staged
from entrepot.domain.policy.permissions import Permission
from entrepot.domain.upstream.source import Source
from entrepot.main.gate import Gate
from entrepot.main.parts import FORMATS, Parts
from entrepot.main.upstream import Upstream
from entrepot.services.imports import ImportGroups, Imports, Recipes, Searches, UpstreamResolutions
from entrepot.services.imports.carrying import Arrival, Bring, Bringer, Errand, LetIn
from entrepot.services.imports.importing import IMPORT_JOB
from entrepot.services.intake import Intake
from entrepot.services.intake.receipts import Origin, ReceiptStatus, UploadRequest
from entrepot.services.jobs import JobKind, Jobs
from entrepot.services.upstream import Courier
from entrepot.services.upstream.courier import Wanted
from entrepot.settings import Settings

_STATUSES = {
    ReceiptStatus.ACCEPTED: "published",
    ReceiptStatus.DUPLICATE: "skipped",
    ReceiptStatus.HELD: "pending_review",
    ReceiptStatus.REFUSED: "rejected",
    ReceiptStatus.INSPECTING: "publishing",
}


class Importing(TypedDict):
    """By their names in the application."""

    searches: Searches
    upstream_resolutions: UpstreamResolutions
    imports: Imports
    import_groups: ImportGroups
    recipes: Recipes


def importing(settings: Settings, parts: Parts, let_in: Gate, foreign: Upstream, jobs: Jobs) -> Importing:
    """Search, resolution and imports; they read what ``upstream`` synchronised."""
    switched = foreign["sources"].switched
    resolutions = UpstreamResolutions(parts.catalog, FORMATS, switched)
    bringer = Bringer(
        parts.catalog,
        parts.blobs,
        _bringing(foreign["courier"]),
        _letting_in(let_in["intake"]),
        settings.max_upload_mb << 20,
    )
    imports = Imports(parts.catalog, resolutions, bringer, jobs.begin, jobs.wake, parts.now)
    jobs.define(JobKind(IMPORT_JOB, Permission.IMPORT_FETCH, Permission.IMPORT_PACKAGE, imports.pursue))
    return Importing(
        searches=Searches(parts.catalog, FORMATS, switched),
        upstream_resolutions=resolutions,
        imports=imports,
        import_groups=ImportGroups(parts.catalog, parts.now),
        recipes=Recipes(parts.catalog, resolutions, parts.now),
    )


def _bringing(courier: Courier) -> Bring:
    def bring(source: Source, package: UpstreamPackage, sink: Sink, watch: Watch) -> None:
        algorithm, _, digest = package.digest.partition(":")
        wanted = Wanted(package.filename, package.size_bytes, package.size_bytes, {algorithm: digest})
        courier.fetch(source, wanted, sink, watch)

    return bring


def _letting_in(intake: Intake) -> LetIn:
    def let_in(errand: Errand, staged: Staged, arrival: Arrival) -> dict[str, Any]:
        origin = Origin(arrival.source.name, arrival.filename, arrival.key, errand.group, errand.job)
        request = UploadRequest(
            arrival.key.name + "." + arrival.key.format.value,
            errand.suite.full_name,
            arrival.component,
            origin=origin,
        )
        receipt = intake.receive(errand.actor, staged, request)
        return {
            "status": _STATUSES[receipt.status],
            "message": "; ".join(receipt.reasons)[:500],
            "admission_id": receipt.admission_id,
            "package_id": receipt.package_id,
            "suite_id": receipt.suite.id,
            "sha256": receipt.digest,
        }

    return let_in
