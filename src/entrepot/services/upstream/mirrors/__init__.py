"""Suites that show what a source shows, byte for byte, with its own signature.

Called by the API, the command line, the worker and the keeper.  A suite's generation is switched only when every file
is stored that its signed root lists; until then, and whenever something is wrong, the one before stays in force.
"""

from entrepot.services.upstream.mirrors.register import Mirrors
from entrepot.services.upstream.mirrors.runs import MIRROR_JOB, MirrorRuns

__all__ = ["MIRROR_JOB", "MirrorRuns", "Mirrors"]
