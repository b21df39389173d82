"""Packages on their way in, between suites, and out: receive, inspect, decide, promote, remove.

Called by entry points and workers.  Every way in passes the same gate; nothing acknowledged is lost.
Making suites visible to clients is publish's, not this room's.
"""

from entrepot.services.intake.receipts import Receipt, ReceiptStatus, UploadRequest
from entrepot.services.intake.service import Intake

__all__ = ["Intake", "Receipt", "ReceiptStatus", "UploadRequest"]
