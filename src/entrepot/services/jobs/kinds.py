"""What kinds of jobs there are: defined by ``main``, one for each service that has long work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from entrepot.domain.jobs.work import Json, Work
from entrepot.domain.policy.permissions import Permission


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job.

    ``read`` is what somebody must be allowed to see those of others, ``cancel`` what it takes to end them; without it
    nobody can, not even who began it.

    ``work`` does it in a worker, from wherever it is, as often as it takes, and returns the result.  With ``elsewhere``
    the work belongs to another goal, which reports to ``Jobs.progress`` and ``Jobs.finish``; then ``work`` only looks
    now and then whether it has ended, and returns ``None`` while it has not.
    """

    name: str
    read: Permission
    cancel: Permission | None
    work: Callable[[Work], Mapping[str, Json] | None]
    elsewhere: bool = False


Kinds = dict[str, JobKind]
