"""What the import of a bundle asks of the rest of the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from entrepot.domain.bundles.head import Head
from entrepot.domain.bundles.lists import Entry
from entrepot.domain.bundles.manifest import BundledState
from entrepot.domain.jobs.work import JobId
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import Suite


@dataclass(frozen=True, slots=True)
class Errand:
    """For whom, from which bundle and into which suite packages are brought."""

    actor: Actor
    bundle: str
    job: JobId
    suite: Suite


@dataclass(frozen=True, slots=True)
class Passed:
    """What the gate said of a package: published, skipped, pending_review, rejected or publishing."""

    status: str
    message: str
    admission: int | None


LetIn = Callable[[Errand, Entry], Passed]
"""Asks the gate about a stored file."""

Decided = Callable[[int], str]
"""How an admission stands, in the words of ``Passed.status``."""

Tell = Callable[[str, int, str], None]
"""Hears how it goes on; raises to end it."""

Fill = Callable[[Actor, Suite, BundledState, Head, Tell], None]
"""Has a suite show the files of a state with their own signature."""

Keep = Callable[[Actor, str, str], None]
"""Keeps a state of a distribution under a name."""


@dataclass(frozen=True, slots=True)
class Ways:
    """All of it."""

    let_in: LetIn
    decided: Decided
    fill: Fill
    keep: Keep
