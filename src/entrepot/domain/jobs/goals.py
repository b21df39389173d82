"""The goals there are, as data that survives in any queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GoalKind(StrEnum):
    """What to bring about."""

    PUBLISH = "publish"
    """The suite's current generation shows its revision."""
    PUBLISH_LATE = "publish-late"
    """Its slow documents (Contents) show the revision, too."""
    INSPECT = "inspect"
    """The admission has a verdict, and the catalog follows it."""
    RECONSIDER = "reconsider"
    """The admission that was held for the age of its package is judged by what is known now."""
    RESUME = "resume"
    """The promotion that was held for the age of its packages is judged by what is known now."""
    COLLECT = "collect"
    """Blobs and generations that nobody can ask for any more are gone."""
    NOTIFY = "notify"
    """What was recorded is told to those who want to hear of it."""
    RETAIN = "retain"
    """The run of retention has ended."""
    JOB = "job"
    """The job, which people watch, has ended."""
    REMATCH = "rematch"
    """Every package was compared with the advisories of now."""
    RESCAN = "rescan"
    """Every check was asked again about a package."""
    COMPOSITION = "composition"
    """Every stored package was looked into for what it carries inside."""

    REVIEW = "review"
    """No decision outlives its end, and those concerned have heard of it."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A kind and the row it is about (0 where there is just one)."""

    kind: GoalKind
    subject: int = 0

    @property
    def key(self) -> str:
        """Goals with the same key are one goal; workers never pursue it twice at a time."""
        return f"{self.kind.value}-{self.subject}"
