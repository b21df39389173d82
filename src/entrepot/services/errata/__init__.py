"""What clients are told about updates: notices that explain them, and how fast they spread."""

from entrepot.services.errata.bulletins import Bulletins
from entrepot.services.errata.notices import Notices
from entrepot.services.errata.rollouts import Rollouts

__all__ = ["Bulletins", "Notices", "Rollouts"]
