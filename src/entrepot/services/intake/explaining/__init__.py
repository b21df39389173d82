"""Why a package is in a suite, or is not: all that was written down about it, in order and in plain sentences.

Called by the API.  Reads only, and asks nobody anew.  What a package needs is told by ``services/resolution``.
"""

from entrepot.services.intake.explaining.service import Explanation, Explanations

__all__ = ["Explanation", "Explanations"]
