"""People decide: what a decision does, when it ends, who looks after it, and what nobody may have.

Called by entry points, workers and the keeper.  A decision is about bytes; of several made at the same moment one
counts; what it lets in leaves with its end.  The queue itself is ``reviews``.
"""

from dataclasses import dataclass

from entrepot.services.intake.decisions.quarantines import Quarantines
from entrepot.services.intake.decisions.records import Records
from entrepot.services.intake.decisions.reopening import Reopening
from entrepot.services.intake.decisions.reports import Reports
from entrepot.services.intake.decisions.waivers import Waivers

__all__ = ["Decisions", "Quarantines", "Records", "Reopening", "Reports", "Waivers"]


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything about decisions but making one about what waits."""

    records: Records
    quarantines: Quarantines
    waivers: Waivers
    reports: Reports
    reopening: Reopening
