"""Who somebody is: accounts, sign-in, sessions, API tokens, the first administrator.

Called by entry points.  A role is read from the catalog at every request; no session carries one.
What a role may do is ``domain.policy.permissions``.
"""

from entrepot.services.access.api_tokens import ApiTokens
from entrepot.services.access.directory import DirectorySignIn
from entrepot.services.access.factors import SecondFactors
from entrepot.services.access.first import SetupState
from entrepot.services.access.groups import Groups
from entrepot.services.access.limits import Allowance, RateLimits
from entrepot.services.access.provider import ProviderSignIn
from entrepot.services.access.rescue import Rescue
from entrepot.services.access.resets import PasswordResets
from entrepot.services.access.roles import Roles
from entrepot.services.access.second_step import Challenge
from entrepot.services.access.service import Access, Session
from entrepot.services.access.users import Users
from entrepot.services.access.workloads import Workloads

__all__ = [
    "Access",
    "Allowance",
    "ApiTokens",
    "Challenge",
    "DirectorySignIn",
    "Groups",
    "PasswordResets",
    "ProviderSignIn",
    "RateLimits",
    "Rescue",
    "Roles",
    "SecondFactors",
    "Session",
    "SetupState",
    "Users",
    "Workloads",
]
