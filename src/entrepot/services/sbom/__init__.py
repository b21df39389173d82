"""Lists of software (SBOM): of a package, of a distribution, of everything that is published.

Called by the API, and by workers about packages that nobody has looked into.  No unit of the catalog is open longer
than a page takes, and a list shows one state.
"""

from entrepot.services.sbom.compositions import Compositions
from entrepot.services.sbom.service import Listed, Preview, Sboms
from entrepot.services.sbom.standing import Asked

__all__ = ["Asked", "Compositions", "Listed", "Preview", "Sboms"]
