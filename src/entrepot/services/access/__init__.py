"""Who somebody is: accounts, sign-in, sessions, the first administrator.

Called by entry points.  A role is read from the catalog at every request; no token carries one.
What a role may do is ``domain.policy.permissions``.
"""

from entrepot.services.access.service import Access, Session, SetupState

__all__ = ["Access", "Session", "SetupState"]
