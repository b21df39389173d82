"""Answers about feeds."""

from __future__ import annotations

from typing_extensions import TypedDict


class Feed(TypedDict):
    """A feed: where it comes from, how whole and how old it is."""

    name: str
    kind: str
    enabled: bool
    location: str
    contexts: list[str]
    state: str
    complete: bool
    stale: bool
    count: int
    distributions: dict[str, int]
    newest_at: str | None
    imported_at: str | None
    checked_at: str | None
    failure: str
    failed_at: str | None
    job_id: str | None


class FeedsStatus(TypedDict):
    """``GET /security/feeds/status``."""

    feeds: list[Feed]
    complete: bool
    advisories: int


class FeedJob(TypedDict):
    """An import that was begun."""

    feed: str
    job_id: str


class FeedsRefresh(TypedDict):
    """``POST /security/feeds/refresh``."""

    status: str
    jobs: list[FeedJob]


class FeedSent(TypedDict):
    """``POST /security/feeds/{name}``."""

    status: str
    feed: str
    job_id: str
