"""The policy on packages: one view of the settings document, everywhere and for single suites (contract 4.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pydantic import ValidationError

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.package import Format
from entrepot.domain.model.security_policy import CvePolicy, SecurityPolicy, laid_over
from entrepot.domain.model.suite import DEFAULT_ARCHIVE, Suite
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.policy.security import GateRules
from entrepot.errors import InvalidRequest, UnknownDistribution
from entrepot.services.configuration.documents import Document, overlaid, policy_changes
from entrepot.services.configuration.rules import Rulebook
from entrepot.services.configuration.service import Configurations

_MOST_DEPTH = 4


@dataclass(frozen=True, slots=True)
class SuitePolicy:
    """What holds in one suite; ``own`` is what it has otherwise."""

    suite: Suite
    policy: SecurityPolicy
    own: Mapping[str, JsonValue]


class Policies:
    """Read and change.  Null brings a default back, or what holds everywhere."""

    def __init__(self, catalog: Catalog, configurations: Configurations, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._configurations = configurations
        self._now = now

    def show(self, actor: Actor) -> tuple[SecurityPolicy, Sequence[str]]:
        """What holds everywhere, and the suites that have something otherwise."""
        demand(actor, Permission.SETTING_READ)
        return _everywhere(self._configurations.current())

    def change(self, actor: Actor, given: Mapping[str, JsonValue]) -> tuple[SecurityPolicy, Sequence[str]]:
        """Lay a part of a policy over the one that holds everywhere.

        Raises:
            InvalidRequest: an unknown key, or a value against its rule; it is named.
        """
        demand(actor, Permission.SETTING_WRITE)
        _check(self._configurations.current().policy(), given)
        return _everywhere(self._configurations.lay(actor, _placed(given), self._entry(actor, None)))

    def show_suite(self, actor: Actor, distribution: str, format_: Format | None = None) -> SuitePolicy:
        """What holds in one suite.

        Raises:
            UnknownDistribution: there is none of that name.
        """
        demand(actor, Permission.SETTING_READ)
        return _of_suite(self._configurations.current(), self._suite(distribution, format_))

    def change_suite(
        self, actor: Actor, distribution: str, given: Mapping[str, JsonValue], format_: Format | None = None
    ) -> SuitePolicy:
        """Lay a part of a policy over what the suite has otherwise.

        Raises:
            UnknownDistribution: there is none of that name.
            InvalidRequest: an unknown key, or a value against its rule; it is named.
        """
        demand(actor, Permission.SETTING_WRITE)
        suite = self._suite(distribution, format_)
        change = self._suite_change(suite, given)
        return _of_suite(self._configurations.lay(actor, change, self._entry(actor, suite)), suite)

    def remove_suite(self, actor: Actor, distribution: str, format_: Format | None = None) -> SuitePolicy:
        """Let the suite have what holds everywhere.

        Raises:
            UnknownDistribution: there is none of that name.
        """
        demand(actor, Permission.SETTING_WRITE)
        suite = self._suite(distribution, format_)
        change: Document = {"gate": {"suites": {suite.path_name: None}}}
        return _of_suite(self._configurations.lay(actor, change, self._entry(actor, suite)), suite)

    def foreseen(self, given: Mapping[str, JsonValue], suite: Suite | None) -> Callable[[Suite], GateRules]:
        """The rules as they would be after a change, everywhere or in one suite; nothing is changed.

        Raises:
            InvalidRequest: an unknown key, or a value against its rule; it is named.
        """
        if suite is None:
            _check(self._configurations.current().policy(), given)
            change = _placed(given)
        else:
            change = self._suite_change(suite, given)
        found = self._configurations.foreseen(change)
        return Rulebook(lambda: found, self._now).of

    def _suite_change(self, suite: Suite, given: Mapping[str, JsonValue]) -> Document:
        current = self._configurations.current()
        _check(current.policy(suite), given)
        own = overlaid(current.gate.suites.get(suite.path_name, {}), given)
        return {"gate": {"suites": {suite.path_name: dict(given) if own else None}}}

    def _suite(self, distribution: str, format_: Format | None) -> Suite:
        archive, slash, codename = distribution.partition("/")
        if not slash:
            archive, codename = DEFAULT_ARCHIVE, distribution
        with self._catalog.read() as reading:
            named = reading.suites_named(archive, codename)
        found = [suite for suite in named if format_ is None or suite.format is format_]
        if not found:
            raise UnknownDistribution(
                f"there is no distribution {distribution[:80]!r}; GET /distributions/ lists all",
                distribution=distribution[:80],
            )
        return found[0]

    def _entry(self, actor: Actor, suite: Suite | None) -> Callable[[Configuration, Configuration], AuditEntry]:
        def made(before: Configuration, after: Configuration) -> AuditEntry:
            codename = None if suite is None else suite.codename
            detail = policy_changes(before, after)
            return AuditEntry("POLICY_CHANGE", "SUCCESS", actor, self._now(), suite=codename, detail=detail)

        return made


def _everywhere(configuration: Configuration) -> tuple[SecurityPolicy, Sequence[str]]:
    return configuration.policy(), sorted(configuration.gate.suites)


def _of_suite(configuration: Configuration, suite: Suite) -> SuitePolicy:
    return SuitePolicy(suite, configuration.policy(suite), configuration.gate.suites.get(suite.path_name, {}))


def _placed(given: Mapping[str, JsonValue]) -> Document:
    """A part of a policy as a part of the settings document."""
    found: dict[str, dict[str, JsonValue]] = {}
    document: Document = {}
    for key, value in given.items():
        if key == "epss":
            document["epss_policy"] = value
        elif key == "gpg_required":
            found.setdefault("validation", {})[key] = value
        else:
            found.setdefault("cve_policy" if key in CvePolicy.model_fields else "gate", {})[key] = value
    return {**document, **found}


def _check(policy: SecurityPolicy, given: Mapping[str, JsonValue]) -> None:
    try:
        laid_over(policy, cast("Any", _without_nulls(given)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])[:200]
        if first["type"] == "extra_forbidden":
            known = ", ".join(sorted(SecurityPolicy.model_fields))
            raise InvalidRequest(f"the policy has no key {name!r}; it has {known}", setting=name) from None
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidRequest(f"policy key {name}: {message}", setting=name) from None
    if unknown := sorted(set(given) - set(SecurityPolicy.model_fields)):
        raise InvalidRequest(f"the policy has no key {unknown[0][:100]!r}", setting=unknown[0][:100])


def _without_nulls(given: Mapping[str, JsonValue], depth: int = 0) -> Document:
    if depth > _MOST_DEPTH:
        raise InvalidRequest("the policy is nested too deeply")
    return {
        key: _without_nulls(cast("Document", value), depth + 1) if isinstance(value, dict) else value
        for key, value in given.items()
        if value is not None
    }
