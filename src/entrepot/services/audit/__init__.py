"""The audit log, read: search.

Called by the routes.  Entries are written by the other services, each in the unit of its change.
"""

from entrepot.services.audit.log import AuditLog

__all__ = ["AuditLog"]
