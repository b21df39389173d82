"""Who may come in, and how they show who they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypedDict

from entrepot.domain.model.configuration import Configuration
from entrepot.main.parts import Parts
from entrepot.services.access import (
    Access,
    DirectorySignIn,
    ProviderSignIn,
    Workloads,
)
from entrepot.services.access.attempts import Attempts
from entrepot.services.access.external import ExternalAccounts
from entrepot.services.access.foreign_tokens import ForeignTokens
from entrepot.services.access.standing import WatchedPeople
from entrepot.services.access.tokens import SessionTokens
from entrepot.settings import Settings


class SigningIn(TypedDict):
    """By their names in the application; the accounts of this server itself are put together by ``accounts``."""

    access: Access
    directory: DirectorySignIn
    provider: ProviderSignIn
    workloads: Workloads


def signing_in(
    settings: Settings, parts: Parts, watched: WatchedPeople, configuration: Callable[[], Configuration]
) -> SigningIn:
    """Every way to sign in."""
    tokens = SessionTokens(parts.secret, timedelta(minutes=settings.jwt_expire_minutes))
    foreign = ForeignTokens(parts.issuers, parts.now)
    external = ExternalAccounts(parts.catalog, parts.now)
    directory = DirectorySignIn(parts.catalog, watched, configuration, external)
    attempts = Attempts(configuration, parts.now)
    return SigningIn(
        access=Access(parts.catalog, parts.secret, tokens, attempts, directory, configuration, parts.now),
        directory=directory,
        provider=ProviderSignIn(
            parts.catalog, parts.secret, tokens, foreign, parts.issuers, configuration, external, parts.now
        ),
        workloads=Workloads(parts.catalog, tokens, foreign, configuration, parts.now),
    )
