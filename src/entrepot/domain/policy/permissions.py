"""Which role carries which permission (contract section 3)."""

from __future__ import annotations

from enum import Enum

from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.suite import Suite
from entrepot.errors import NotSignedIn, PermissionDenied


class Permission(Enum):
    """A thing that can be allowed, and the lowest role that carries it."""

    PROFILE_READ = ("profile.read", Role.READER)
    PROFILE_WRITE = ("profile.write", Role.READER)
    PACKAGE_READ = ("package.read", Role.READER)
    SUITE_READ = ("suite.read", Role.READER)
    PACKAGE_UPLOAD = ("package.upload", Role.UPLOADER)
    AUDIT_READ = ("audit.read", Role.AUDITOR)
    PACKAGE_DELETE = ("package.delete", Role.MAINTAINER)
    PACKAGE_PROMOTE = ("package.promote", Role.MAINTAINER)
    INDEX_REBUILD = ("index.rebuild", Role.MAINTAINER)
    REVIEW_READ = ("review.read", Role.AUDITOR)
    REVIEW_DECIDE = ("review.decide", Role.MAINTAINER)
    DOWNLOAD_READ = ("download.read", Role.MAINTAINER)
    DASHBOARD_READ = ("dashboard.read", Role.READER)
    SERVER_WATCH = ("server.watch", Role.ADMIN)
    SUITE_WRITE = ("suite.write", Role.ADMIN)
    USER_WRITE = ("user.write", Role.ADMIN)
    TOKEN_WRITE = ("token.write", Role.ADMIN)
    SETTING_READ = ("setting.read", Role.ADMIN)
    SETTING_WRITE = ("setting.write", Role.ADMIN)
    STORE_VERIFY = ("store.verify", Role.ADMIN)

    def __init__(self, code: str, role: Role) -> None:
        self.code = code
        self.role = role


# All that a token which is limited to some suites can be allowed.  Whatever writes into a suite asks ``demand_suite``
# as well; whatever is not here touches more than single suites.
_WITHIN_SCOPE = frozenset(
    {
        Permission.PROFILE_READ,
        Permission.PROFILE_WRITE,
        Permission.PACKAGE_READ,
        Permission.SUITE_READ,
        Permission.AUDIT_READ,
        Permission.DASHBOARD_READ,
        Permission.PACKAGE_UPLOAD,
        Permission.PACKAGE_DELETE,
        Permission.PACKAGE_PROMOTE,
    }
)


def permitted(actor: Actor, permission: Permission) -> bool:
    """Whether the actor's highest role reaches the permission, and its scope does not exclude it."""
    return actor.level >= permission.role.level and (actor.scope is None or permission in _WITHIN_SCOPE)


def demand(actor: Actor, permission: Permission) -> None:
    """Refuse an actor without the permission.

    Raises:
        NotSignedIn: nobody asks.
        PermissionDenied: the role is too low, or the token is limited to some distributions.
    """
    if not actor.name:
        raise NotSignedIn("sign in first")
    if actor.level < permission.role.level:
        raise PermissionDenied(f"{permission.role.value} role required", permission=permission.code)
    if not permitted(actor, permission):
        raise PermissionDenied(
            "this API token is limited to some distributions and cannot do that", permission=permission.code
        )


def demand_suite(actor: Actor, suite: Suite) -> None:
    """Refuse a token that may not write into this suite.

    Raises:
        PermissionDenied: the suite is outside the token's scope.
    """
    if actor.scope is not None and suite.full_name not in actor.scope:
        raise PermissionDenied(
            f"this API token may not write to distribution {suite.codename}; it is limited to "
            + ", ".join(sorted(actor.scope)),
            distribution=suite.codename,
        )
