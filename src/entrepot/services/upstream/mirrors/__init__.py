"""Suites that show what a source shows, byte for byte, with its own signature.

Called by the API, the command line, the worker, the keeper and, for packages that are fetched when somebody asks for
them, the content.  A suite's generation is switched only when every file is stored that its signed root lists, or of a
mirror on demand its whole index; until then, and whenever something is wrong, the one before stays in force.
"""

from entrepot.services.upstream.mirrors.demand import Arrival, OnDemand
from entrepot.services.upstream.mirrors.plans import MirrorPlans
from entrepot.services.upstream.mirrors.register import Mirrors
from entrepot.services.upstream.mirrors.runs import MIRROR_JOB, MirrorRuns

__all__ = ["MIRROR_JOB", "Arrival", "MirrorPlans", "MirrorRuns", "Mirrors", "OnDemand"]
