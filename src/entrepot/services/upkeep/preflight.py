"""Is everything ready for the first administrator?  Asked by the set-up, before anybody has an account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entrepot.domain.model.actor import ANONYMOUS, Actor
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.services.upkeep.health import Component

_LEAST_FREE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """``needed`` ones stop the set-up from being ready."""

    name: str
    ok: bool
    detail: str
    needed: bool = False


class Preflight:
    """Looks, changes nothing, and names no path."""

    def __init__(
        self,
        setup_done: Callable[[], bool],
        components: Callable[[], Sequence[Component]],
        free_bytes: Callable[[], int],
        site: Callable[[], str],
    ) -> None:
        self._setup_done = setup_done
        self._components = components
        self._free_bytes = free_bytes
        self._site = site

    def checks(self, visitor: Actor | None) -> list[PreflightCheck]:
        """Open to all until the first administrator exists, then to administrators.

        Raises:
            NotSignedIn, PermissionDenied: set-up is done, and the caller may not read settings.
        """
        actor = visitor or ANONYMOUS
        if self._setup_done():
            demand(actor, Permission.SETTING_READ)
        states = {component.name: component for component in self._components()}
        return [
            _of(states["database"], needed=True),
            self._space(),
            _of(states["clamav"]),
            _of(states["grype"]),
            # The server does not start without it.
            PreflightCheck("secrets", ok=True, detail="the secret key is in place; keep a copy of it", needed=True),
            self._tls(),
        ]

    def _space(self) -> PreflightCheck:
        free = self._free_bytes()
        enough = free >= _LEAST_FREE_BYTES
        return PreflightCheck("disk_space", enough, f"{free >> 20} MiB are free", needed=True)

    def _tls(self) -> PreflightCheck:
        safe = self._site().startswith("https://")
        return PreflightCheck(
            "tls", safe, "the public address is https" if safe else "no public https address is configured"
        )


def _of(component: Component, *, needed: bool = False) -> PreflightCheck:
    return PreflightCheck(component.name, component.state == "ok", component.detail or component.state, needed)
