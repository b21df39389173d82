"""From the settings in force to the rules of a suite."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.security_policy import SecurityPolicy
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.security import GateRules, rules_of


class Rulebook:
    """Remembers the policies of one state of the settings."""

    def __init__(self, configuration: Callable[[], Configuration], now: Callable[[], datetime]) -> None:
        self._configuration = configuration
        self._now = now
        self._known: tuple[Configuration, dict[str, SecurityPolicy]] | None = None

    def of(self, suite: Suite) -> GateRules:
        """As they are at this moment."""
        configuration, known = self._configuration(), self._known
        if known is None or known[0] is not configuration:
            known = self._known = (configuration, {})
        policy = known[1].get(suite.path_name)
        if policy is None:
            policy = known[1][suite.path_name] = configuration.policy(suite)
        return rules_of(policy, self._now())
