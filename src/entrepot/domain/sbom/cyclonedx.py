"""CycloneDX 1.6, JSON (ECMA-424).  What is used of it means the same in 1.7."""

from __future__ import annotations

from typing import Any

from entrepot.domain.model.component import Component
from entrepot.domain.sbom.items import About, Item
from entrepot.domain.sbom.licences import simple, valid_expression
from entrepot.domain.sbom.people import address, named

SPEC_VERSION = "1.6"


class CycloneDx:
    """A ``Document``."""

    media_type = "application/vnd.cyclonedx+json"
    suffix = ".cdx.json"
    lists = ("components", "dependencies")

    def head(self, about: About) -> dict[str, Any]:
        """Which document it is, who made it, and what it is about."""
        return {
            "$schema": f"http://cyclonedx.org/schema/bom-{SPEC_VERSION}.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": SPEC_VERSION,
            "serialNumber": f"urn:uuid:{about.uuid}",
            "version": 1,
            "metadata": {
                "timestamp": about.made_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
                "tools": {"components": [{"type": "application", "name": "entrepot", "version": about.tool_version}]},
                "component": _subject(about),
            },
        }

    def parts(self, item: Item) -> list[dict[str, Any]]:
        """One component; what it carries is nested."""
        key = item.ref.key
        part: dict[str, Any] = {
            "type": "library",
            "bom-ref": item.ref.text,
            "name": key.name,
            "version": key.version,
            "purl": item.purl,
            "hashes": _hashes(item),
        }
        if item.summary:
            part["description"] = item.summary
        if item.supplier:
            part["supplier"] = _supplier(item.supplier)
        if item.licences:
            part["licenses"] = _licences(item.licences)
        if home := address(item.homepage):
            part["externalReferences"] = [{"type": "website", "url": home}]
        part["properties"] = _properties(item)
        if item.components:
            part["components"] = [_bundled(item, number, one) for number, one in enumerate(item.components, 1)]
        return [part]

    def links(self, item: Item, about: About) -> list[dict[str, Any]]:
        """Its dependencies within the document; an entry without any says that it has none there."""
        entry: dict[str, Any] = {"ref": item.ref.text}
        if item.needs:
            entry["dependsOn"] = [ref.text for ref in item.needs]
        return [entry]

    def first_links(self, about: About) -> list[dict[str, Any]]:
        """The file is the package."""
        return [{"ref": "document", "dependsOn": [about.subject.ref.text]}] if about.subject else []


def _subject(about: About) -> dict[str, Any]:
    item = about.subject
    if item is None:
        return {"type": "data", "bom-ref": "document", "name": about.name}
    version = item.ref.key.version
    return {"type": "file", "bom-ref": "document", "name": item.filename, "version": version, "hashes": _hashes(item)}


def _hashes(item: Item) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": item.sha256}, {"alg": "SHA-512", "content": item.sha512}]


def _supplier(text: str) -> dict[str, Any]:
    name, mail = named(text)
    return {"name": name, **({"contact": [{"name": name, "email": mail}]} if mail else {})}


def _licences(texts: tuple[str, ...] | list[str] | Any) -> list[dict[str, Any]]:
    """One expression, or a list of ids and names: the schema allows no mixture."""
    if len(texts) == 1 and (whole := valid_expression(texts[0])) is not None:
        return [{"license": {"id": whole}} if simple(whole) else {"expression": whole}]
    return [{"license": {"id": text} if simple(text) else {"name": text}} for text in dict.fromkeys(texts)]


def _properties(item: Item) -> list[dict[str, str]]:
    found = {
        "entrepot:architecture": item.ref.key.architecture,
        "entrepot:source": item.source,
        "entrepot:filename": item.filename,
        "entrepot:size_bytes": str(item.size_bytes),
        "entrepot:role": item.role,
        "entrepot:inventory": _composition_word(item),
    }
    return [{"name": name, "value": value} for name, value in found.items() if value]


def _composition_word(item: Item) -> str:
    if item.role:
        return ""
    if not item.looked_into:
        return "not made"
    return f"incomplete: {'; '.join(item.notes)}" if item.notes else "complete"


def _bundled(item: Item, number: int, component: Component) -> dict[str, Any]:
    part: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"{item.ref.text}#{number}",
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
    }
    if component.licence:
        part["licenses"] = _licences([component.licence])
    part["evidence"] = {"occurrences": [{"location": component.path}]}
    return part
