"""Work that people watch: begun in the unit of what causes it, done by a worker, followed and cancelled by people.

Services that have long work get ``Jobs.begin`` from ``main``, and say there what a kind of job is (``JobKind``); how is
told in ``work.py``.  A job that runs is a row whose lease somebody renews; whatever else happens, the keeper finds it.
What a kind of work does is not here.
"""

from entrepot.services.jobs.board import JobBoard
from entrepot.services.jobs.kinds import JobKind
from entrepot.services.jobs.work import Jobs

__all__ = ["JobBoard", "JobKind", "Jobs"]
