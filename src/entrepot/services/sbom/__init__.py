"""Lists of software (SBOM): of a package, of a distribution, of everything that is published.

Called by the API.  Reads only; no unit of the catalog is open longer than a page takes, and a list shows one state.
"""

from entrepot.services.sbom.service import Listed, Preview, Sboms
from entrepot.services.sbom.standing import Asked

__all__ = ["Asked", "Listed", "Preview", "Sboms"]
