"""Advisories and one package: what is known to be wrong with it.

The publisher's own word about this package in this distribution decides: by source package, or by binary package
where it lists those.  An advisory about several vulnerabilities gives a finding for each; several about one give one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from entrepot.domain.advisories.advisory import Advisory, Affected, Events
from entrepot.domain.advisories.contexts import Order, contexts_of, order_of
from entrepot.domain.advisories.ordering import compare, contains, is_modular, place_of
from entrepot.domain.advisories.severity import severity_of_score
from entrepot.domain.model.finding import SEVERITIES, Finding, FixState, Severity
from entrepot.domain.model.package import Format, PackageKey

ENGINE = "osv"

_BINARY_NAMES = frozenset(("AlmaLinux", "Rocky Linux", "Red Hat", "openEuler", "Azure Linux", "Photon OS"))
_MOST_URLS = 8
_RANK = {severity: number for number, severity in enumerate(SEVERITIES)}


@dataclass(frozen=True, slots=True)
class Sought:
    """A package as advisories are asked for it.

    ``source`` and ``source_version`` are those of the source package (see ``sources.source_of``), ``context`` is the
    distribution of the suite it is in (see ``contexts.context_of``).
    """

    key: PackageKey
    source: str
    source_version: str
    context: str

    @property
    def identity(self) -> tuple[object, ...]:
        """Packages with the same one have the same findings: the binaries of one source share theirs."""
        own = (self.key.name, self.key.version) if _by_binary(self.context) else ()
        return (self.context, self.source, self.source_version, *own)


def names_of(sought: Sought) -> tuple[str, ...]:
    """Under which names an advisory may speak of it, the most exact first."""
    if _by_binary(sought.context) and sought.key.name != sought.source:
        return sought.key.name, sought.source
    return (sought.source,)


def findings_of(sought: Sought, advisories: Sequence[Advisory]) -> list[Finding]:
    """What these advisories say of this package, hardest first; those about other packages do no harm."""
    order = order_of(sought.context) or sought.key.format
    asked = _Asked(sought, order, contexts_of(sought.context), names_of(sought))
    merged: dict[str, list[tuple[int, Finding]]] = {}
    for advisory in advisories:
        if advisory.withdrawn_at is not None:
            continue
        affected = asked.hit(advisory)
        if affected is not None:
            ids = advisory.cves or (advisory.id,)
            for id_ in ids:
                merged.setdefault(id_, []).append((len(ids), asked.finding(id_, advisory, affected)))
    found = [_merged(each, order) for each in merged.values()]
    return sorted(found, key=lambda one: (_RANK[one.severity], -(one.cvss or 0.0), one.id))


@dataclass(frozen=True, slots=True)
class _Asked:
    sought: Sought
    order: Order
    contexts: tuple[str, ...]
    names: tuple[str, ...]

    def hit(self, advisory: Advisory) -> tuple[Affected, ...] | None:
        """The entries that say that this version is affected; the first place that speaks of the package decides."""
        entries = [entry for entry in advisory.affected if entry.name in self.names and entry.context in self.contexts]
        for context in self.contexts if len(entries) > 1 else {entry.context for entry in entries}:
            for name in self.names:
                speaking = [
                    entry
                    for entry in entries
                    if entry.context == context and entry.name == name and self._comparable(entry, name)
                ]
                if speaking:
                    version = self.version(name)
                    found = tuple(entry for entry in speaking if self._affected(entry, version))
                    return found or None
        return None

    def version(self, name: str) -> str:
        """The version that an entry of this name speaks of."""
        return self.sought.key.version if name == self.sought.key.name else self.sought.source_version

    def _comparable(self, entry: Affected, name: str) -> bool:
        """Streams of modules have a numbering of their own."""
        if self.order is not Format.RPM:
            return True
        said = [at for events in entry.ranges for _, at in events if at != "0"] + list(entry.versions[:1])
        return not said or any(map(is_modular, said)) == is_modular(self.version(name))

    def _affected(self, entry: Affected, version: str) -> bool:
        if version in entry.versions or any(contains(self.order, events, version) for events in entry.ranges):
            return True
        return not entry.ranges and not entry.versions  # the whole package, as the schema has it

    def finding(self, id_: str, advisory: Advisory, affected: Sequence[Affected]) -> Finding:
        name = affected[0].name
        version = self.version(name)
        fixes = self._fixes(affected, version)
        severity = min((entry.severity for entry in affected), key=_RANK.__getitem__)
        if severity is Severity.UNKNOWN:
            severity = advisory.severity
        if severity is Severity.UNKNOWN and advisory.cvss is not None:
            severity = severity_of_score(advisory.cvss)
        names = (advisory.id, *advisory.aliases)
        return Finding(
            id=id_,
            severity=severity,
            package=name,
            version=version,
            fix_state=FixState.FIXED if fixes else _without_fix(affected),
            fix_versions=fixes,
            aliases=tuple(dict.fromkeys(each for each in names if each != id_)),
            cvss=advisory.cvss,
            cvss_vector=advisory.cvss_vector,
            summary=advisory.summary,
            urls=advisory.urls[:_MOST_URLS],
            published_at=advisory.published_at,
            engine=ENGINE,
        )

    def _fixes(self, affected: Iterable[Affected], version: str) -> tuple[str, ...]:
        """The first fix behind this version, of each range that it lies in."""
        found: dict[str, None] = {}
        for entry in affected:
            for events in entry.ranges:
                if contains(self.order, events, version):
                    after = [at for kind, at in events if kind == "fixed" and compare(self.order, version, at) < 0]
                    if after:
                        found[min(after, key=lambda at: place_of(self.order, at))] = None
        return tuple(found)


def _by_binary(context: str) -> bool:
    return context.partition(":")[0] in _BINARY_NAMES


def _without_fix(affected: Iterable[Affected]) -> FixState:
    """Only a list of versions, or the last one that is affected, leaves open what comes after."""
    for entry in affected:
        if not entry.ranges or any(_ends(events) for events in entry.ranges):
            return FixState.UNKNOWN
    return FixState.NOT_FIXED


def _ends(events: Events) -> bool:
    return any(kind in ("last_affected", "limit") for kind, _ in events)


def _merged(found: Sequence[tuple[int, Finding]], order: Order) -> Finding:
    """One finding of several about one vulnerability: the one that is about the fewest others leads."""
    if len(found) == 1:
        return found[0][1]
    ordered = [each for _, each in sorted(found, key=lambda one: (one[0], one[1].id))]
    first = ordered[0]
    rated = [(count, each.severity) for count, each in found if each.severity is not Severity.UNKNOWN]
    fewest = min((count for count, _ in rated), default=0)
    severity = min((each for count, each in rated if count == fewest), key=_RANK.__getitem__, default=Severity.UNKNOWN)
    scored = next((each for each in ordered if each.cvss is not None), first)
    states = {each.fix_state for each in ordered}
    fixes = sorted({at for each in ordered for at in each.fix_versions}, key=lambda at: place_of(order, at))
    return replace(
        first,
        severity=severity,
        cvss=scored.cvss,
        cvss_vector=scored.cvss_vector or first.cvss_vector,
        fix_state=next(state for state in FixState if state in states),
        fix_versions=tuple(fixes),
        aliases=tuple(dict.fromkeys(name for each in ordered for name in each.aliases if name != first.id)),
        summary=next((each.summary for each in ordered if each.summary), ""),
        urls=tuple(dict.fromkeys(url for each in ordered for url in each.urls))[:_MOST_URLS],
        published_at=min((each.published_at for each in ordered if each.published_at), default=None),
    )
