"""Metrics in Prometheus' text format (contract 4.13); never open to all."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from entrepot import __version__
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.entrypoints.api.context import App, bearer, current_actor
from entrepot.services.upkeep.figures import Figures

router = APIRouter(tags=["health"])

_SCRAPER = Actor("(metrics token)", frozenset({Role.AUDITOR}))


@dataclass(frozen=True, slots=True)
class Scraping:
    """A dependency: whoever shows the token of the settings, or may read the metrics."""

    permission = Permission.METRICS_READ

    def __call__(self, request: Request) -> Actor:
        """Whoever scrapes.

        Raises:
            NotSignedIn, PermissionDenied: it is neither.
        """
        token, shown = request.app.state.metrics_token, bearer(request)
        if token and shown and hmac.compare_digest(shown.encode("utf-8", "replace"), token.encode()):
            request.state.actor = _SCRAPER
            return _SCRAPER
        actor = current_actor(request)
        demand(actor, self.permission)
        return actor


class _Catalog(Collector):
    """What the catalog says, as metrics; the same on every node."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """In the form of the client library."""
        figures, totals = self._figures, self._figures.totals
        yield InfoMetricFamily("entrepot_build", "The program", {"version": __version__})
        yield _gauge("entrepot_database_seconds", "Time of the last look at all of this", figures.database_seconds)
        yield _gauge("entrepot_stored_packages", "Package files that are stored", totals.packages)
        yield _gauge("entrepot_stored_package_bytes", "Bytes of the package files", totals.package_bytes)
        yield CounterMetricFamily("entrepot_audit_entries", "Entries ever written", value=totals.audit_entries)
        yield _gauge("entrepot_suites_unpublished", "Suites whose change no client sees yet", figures.unpublished)
        yield _gauge("entrepot_suites_late", "Suites whose later documents are behind", figures.late)
        admissions = GaugeMetricFamily("entrepot_admissions", "Packages that asked for a suite", labels=("state",))
        for state, count in {"received": 0, "held": 0, **totals.admissions}.items():
            admissions.add_metric((state,), count)
        yield admissions
        yield from self._suites()

    def _suites(self) -> Iterator[Metric]:
        labels = ("format", "archive", "suite")
        packages = GaugeMetricFamily("entrepot_suite_packages", "Packages of a suite", labels=labels)
        size = GaugeMetricFamily("entrepot_suite_bytes", "Bytes of the packages of a suite", labels=labels)
        behind = GaugeMetricFamily("entrepot_suite_behind", "1: a change waits for publication", labels=labels)
        kept = GaugeMetricFamily("entrepot_suite_generations", "Generations that are kept", labels=labels)
        newest = CounterMetricFamily("entrepot_suite_publications", "Generations ever put in force", labels=labels)
        for row in self._figures.suites:
            names = (row.suite.format.value, row.suite.archive.name, row.suite.codename)
            packages.add_metric(names, row.packages)
            size.add_metric(names, row.bytes)
            behind.add_metric(names, int(row.is_behind))
            kept.add_metric(names, row.generations_kept)
            newest.add_metric(names, row.newest_generation)
        yield from (packages, size, behind, kept, newest)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Text format 1.0"}},
)
def metrics(request: Request, app: App, who: Annotated[Actor, Depends(Scraping())]) -> Response:
    """For auditors, and for whoever shows the token of ``ENTREPOT_METRICS_TOKEN``."""
    figures = _Catalog(app.gauges.figures(who))
    return Response(request.app.state.observation.exposition(figures), media_type=CONTENT_TYPE_LATEST)
