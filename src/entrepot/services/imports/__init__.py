"""Packages of other people's repositories: found, resolved with all they need, and brought through the gate.

Called by the API and the worker.  How a file is fetched and how it is let in are handed in by ``main``; indexes are
read from the catalog, where ``services/upstream`` puts them.
"""

from entrepot.services.imports.groups import ImportGroups
from entrepot.services.imports.importing import Imports
from entrepot.services.imports.recipes import Recipes
from entrepot.services.imports.resolving import UpstreamResolutions
from entrepot.services.imports.searching import Searches

__all__ = ["ImportGroups", "Imports", "Recipes", "Searches", "UpstreamResolutions"]
