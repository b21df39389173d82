"""Who may do what: the only place that decides (contract section 3).

A permission comes with a role of the program, which carries all permissions up to its level, or with a custom role,
which carries those that it lists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    AUDIT_ARCHIVE = ("audit.archive", Role.ADMIN)
    AUDIT_VERIFY = ("audit.verify", Role.ADMIN)
    PACKAGE_DELETE = ("package.delete", Role.MAINTAINER)
    PACKAGE_PROMOTE = ("package.promote", Role.MAINTAINER)
    PROMOTION_DECIDE = ("promotion.decide", Role.ADMIN)
    PACKAGE_PIN = ("package.pin", Role.MAINTAINER)
    INDEX_REBUILD = ("index.rebuild", Role.MAINTAINER)
    ERRATUM_WRITE = ("erratum.write", Role.MAINTAINER)
    SNAPSHOT_WRITE = ("snapshot.write", Role.MAINTAINER)
    ENVIRONMENT_MOVE = ("environment.move", Role.MAINTAINER)
    ENVIRONMENT_WRITE = ("environment.write", Role.ADMIN)
    REVIEW_READ = ("review.read", Role.AUDITOR)
    REVIEW_DECIDE = ("review.decide", Role.MAINTAINER)
    VULNERABILITY_READ = ("cve.view", Role.READER)
    POSTURE_READ = ("cve.posture", Role.MAINTAINER)
    RESCAN = ("cve.rescan", Role.MAINTAINER)
    REVIEW_OVERRIDE = ("review.override", Role.ADMIN)
    DOWNLOAD_READ = ("download.read", Role.MAINTAINER)
    DASHBOARD_READ = ("dashboard.read", Role.READER)
    SBOM_READ = ("sbom.read", Role.AUDITOR)
    METRICS_READ = ("metrics.read", Role.AUDITOR)
    SERVER_WATCH = ("server.watch", Role.ADMIN)
    ANTIVIRUS_READ = ("av.read", Role.MAINTAINER)
    ANTIVIRUS_UPDATE = ("av.update", Role.ADMIN)
    FEED_READ = ("feed.read", Role.MAINTAINER)
    FEED_REFRESH = ("feed.refresh", Role.MAINTAINER)
    FEED_WRITE = ("feed.write", Role.ADMIN)
    UPSTREAM_READ = ("upstream.read", Role.READER)
    SOURCE_READ = ("source.read", Role.MAINTAINER)
    SOURCE_WRITE = ("source.write", Role.MAINTAINER)
    SOURCE_SYNC = ("source.sync", Role.MAINTAINER)
    IMPORT_FETCH = ("import.fetch", Role.UPLOADER)
    IMPORT_PACKAGE = ("import.package", Role.MAINTAINER)
    IMPORT_GROUP_WRITE = ("import.group", Role.ADMIN)
    SUITE_WRITE = ("suite.write", Role.ADMIN)
    GROUP_READ = ("group.read", Role.READER)
    GROUP_WRITE = ("group.write", Role.ADMIN)
    ROLE_READ = ("role.read", Role.READER)
    ROLE_WRITE = ("role.write", Role.ADMIN)
    USER_WRITE = ("user.write", Role.ADMIN)
    TOKEN_WRITE = ("token.write", Role.ADMIN)
    SETTING_READ = ("setting.read", Role.ADMIN)
    SETTING_WRITE = ("setting.write", Role.ADMIN)
    KEY_WRITE = ("key.write", Role.ADMIN)
    RETENTION_RUN = ("retention.run", Role.ADMIN)
    JOB_READ = ("job.read", Role.READER)
    JOB_CANCEL = ("job.cancel", Role.UPLOADER)
    STORE_VERIFY = ("store.verify", Role.ADMIN)
    TREE_EXPORT = ("tree.export", Role.ADMIN)
    BUNDLE_READ = ("bundle.read", Role.MAINTAINER)
    BUNDLE_CREATE = ("bundle.create", Role.MAINTAINER)
    BUNDLE_IMPORT = ("bundle.import", Role.ADMIN)

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
        Permission.UPSTREAM_READ,
        Permission.IMPORT_FETCH,
        Permission.IMPORT_PACKAGE,
        Permission.AUDIT_READ,
        Permission.SBOM_READ,
        Permission.DASHBOARD_READ,
        Permission.VULNERABILITY_READ,
        Permission.PACKAGE_UPLOAD,
        Permission.PACKAGE_DELETE,
        Permission.PACKAGE_PROMOTE,
        Permission.JOB_READ,
        Permission.JOB_CANCEL,
        Permission.ERRATUM_WRITE,
        Permission.SNAPSHOT_WRITE,
    }
)


# What everybody who is signed in may do, whatever their roles: it is about nobody but themselves.
_OWN = frozenset({Permission.PROFILE_READ, Permission.PROFILE_WRITE})


def carried(roles: Iterable[Role], grants: Collection[str]) -> frozenset[Permission]:
    """All permissions that come with these roles and permission codes."""
    level = max((role.level for role in roles), default=0)
    return frozenset(each for each in Permission if level >= each.role.level or each.code in grants)


def _carries(actor: Actor, permission: Permission) -> bool:
    if permission in _OWN:
        return actor.name != ""
    return actor.level >= permission.role.level or permission.code in actor.grants


def permitted(actor: Actor, permission: Permission) -> bool:
    """Whether one of the actor's roles carries the permission, and its scope does not exclude it."""
    return _carries(actor, permission) and (actor.scope is None or permission in _WITHIN_SCOPE)


def demand(actor: Actor, permission: Permission) -> None:
    """Refuse an actor without the permission.

    Raises:
        NotSignedIn: nobody asks.
        PermissionDenied: no role carries it, or the token is limited to some distributions.
    """
    if not actor.name:
        raise NotSignedIn("sign in first")
    if not _carries(actor, permission):
        raise PermissionDenied(f"{permission.role.value} role required", permission=permission.code)
    if not permitted(actor, permission):
        raise PermissionDenied(
            "this credential is limited to some distributions and cannot do that", permission=permission.code
        )


def demand_rights_of(actor: Actor, wanted: Collection[Permission]) -> None:
    """Refuse an actor who gives, or decides about, rights that are more than their own.

    Raises:
        PermissionDenied: naming some of what is missing.
    """
    missing = sorted(each.code for each in wanted if not _carries(actor, each))
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise PermissionDenied(
            f"nobody decides about rights that they lack themselves: {', '.join(missing[:3])}{more}",
            permission=missing[0],
        )


def demand_suite(actor: Actor, suite: Suite) -> None:
    """Refuse a token that may not write into this suite.

    Raises:
        PermissionDenied: the suite is outside the token's scope.
    """
    if actor.scope is not None and suite.full_name not in actor.scope:
        raise PermissionDenied(
            f"this credential may not write to distribution {suite.codename}; it is limited to "
            + ", ".join(sorted(actor.scope)),
            distribution=suite.codename,
        )
