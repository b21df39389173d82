"""Advisories and what is bundled in a package: each library as its own makers speak of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from entrepot.domain.advisories.advisory import Advisory
from entrepot.domain.advisories.contexts import LANGUAGES
from entrepot.domain.advisories.matching import Sought, findings_of
from entrepot.domain.model.component import Component
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.package import Format, PackageKey

Name = tuple[str, str]
"""Context and name, as advisories have them."""


def names_of_components(components: Iterable[Component]) -> set[Name]:
    """Of those that advisories may speak of at all."""
    return {(one.ecosystem, one.name) for one in components if one.ecosystem in LANGUAGES}


def vulnerabilities_of(advisories: Iterable[Advisory]) -> set[str]:
    """All that they are about, whatever they say of it."""
    return {name for advisory in advisories for name in (advisory.id, *advisory.cves)}


def findings_in(
    components: Sequence[Component], speaking: Mapping[Name, Sequence[Advisory]], spoken_of: Collection[str]
) -> list[Finding]:
    """What is known of components, each with its purl; the same library at several paths counts once.

    ``spoken_of`` are vulnerabilities that the package's own distribution has said something about: its word is there
    already, or it says that this version, with its patches, is not affected.
    """
    found: list[Finding] = []
    for one in {each.purl: each for each in components}.values():
        advisories = speaking.get((one.ecosystem, one.name))
        if not advisories:
            continue
        # Formats do not matter: the order of versions is that of the language.
        key = PackageKey(Format.DEB, one.name, one.version, "")
        known = findings_of(Sought(key, one.name, one.version, one.ecosystem), advisories)
        found += [
            replace(finding, component=one.purl)
            for finding in known
            if finding.id not in spoken_of and not spoken_of_any(finding, spoken_of)
        ]
    return found


def spoken_of_any(finding: Finding, spoken_of: Collection[str]) -> bool:
    """Under any of its names."""
    return any(name in spoken_of for name in finding.aliases)
