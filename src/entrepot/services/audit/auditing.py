"""The services of the audit log, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.services.audit.exports import Exports
from entrepot.services.audit.integrity import Integrity
from entrepot.services.audit.log import AuditLog
from entrepot.services.audit.refusals import Refusals
from entrepot.services.audit.seals import Seals


@dataclass(frozen=True, slots=True)
class Auditing:
    """What entry points have of them."""

    log: AuditLog
    exports: Exports
    integrity: Integrity
    seals: Seals
    refusals: Refusals
