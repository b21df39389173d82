"""What packages need, and whether a suite gives it: answered from the catalog by ``domain.dependencies``.

Called by the API.  Reads only; no unit of the catalog is open while it thinks.
"""

from entrepot.services.resolution.service import Question, Resolution, Resolutions

__all__ = ["Question", "Resolution", "Resolutions"]
