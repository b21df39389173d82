"""The settings that say where advisories come from."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from entrepot.domain.model.part import Part, Short

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")


def is_feed_name(text: str) -> bool:
    """Whether a feed may be called so."""
    return _NAME.match(text) is not None


def _name(text: str) -> str:
    if not is_feed_name(text):
        raise ValueError("must be 1 to 64 of a-z 0-9 . _ -, and begin with a letter or digit")
    return text


def _location(text: str) -> str:
    if "://" in text:
        if not re.match(r"https?://[^\s/@]+/\S*\Z", text):
            raise ValueError("must be http://host/file or https://host/file, without a user name")
    elif text.startswith("/") or ".." in text.split("/") or "\0" in text:
        raise ValueError("must be a URL, or a path relative to the folder for feeds (ENTREPOT_ADVISORIES)")
    return text


class FeedSource(Part):
    """One feed.  Without a location it has what somebody sends."""

    name: Annotated[str, AfterValidator(_name)]
    kind: Literal["osv", "kev", "epss"] = "osv"
    location: Annotated[str, Field(max_length=2000), AfterValidator(_location)] = Field(
        default="", description="URL, or a path below ENTREPOT_ADVISORIES; empty: files are sent to it"
    )
    contexts: tuple[Short, ...] = Field(
        default=(), max_length=100, description="Keep only these distributions, such as Debian:12; empty: all"
    )
    enabled: bool = True


class AdvisorySettings(Part):
    """Where advisories come from, and how often they are asked for."""

    feeds: tuple[FeedSource, ...] = Field(default=(), max_length=50)
    ttl_hours: int = Field(
        default=24, ge=1, le=8760, description="Feeds of advisories; see security for those about exploitation"
    )
    inside: Short = Field(
        default="", description="Places of the own network that feeds may come from, such as 10.1.2.3:8080; empty: none"
    )

    @field_validator("feeds")
    @classmethod
    def _told_apart(cls, feeds: tuple[FeedSource, ...]) -> tuple[FeedSource, ...]:
        if len({feed.name for feed in feeds}) != len(feeds):
            raise ValueError("two feeds have the same name")
        return feeds

    def feed(self, name: str) -> FeedSource | None:
        """One by name."""
        return next((feed for feed in self.feeds if feed.name == name), None)
