"""Other people's repositories: which there are, and a verified copy of what their indexes list.

Called by the API, the worker and the schedule.  No package is fetched here; who imports packages looks them up in the
catalog (``Reading.upstream_packages``) and fetches them as the sources say (``Courier``).
"""

from entrepot.services.upstream.courier import Courier
from entrepot.services.upstream.sources import Sources
from entrepot.services.upstream.syncs import Syncs

__all__ = ["Courier", "Sources", "Syncs"]
