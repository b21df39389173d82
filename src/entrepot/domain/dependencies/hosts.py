"""The host that a package is meant for, and the rules that hold there."""

from __future__ import annotations

from entrepot.domain.dependencies.candidates import Rules
from entrepot.domain.dependencies.deb import DebRules
from entrepot.domain.dependencies.rpm import RpmRules, accepted_architectures
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import Suite


def home_of(key: PackageKey, suite: Suite, asked: str | None = None) -> str:
    """Its architecture: the one that was asked for, the package's own, or the suite's first."""
    independent = "all" if suite.format is Format.DEB else "noarch"
    if asked and asked != independent:
        return asked
    if key.architecture != independent:
        return key.architecture
    return next(iter(suite.options.architectures), independent)


def rules_of(suite: Suite, home: str) -> Rules:
    """How packages of a suite are read on such a host."""
    return DebRules([home]) if suite.format is Format.DEB else RpmRules(accepted_architectures(home))
