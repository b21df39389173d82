"""Which role carries which permission (contract section 3)."""

from __future__ import annotations

from enum import Enum

from entrepot.domain.model.actor import Actor, Role
from entrepot.errors import NotSignedIn, PermissionDenied


class Permission(Enum):
    """A thing that can be allowed, and the lowest role that carries it."""

    PROFILE_READ = ("profile.read", Role.READER)
    PACKAGE_READ = ("package.read", Role.READER)
    SUITE_READ = ("suite.read", Role.READER)
    PACKAGE_UPLOAD = ("package.upload", Role.UPLOADER)
    AUDIT_READ = ("audit.read", Role.AUDITOR)
    PACKAGE_DELETE = ("package.delete", Role.MAINTAINER)
    PACKAGE_PROMOTE = ("package.promote", Role.MAINTAINER)
    INDEX_REBUILD = ("index.rebuild", Role.MAINTAINER)
    REVIEW_DECIDE = ("review.decide", Role.MAINTAINER)
    SUITE_WRITE = ("suite.write", Role.ADMIN)
    USER_WRITE = ("user.write", Role.ADMIN)
    STORE_VERIFY = ("store.verify", Role.ADMIN)

    def __init__(self, code: str, role: Role) -> None:
        self.code = code
        self.role = role


def permitted(actor: Actor, permission: Permission) -> bool:
    """Whether the actor's highest role reaches the permission."""
    return actor.level >= permission.role.level


def demand(actor: Actor, permission: Permission) -> None:
    """Refuse an actor without the permission.

    Raises:
        NotSignedIn: nobody asks.
        PermissionDenied: the role is too low.
    """
    if not actor.name:
        raise NotSignedIn("sign in first")
    if not permitted(actor, permission):
        raise PermissionDenied(f"{permission.role.value} role required", permission=permission.code)
