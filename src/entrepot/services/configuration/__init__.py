"""What administrators change while the server runs (contract 4.12).  The document is ``domain.model.configuration``.

Called by the API and the command line; other services are given ``Configuration`` objects through a function, by
``main``.  A change is in force at once here, and within a second on every other node.
"""

from entrepot.services.configuration.policies import Policies
from entrepot.services.configuration.rules import Rulebook
from entrepot.services.configuration.service import Configurations

__all__ = ["Configurations", "Policies", "Rulebook"]
