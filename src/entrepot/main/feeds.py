"""Where the knowledge of faults comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from entrepot.adapters.feeds.folder import LocalFeedFiles
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.permissions import Permission
from entrepot.main.parts import Parts
from entrepot.services.jobs import JobKind, Jobs
from entrepot.services.vulnerabilities.feeds import JOB, Feeds, Places
from entrepot.settings import Settings


class Fed(TypedDict):
    """By its name in the application."""

    feeds: Feeds


def feeding(settings: Settings, parts: Parts, jobs: Jobs, configuration: Callable[[], Configuration]) -> Fed:
    """An import is a job that people watch."""
    places = Places(parts.blobs, LocalFeedFiles(settings.advisories), parts.fetcher)
    feeds = Feeds(parts.catalog, places, configuration, jobs.begin, jobs.running, parts.now, parts.monotonic)
    jobs.define(JobKind(JOB, Permission.FEED_READ, Permission.FEED_REFRESH, feeds.pursue))
    return Fed(feeds=feeds)
