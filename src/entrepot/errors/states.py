"""What keeps snapshots and environments from being changed."""

from __future__ import annotations

from entrepot.errors.base import EntrepotError, Kind


class StillShown(EntrepotError):
    """A snapshot or distribution is what an environment shows."""

    code, kind, title = "snapshot.shown", Kind.CONFLICT, "Still in use"


class SuiteInUse(EntrepotError):
    """A suite that shall be removed has packages, or environments, snapshots, mirrors and the like that hang on it."""

    code, kind, title = "suite.in_use", Kind.CONFLICT, "The suite is in use"


class MoveRefused(EntrepotError):
    """An environment would show what it must not: packages that nothing lets in, or that lose what they need."""

    code, kind, title = "environment.refused", Kind.CONFLICT, "The move would do harm"


class MergeRefused(EntrepotError):
    """States that shall be merged have the same version of a package with different contents."""

    code, kind, title = "snapshot.merge_refused", Kind.CONFLICT, "The states contradict each other"
