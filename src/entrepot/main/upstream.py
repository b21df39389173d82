"""Other people's repositories."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from entrepot.adapters.outbound.fetching import Proxy
from entrepot.adapters.outbound.scratch import Scratch
from entrepot.adapters.outbound.targets import Inside
from entrepot.adapters.signing import verification
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.permissions import Permission
from entrepot.main.parts import Parts
from entrepot.services.jobs import JobKind, Jobs
from entrepot.services.upstream import Courier, Sources, Syncs
from entrepot.services.upstream.courier import Ways
from entrepot.services.upstream.indexes import Indexes
from entrepot.services.upstream.roots import Roots
from entrepot.services.upstream.syncing import Syncing
from entrepot.services.upstream.syncs import SYNC_JOB
from entrepot.settings import Settings


class Upstream(TypedDict):
    """By their names in the application."""

    sources: Sources
    syncs: Syncs
    courier: Courier


def upstream(settings: Settings, parts: Parts, configuration: Callable[[], Configuration], jobs: Jobs) -> Upstream:
    """Sources, and the copy of what their indexes list."""
    proxy = settings.upstream_proxy.get_secret_value() if settings.upstream_proxy is not None else ""
    ways = Ways(Inside.parse(settings.upstream_inside), Proxy.parse(proxy))
    courier = Courier(parts.fetcher, ways, parts.secret)
    sources = Sources(parts.catalog, courier, verification, configuration, parts.now)
    indexes = Indexes(courier, Scratch(settings.data.absolute() / "upstream"))
    syncing = Syncing(parts.catalog, Roots(courier, verification, parts.now), indexes, parts.now)
    syncs = Syncs(parts.catalog, sources, syncing, jobs.begin, jobs.wake, parts.now)
    jobs.define(JobKind(SYNC_JOB, Permission.SOURCE_READ, Permission.SOURCE_SYNC, syncs.pursue))
    return Upstream(sources=sources, syncs=syncs, courier=courier)
