"""Sessions of CI jobs: they last as long as the trust that they were opened under."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.federation import TrustedWorkload
from entrepot.domain.model.suite import DEFAULT_ARCHIVE
from entrepot.domain.policy.external_roles import role_of
from entrepot.errors import NotSignedIn
from entrepot.services.access.tokens import SessionClaims

_MOST_CHARACTERS = 128


def epoch_of(workload: TrustedWorkload) -> int:
    """Changes with what the workload must show; not with what it may do, which is read at every request."""
    shown = [workload.name, workload.issuer, workload.audience, sorted(workload.claims.items())]
    return int.from_bytes(hashlib.sha256(json.dumps(shown).encode()).digest()[:6])


def name_of(workload: TrustedWorkload, subject: str) -> str:
    """``ci:<workload>:<subject>``, as it stands in the audit; long subjects end in a part of their hash."""
    plain = "".join(char if char.isprintable() else "?" for char in subject)
    name = f"ci:{workload.name}:{plain}"
    if len(name) <= _MOST_CHARACTERS and plain == subject:
        return name
    return (
        f"{name[: _MOST_CHARACTERS - 13]}~{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
    )


def scope_of(workload: TrustedWorkload) -> frozenset[str] | None:
    """Full names of suites; none is no limit."""
    names = workload.distributions
    return frozenset(name if "/" in name else f"{DEFAULT_ARCHIVE}/{name}" for name in names) if names else None


def actor_in(configuration: Configuration, claims: SessionClaims, address: str) -> Actor:
    """Who a session of a CI job stands for, with the role and distributions of now.

    Raises:
        NotSignedIn: the workload is not in the settings any more, or has to show something else.
    """
    for workload in configuration.trusted_workloads:
        if workload.name == claims.workload and epoch_of(workload) == claims.epoch:
            role = role_of(workload.role) or Role.READER
            return Actor(claims.username, frozenset({role}), address, scope=scope_of(workload), workload=workload.name)
    raise NotSignedIn("the session has ended: the workload is not trusted any more")


def lifetime_of(workload: TrustedWorkload) -> timedelta:
    """Of one session."""
    return timedelta(minutes=workload.lifetime_minutes)
