"""What this process has seen, in numbers: requests, content, uploads, goals.  Read by ``GET /metrics``.

Labels have few values: route templates and never paths, kinds of content and never names.  Server processes that share
a socket write into one folder, so that any of them answers for all.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_FAST = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_KINDS = (
    ("by-hash", re.compile(r"/by-hash/")),
    ("pool", re.compile(r"/pool/|/Packages/.*\.rpm\Z")),
    ("release", re.compile(r"/(InRelease|Release|Release\.gpg|repomd\.xml(\.asc|\.key)?)\Z")),
    ("key", re.compile(r"/key\.(asc|gpg)\Z")),
    ("client-file", re.compile(r"\.(sources|repo|list)\Z")),
    ("index", re.compile(r"/(dists|repodata)/")),
)


def content_kind(path: str) -> str:
    """What a path below ``/apt`` or ``/rpm`` asks for."""
    return next((kind for kind, pattern in _KINDS if pattern.search(path)), "other")


def share_between_processes(folder: Path) -> None:
    """Keep numbers in files of this folder from now on; the environment names it too (``settings.share_metrics``)."""
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    for left in folder.glob(f"*_{os.getpid()}.db"):
        left.unlink(missing_ok=True)


class Observation:
    """Counters of one process; ``shared`` is the folder where those of its siblings are."""

    def __init__(self, shared: Path | None = None) -> None:
        if shared is not None:
            share_between_processes(shared)
        self._shared = shared
        self._registry = registry = CollectorRegistry()
        self._requests = Histogram(
            "entrepot_http_request_seconds",
            "Requests of the API and the pages, by route template",
            ("method", "route", "status"),
            buckets=_FAST,
            registry=registry,
        )
        self.in_flight = Gauge(
            "entrepot_http_requests_in_flight",
            "Requests that are being answered, of the API and for content",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._content = Counter(
            "entrepot_content_requests", "Requests of package managers", ("kind", "status"), registry=registry
        )
        self._content_bytes = Counter(
            "entrepot_content_bytes", "Bytes sent to package managers", ("kind",), registry=registry
        )
        self._uploads = Counter(
            "entrepot_uploads", "Uploads that were received whole, by outcome", ("outcome",), registry=registry
        )
        self._failures = Counter(
            "entrepot_sign_in_failures", "Requests to sign in that were answered 401", registry=registry
        )
        self._limited = Counter(
            "entrepot_rate_limited", "Requests that were answered 429", ("route",), registry=registry
        )
        self._goals = Histogram(
            "entrepot_goal_seconds",
            "Pursuits of goals by this node, such as publications",
            ("kind", "outcome"),
            buckets=_SLOW,
            registry=registry,
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One that was answered."""
        self._requests.labels(method, route, str(status)).observe(seconds)
        if status == 429:
            self._limited.labels(route).inc()
        if status == 401 and route == "/auth/token":
            self._failures.inc()

    def content(self, path: str, status: int, sent_bytes: int) -> None:
        """An answer to a package manager."""
        kind = content_kind(path)
        self._content.labels(kind, str(status)).inc()
        self._content_bytes.labels(kind).inc(sent_bytes)

    def upload(self, outcome: str) -> None:
        """One that was received whole."""
        self._uploads.labels(outcome).inc()

    def goal(self, kind: str, seconds: float, failed: bool) -> None:  # noqa: FBT001 - as ``Watch`` calls it
        """One pursuit."""
        self._goals.labels(kind, "failed" if failed else "done").observe(seconds)

    def exposition(self, figures: Collector) -> bytes:
        """Prometheus' text format, with what the catalog says."""
        registry = self._registry
        if self._shared is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, str(self._shared))  # type: ignore[no-untyped-call]
        among = CollectorRegistry()
        among.register(figures)
        return generate_latest(registry) + generate_latest(among)
