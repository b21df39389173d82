"""The audit log, read: search, verification, export; and its signed checkpoints.

Called by routes, the keeper and ``entrepot audit``.  Entries are written by the other services, each in the unit of its
change; the catalog links them.
"""

from entrepot.services.audit.auditing import Auditing
from entrepot.services.audit.exports import Export, ExportRequest, Exports
from entrepot.services.audit.integrity import Integrity, IntegrityReport
from entrepot.services.audit.log import AuditLog
from entrepot.services.audit.refusals import Refusals
from entrepot.services.audit.seals import Forgotten, Seals

__all__ = [
    "AuditLog",
    "Auditing",
    "Export",
    "ExportRequest",
    "Exports",
    "Forgotten",
    "Integrity",
    "IntegrityReport",
    "Refusals",
    "Seals",
]
