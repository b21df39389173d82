"""Where the states of a bundle go on this server, and whether they may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.bundles import Bundle, BundleStatus
from entrepot.adapters.catalog.naming import find_suite
from entrepot.domain.bundles.head import Head
from entrepot.domain.bundles.manifest import BundledState, Content
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import Suite
from entrepot.errors import (
    BundleBaseMissing,
    BundleIncomplete,
    BundleReplayed,
    InvalidRequest,
    UnknownDistribution,
)
from entrepot.services.bundles.shelf import Lack

Make = Callable[[Actor, BundledState], None]
"""Makes the suite, or the mirror, that a state comes from."""


@dataclass(frozen=True, slots=True)
class ImportWish:
    """How to import.

    ``into`` names distributions by the reference of a state; without it a state goes into the distribution that is
    called as the one it comes from, which is made with ``create``.  ``snapshot`` keeps what came under a name.
    ``older`` takes a bundle that is older than the last one.
    """

    into: Mapping[str, str] = field(default_factory=dict)
    create: bool = False
    snapshot: str = ""
    older: bool = False


@dataclass(frozen=True, slots=True)
class Aim:
    """A state and the suite that it goes into."""

    state: BundledState
    suite: Suite


class Targets:
    """Finds, makes and checks them."""

    def __init__(self, catalog: Catalog, make: Make) -> None:
        self._catalog = catalog
        self._make = make

    def aims(self, actor: Actor, head: Head, wish: ImportWish) -> list[Aim]:
        """Of all states.

        Raises:
            UnknownDistribution, InvalidRequest: there is no such distribution, or it is of another kind.
        """
        known = {state.reference for state in head.manifest.states}
        if unknown := sorted(set(wish.into) - known):
            raise InvalidRequest(f"into: the bundle has no state {unknown[0][:80]!r}", field="into")
        found = [self._aim(actor, state, wish) for state in head.manifest.states]
        if len({aim.suite.id for aim in found}) < len(found):
            raise InvalidRequest("two states of the bundle would go into one distribution; say 'into'", field="into")
        return found

    def _aim(self, actor: Actor, state: BundledState, wish: ImportWish) -> Aim:
        said = wish.into.get(state.reference, "")
        name = said or f"{state.archive}/{state.codename}"
        with self._catalog.read() as reading:
            suite = _found(reading, name, state)
        if suite is None and wish.create and not said:
            self._make(actor, state)
            with self._catalog.read() as reading:
                suite = _found(reading, name, state)
        if suite is None:
            what = "mirror" if state.content is Content.VERBATIM else "distribution"
            raise UnknownDistribution(
                f"there is no {what} {name} here for {state.reference}; say 'into', or 'create' to have it made as it "
                "is on the other server",
                distribution=name,
            )
        if suite.verbatim is not (state.content is Content.VERBATIM):
            raise InvalidRequest(
                f"{suite.full_name} {'shows' if suite.verbatim else 'does not show'} what an upstream has signed, and "
                f"{state.reference} is {'not ' if suite.verbatim else ''}such a state; name another distribution",
                field="into",
            )
        return Aim(state, suite)


def _found(reading: Reading, name: str, state: BundledState) -> Suite | None:
    try:
        return find_suite(reading, name, state.format)
    except UnknownDistribution:
        return None


def check_order(reading: Reading, bundle: Bundle, aims: list[Aim], wish: ImportWish) -> None:
    """Increments build on what is here, and nothing goes back unless somebody says so.

    Raises:
        BundleBaseMissing: its base was not imported.
        BundleReplayed: something newer was.
    """
    if bundle.base:
        base = reading.bundle(bundle.base, made_here=False)
        if base is None or base.status is not BundleStatus.IMPORTED:
            raise BundleBaseMissing(
                f"bundle {bundle.id} is number {bundle.place} of its chain and builds on bundle {bundle.base}, which "
                "was not imported here; import that one first",
                base=bundle.base,
            )
    for aim in aims:
        last = reading.last_bundle_of(aim.suite.id)
        if last is not None and last[0].made_at > bundle.made_at and not wish.older:
            raise BundleReplayed(
                f"bundle {bundle.id} was made at {bundle.made_at:%Y-%m-%d %H:%M:%S} UTC; {aim.suite.full_name} has "
                f"bundle {last[0].id} of {last[0].made_at:%Y-%m-%d %H:%M:%S} already; say 'older' to go back",
                newer=last[0].id,
            )


def check_whole(bundle: Bundle, lack: Lack) -> None:
    """Whether all files are here.

    Raises:
        BundleIncomplete: with what is missing.
    """
    if lack.files:
        raise BundleIncomplete(
            f"{lack.files} files ({lack.size_bytes} bytes) of bundle {bundle.id} have not arrived; send all volumes",
            missing=lack.files,
        )
    if lack.kept_elsewhere:
        raise BundleIncomplete(
            f"{lack.kept_elsewhere} files that bundle {bundle.base} brought are not kept here any more; have a full "
            "bundle made",
            missing=lack.kept_elsewhere,
        )
