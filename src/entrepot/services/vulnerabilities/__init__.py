"""What is known to be wrong with packages: kept, shown, and compared again when more becomes known.

Called by the API, the worker and the keeper.  What a package is compared with comes from ``domain/advisories``; what
findings lead to is decided elsewhere, by an effect that ``main`` hands in.
"""

"""What is known to be wrong with packages: where that knowledge comes from, and what it says.

Feeds are imported here (``feeds.py``); an import that did not end leaves a feed that is not complete, and says so.
What a finding leads to is decided by policy.
"""

from entrepot.services.vulnerabilities.feeds import Feeds

__all__ = ["Feeds"]
