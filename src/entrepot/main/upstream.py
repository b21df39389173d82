"""Other people's repositories."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

from entrepot.adapters.outbound.fetching import Pace, Proxy
from entrepot.adapters.outbound.scratch import Scratch
from entrepot.adapters.outbound.targets import Inside
from entrepot.adapters.signing import verification
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.suite import Archive, SuiteId
from entrepot.domain.policy.permissions import Permission
from entrepot.main.gate import Gate
from entrepot.main.parts import FORMATS, Parts
from entrepot.services.jobs import JobKind, Jobs
from entrepot.services.upstream import Courier, Sources, Syncs
from entrepot.services.upstream.courier import Ways
from entrepot.services.upstream.indexes import Indexes
from entrepot.services.upstream.local import LocalCourier, Open
from entrepot.services.upstream.mirrors import MIRROR_JOB, MirrorPlans, MirrorRuns, Mirrors, OnDemand
from entrepot.services.upstream.mirrors.choosing import Choosing
from entrepot.services.upstream.mirrors.collecting import Collecting, Feed
from entrepot.services.upstream.mirrors.companions import Companions
from entrepot.services.upstream.mirrors.filling import Filling
from entrepot.services.upstream.mirrors.mirroring import Mirroring
from entrepot.services.upstream.mirrors.originals import Originals
from entrepot.services.upstream.mirrors.plans import Bounds
from entrepot.services.upstream.mirrors.resigning import Resigning, Stages
from entrepot.services.upstream.mirrors.settling import Settling
from entrepot.services.upstream.roots import Roots
from entrepot.services.upstream.syncing import Syncing
from entrepot.services.upstream.syncs import SYNC_JOB
from entrepot.settings import Settings

_IMPATIENT = Pace(connect_seconds=5.0, idle_seconds=15.0, tries=2, pause_seconds=0.5, longest_pause_seconds=5.0)


class Upstream(TypedDict):
    """By their names in the application."""

    sources: Sources
    syncs: Syncs
    courier: Courier
    mirrors: Mirrors
    mirror_runs: MirrorRuns
    on_demand: OnDemand
    mirror_plans: MirrorPlans


def upstream(
    settings: Settings,
    parts: Parts,
    configuration: Callable[[], Configuration],
    jobs: Jobs,
    make_key: Callable[[Archive], None],
    let_in: Gate,
    publish: Callable[[SuiteId], object],
) -> Upstream:
    """Sources, the copy of what their indexes list, and suites that follow one."""
    proxy = settings.upstream_proxy.get_secret_value() if settings.upstream_proxy is not None else ""
    ways = Ways(Inside.parse(settings.upstream_inside), Proxy.parse(proxy))
    courier = Courier(parts.fetcher, ways, parts.secret)
    sources = Sources(parts.catalog, courier, verification, configuration, parts.now)
    indexes = Indexes(courier, Scratch(settings.data.absolute() / "upstream"))
    syncing = Syncing(parts.catalog, Roots(courier, verification, parts.now), indexes, parts.now)
    syncs = Syncs(parts.catalog, sources, syncing, jobs.begin, jobs.wake, parts.now)
    jobs.define(JobKind(SYNC_JOB, Permission.SOURCE_READ, Permission.SOURCE_SYNC, syncs.pursue))
    choosing = Choosing(parts.catalog, FORMATS)
    tools = (courier, syncing, choosing, let_in["feeding"])
    resigning = _resigning(parts, *tools, publish, settings.max_upload_mb << 20)
    bounds = Bounds(lambda: shutil.disk_usage(settings.data).free, parts.monotonic)
    runs = _mirror_runs(parts, courier, resigning, jobs, bounds)
    jobs.define(JobKind(MIRROR_JOB, Permission.SOURCE_READ, Permission.SOURCE_SYNC, runs.pursue))
    mirrors = Mirrors(parts.catalog, choosing, make_key, runs.ask, parts.now)
    # Whoever asks for a package does not wait for as long as a run in the background may.
    asked = Courier(parts.fetcher, replace(ways, pace=_IMPATIENT), parts.secret)
    on_demand = OnDemand(parts.catalog, parts.blobs, asked, parts.now)
    return Upstream(
        sources=sources,
        syncs=syncs,
        courier=courier,
        mirrors=mirrors,
        mirror_runs=runs,
        on_demand=on_demand,
        mirror_plans=MirrorPlans(parts.catalog, runs, configuration),
    )


def _mirror_runs(parts: Parts, courier: Courier, resigning: Resigning, jobs: Jobs, bounds: Bounds) -> MirrorRuns:
    originals = Originals(courier, verification, parts.now)
    filling = Filling(parts.catalog, parts.blobs, courier, parts.now)
    mirroring = Mirroring(parts.catalog, parts.blobs, originals, filling, parts.now)
    return MirrorRuns(parts.catalog, mirroring, resigning, jobs.begin, jobs.wake, parts.now, bounds.watch)


def _resigning(
    parts: Parts,
    courier: Courier,
    syncing: Syncing,
    choosing: Choosing,
    feed: Feed,
    publish: Callable[[SuiteId], object],
    most_bytes: int,
) -> Resigning:
    collecting = Collecting(parts.catalog, parts.blobs, courier, feed, most_bytes)
    settling = Settling(parts.catalog, feed, publish, parts.now)
    companions = Companions(parts.catalog, courier, parts.now)
    stages = Stages(courier, syncing, choosing, collecting, settling, companions)
    return Resigning(parts.catalog, stages, feed, parts.now)


def mirroring_from(parts: Parts, open_file: Open, place: str) -> Mirroring:
    """Fills mirrors from files that are here; nothing is fetched."""
    courier = LocalCourier(open_file, place)
    filling = Filling(parts.catalog, parts.blobs, courier, parts.now)
    return Mirroring(parts.catalog, parts.blobs, Originals(courier, verification, parts.now), filling, parts.now)
