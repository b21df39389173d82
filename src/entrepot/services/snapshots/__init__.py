"""Content that is frozen under a name, compared, and shown to machines under names that move."""

from entrepot.services.snapshots.environments import Environments
from entrepot.services.snapshots.keeping import Snapshots
from entrepot.services.snapshots.merging import Merging

__all__ = ["Environments", "Merging", "Snapshots"]
