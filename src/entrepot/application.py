"""The application: every service that an entry point may call, and nothing else.  ``main`` fills it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.storage.base import BlobStore
from entrepot.services.access import (
    Access,
    ApiTokens,
    DirectorySignIn,
    Groups,
    PasswordResets,
    ProviderSignIn,
    RateLimits,
    Rescue,
    Roles,
    SecondFactors,
    Users,
    Workloads,
)
from entrepot.services.audit import Auditing
from entrepot.services.bundles import BundleFolders, BundleImports, BundleMaking, BundleReceiving, Bundles
from entrepot.services.configuration import Configurations, Policies
from entrepot.services.dashboard import Watching
from entrepot.services.downloads import Downloads, Recorder
from entrepot.services.errata import Bulletins, Notices, Rollouts
from entrepot.services.imports import ImportGroups, Imports, Recipes, Searches, UpstreamResolutions
from entrepot.services.intake import Intake
from entrepot.services.intake.cooling import Cooling
from entrepot.services.intake.decisions import Decisions
from entrepot.services.intake.explaining import Explanations
from entrepot.services.intake.feeding import Feeding
from entrepot.services.intake.forecasts import Forecasts
from entrepot.services.intake.incoming import Incoming
from entrepot.services.intake.inspection import Inspector
from entrepot.services.intake.listing import Listings
from entrepot.services.intake.movements import Movements
from entrepot.services.intake.provenance.keys import TrustedKeys
from entrepot.services.intake.provenance.service import Provenances
from entrepot.services.intake.reviews import Reviews
from entrepot.services.intake.suites import Suites
from entrepot.services.intake.transfers import Transfers
from entrepot.services.jobs import JobBoard, Jobs
from entrepot.services.notify import Notifications, Templates
from entrepot.services.publish.export_jobs import ExportJobs
from entrepot.services.publish.exports import Exports
from entrepot.services.publish.reading import PublishedFiles
from entrepot.services.publish.service import Publisher
from entrepot.services.publish.verification import Verifier
from entrepot.services.publish.waiting import Publications
from entrepot.services.resolution import Resolutions
from entrepot.services.sbom import Compositions, Sboms
from entrepot.services.snapshots import Environments, Merging, Snapshots
from entrepot.services.snapshots.merge_jobs import MergeJobs
from entrepot.services.upkeep.antivirus import Antivirus
from entrepot.services.upkeep.collector import Collector
from entrepot.services.upkeep.figures import Gauges
from entrepot.services.upkeep.grype import SecondEngine
from entrepot.services.upkeep.health import Health
from entrepot.services.upkeep.keeper import Keeper
from entrepot.services.upkeep.pins import Pins
from entrepot.services.upkeep.preflight import Preflight
from entrepot.services.upkeep.retention import Retention
from entrepot.services.upkeep.schedule import Scheduler
from entrepot.services.upkeep.signing_keys import SigningKeys
from entrepot.services.upstream import Courier, Sources, Syncs
from entrepot.services.upstream.mirrors import MirrorPlans, MirrorRuns, Mirrors, OnDemand
from entrepot.services.vulnerabilities.feeds import Feeds
from entrepot.services.vulnerabilities.looking import Looking


@dataclass(frozen=True, slots=True)
class Application:
    """Handed to every entry point."""

    configurations: Configurations
    policies: Policies
    forecasts: Forecasts
    access: Access
    users: Users
    api_tokens: ApiTokens
    audit: Auditing
    limits: RateLimits
    second_factors: SecondFactors
    resets: PasswordResets
    rescue: Rescue
    roles: Roles
    groups: Groups
    directory: DirectorySignIn
    provider: ProviderSignIn
    workloads: Workloads
    intake: Intake
    incoming: Incoming
    inspector: Inspector
    cooling: Cooling
    feeding: Feeding
    transfers: Transfers
    resolutions: Resolutions
    sboms: Sboms
    compositions: Compositions
    movements: Movements
    reviews: Reviews
    decisions: Decisions
    suites: Suites
    listings: Listings
    explanations: Explanations
    publisher: Publisher
    publications: Publications
    published: PublishedFiles
    collector: Collector
    pins: Pins
    retention: Retention
    feeds: Feeds
    jobs: Jobs
    job_board: JobBoard
    scheduler: Scheduler
    sources: Sources
    syncs: Syncs
    courier: Courier
    searches: Searches
    upstream_resolutions: UpstreamResolutions
    imports: Imports
    import_groups: ImportGroups
    recipes: Recipes
    mirrors: Mirrors
    mirror_runs: MirrorRuns
    on_demand: OnDemand
    bundles: Bundles
    bundle_making: BundleMaking
    bundle_receiving: BundleReceiving
    bundle_folders: BundleFolders
    bundle_imports: BundleImports
    mirror_plans: MirrorPlans
    signing_keys: SigningKeys
    antivirus: Antivirus
    grype: SecondEngine
    trusted_keys: TrustedKeys
    provenances: Provenances
    vulnerabilities: Looking
    verifier: Verifier
    exports: Exports
    export_jobs: ExportJobs
    keeper: Keeper
    health: Health
    preflight: Preflight
    gauges: Gauges
    watching: Watching
    downloads: Downloads
    recorder: Recorder
    snapshots: Snapshots
    merge_jobs: MergeJobs
    merging: Merging
    environments: Environments
    notices: Notices
    rollouts: Rollouts
    bulletins: Bulletins
    notifications: Notifications
    templates: Templates
    catalog: Catalog
    blobs: BlobStore
    queue: Queue
    now: Callable[[], datetime]
