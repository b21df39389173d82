"""What is known to be wrong with a package, and what people said of it: CycloneDX and OpenVEX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.domain.model.finding import Finding, FixState, Severity
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.domain.sbom.items import About, Item
from entrepot.domain.sbom.people import address

_METHODS = {"CVSS:3.0": "CVSSv3", "CVSS:3.1": "CVSSv31", "CVSS:4.0": "CVSSv4"}


@dataclass(frozen=True, slots=True)
class Statement:
    """A finding; ``action`` is the decision in force that covers it, if there is one."""

    finding: Finding
    found_at: datetime
    action: DecisionAction | None = None
    justification: str = ""
    decided_at: datetime | None = None
    expires_at: datetime | None = None
    target_version: str | None = None

    @property
    def at(self) -> datetime:
        """Since when it holds."""
        return self.decided_at or self.found_at


def moment(at: datetime) -> str:
    """As RFC 3339 has it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def vulnerabilities(item: Item, statements: Sequence[Statement]) -> list[dict[str, Any]]:
    """For CycloneDX.  What nobody has decided is *in triage*; nothing is ever said not to be exploitable."""
    return [_vulnerability(item, one) for one in statements]


def _vulnerability(item: Item, statement: Statement) -> dict[str, Any]:
    finding = statement.finding
    rating: dict[str, Any] = {"severity": "low" if finding.severity is Severity.NEGLIGIBLE else finding.severity.value}
    if finding.cvss is not None:
        rating["score"] = finding.cvss
    if finding.cvss_vector:
        rating |= {"method": _METHODS.get(finding.cvss_vector[:8], "other"), "vector": finding.cvss_vector}
    entry: dict[str, Any] = {
        "bom-ref": f"{item.ref.text}!{finding.id}",
        "id": finding.id,
        "ratings": [rating],
        "affects": [{"ref": _affected(item, finding)}],
        "analysis": _analysis(statement),
    }
    if finding.summary:
        entry["description"] = finding.summary
    if finding.aliases:
        entry["references"] = [{"id": alias, "source": {"name": _source(alias)}} for alias in finding.aliases]
    if finding.fix_versions:
        entry["recommendation"] = _remedy(finding)
    if urls := [url for url in finding.urls if address(url)]:
        entry["advisories"] = [{"url": url} for url in urls]
    if finding.published_at:
        entry["published"] = moment(finding.published_at)
    told = {"entrepot:kev": "true" if finding.in_kev else "", "entrepot:fix_state": finding.fix_state.value}
    told["entrepot:epss"] = "" if finding.epss is None else str(finding.epss)
    entry["properties"] = [{"name": name, "value": value} for name, value in told.items() if value]
    return entry


def _affected(item: Item, finding: Finding) -> str:
    for number, component in enumerate(item.components, 1):
        if finding.component and component.purl == finding.component:
            return f"{item.ref.text}#{number}"
    return item.ref.text


def _analysis(statement: Statement) -> dict[str, Any]:
    if statement.action is None:
        return {"state": "in_triage", "lastUpdated": moment(statement.at)}
    found: dict[str, Any] = {"state": "exploitable", "detail": _words(statement), "lastUpdated": moment(statement.at)}
    if statement.action.publishes:
        found["response"] = ["will_not_fix"]
    elif statement.action is DecisionAction.UPGRADE_REQUIRED:
        found["response"] = ["update"]
    return found


def _words(statement: Statement) -> str:
    """What was decided, until when, and why."""
    text = str(statement.action.value if statement.action else "").replace("_", " ")
    if statement.target_version:
        text += f" to {statement.target_version}"
    if statement.expires_at:
        text += f" until {statement.expires_at.date().isoformat()}"
    return f"{text}: {statement.justification}" if statement.justification else text


def _remedy(finding: Finding) -> str:
    if finding.fix_versions:
        return f"update {finding.package} to {' or '.join(finding.fix_versions)}"
    return "there is no fixed version" if finding.fix_state is FixState.NOT_FIXED else "it is not known to be fixed"


def _source(name: str) -> str:
    return name.partition("-")[0] or name


def openvex(item: Item, about: About, statements: Sequence[Statement]) -> dict[str, Any]:
    """A document of OpenVEX 0.2.0: *affected* where somebody decided, *under investigation* where nobody has."""
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"urn:uuid:{about.uuid}",
        "author": "Entrepot",
        "timestamp": moment(about.made_at),
        "version": 1,
        "tooling": f"entrepot {about.tool_version}",
        "statements": [_vex_statement(item, one) for one in statements],
    }


def _vex_statement(item: Item, statement: Statement) -> dict[str, Any]:
    finding = statement.finding
    product: dict[str, Any] = {
        "@id": item.purl,
        "identifiers": {"purl": item.purl},
        "hashes": {"sha-256": item.sha256, "sha-512": item.sha512},
    }
    if finding.component:
        product["subcomponents"] = [{"@id": finding.component, "identifiers": {"purl": finding.component}}]
    found: dict[str, Any] = {
        "vulnerability": {"name": finding.id, "aliases": sorted(set(finding.aliases) - {finding.id})},
        "timestamp": moment(statement.at),
        "products": [product],
        "status": "under_investigation" if statement.action is None else "affected",
    }
    if statement.action is not None:
        found["action_statement"] = f"{_words(statement)}; {_remedy(finding)}"
        found["action_statement_timestamp"] = moment(statement.at)
    return found
