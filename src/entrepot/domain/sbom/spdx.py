"""SPDX 2.3, JSON (ISO/IEC 5962 and its successor)."""

from __future__ import annotations

import re
from typing import Any

from entrepot.domain.model.component import Component
from entrepot.domain.sbom.items import About, Item
from entrepot.domain.sbom.licences import joined
from entrepot.domain.sbom.people import address, named

_UNKNOWN = "NOASSERTION"
_DOCUMENT = "SPDXRef-DOCUMENT"
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class Spdx:
    """A ``Document``."""

    media_type = "application/spdx+json"
    suffix = ".spdx.json"
    lists = ("packages", "relationships")

    def head(self, about: About) -> dict[str, Any]:
        """Which document it is and who made it."""
        name = _NOT_IN_NAME.sub("-", about.name)[:200]
        return {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": _DOCUMENT,
            "name": about.name,
            "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{about.uuid}",
            "creationInfo": {
                "created": about.made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "creators": [f"Tool: entrepot-{about.tool_version}"],
            },
        }

    def parts(self, item: Item) -> list[dict[str, Any]]:
        """The package, then what it carries."""
        key = item.ref.key
        part: dict[str, Any] = {
            "SPDXID": item.ref.spdx,
            "name": key.name,
            "versionInfo": key.version,
            "packageFileName": item.filename,
            "downloadLocation": _UNKNOWN,
            "filesAnalyzed": False,
            "primaryPackagePurpose": "INSTALL",
            "checksums": [
                {"algorithm": "SHA256", "checksumValue": item.sha256},
                {"algorithm": "SHA512", "checksumValue": item.sha512},
            ],
            "licenseConcluded": _UNKNOWN,
            "copyrightText": _UNKNOWN,
            **_licence(item.licences),
            **_supplier(item.supplier),
            "externalRefs": [_purl(item.purl)],
        }
        texts = {"summary": item.summary, "description": item.description}
        part |= {name: value for name, value in texts.items() if value}
        if home := address(item.homepage):
            part["homepage"] = home
        if item.source and item.source != key.name:
            part["sourceInfo"] = f"built from the source package {item.source}"
        return [part, *(_bundled(item, number, one) for number, one in enumerate(item.components, 1))]

    def links(self, item: Item, about: About) -> list[dict[str, Any]]:
        """What it carries and depends on; every package of a repository is described by the document."""
        found = [] if about.subject else [_relation(_DOCUMENT, "DESCRIBES", item.ref.spdx)]
        found += (
            _relation(item.ref.spdx, "CONTAINS", _bundled_id(item, number))
            for number in range(1, len(item.components) + 1)
        )
        found += (_relation(item.ref.spdx, "DEPENDS_ON", ref.spdx) for ref in item.needs)
        return found

    def first_links(self, about: About) -> list[dict[str, Any]]:
        """Of the packages of a document about one, only that one is described."""
        return [_relation(_DOCUMENT, "DESCRIBES", about.subject.ref.spdx)] if about.subject else []


def _relation(of: str, kind: str, to: str) -> dict[str, str]:
    return {"spdxElementId": of, "relationshipType": kind, "relatedSpdxElement": to}


def _purl(text: str) -> dict[str, str]:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": text}


def _licence(texts: Any) -> dict[str, str]:
    """What the package says of itself, if it can be said in SPDX; otherwise as a comment."""
    if not texts:
        return {"licenseDeclared": _UNKNOWN}
    whole = joined(texts)
    if whole is not None:
        return {"licenseDeclared": whole}
    return {"licenseDeclared": _UNKNOWN, "licenseComments": f"the package says: {'; '.join(texts)}"}


def _supplier(text: str) -> dict[str, str]:
    if not text:
        return {"supplier": _UNKNOWN}
    name, mail = named(text)
    plain = re.sub(r"[()]", " ", name).strip() or "unknown"
    return {"supplier": f"Organization: {plain}" + (f" ({mail})" if mail else "")}


def _bundled_id(item: Item, number: int) -> str:
    return f"{item.ref.spdx}-part-{number}"


def _bundled(item: Item, number: int, component: Component) -> dict[str, Any]:
    return {
        "SPDXID": _bundled_id(item, number),
        "name": component.name,
        "versionInfo": component.version,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "primaryPackagePurpose": "LIBRARY",
        "licenseConcluded": _UNKNOWN,
        "copyrightText": _UNKNOWN,
        **_licence([component.licence] if component.licence else []),
        "sourceInfo": f"seen at {component.path}",
        "externalRefs": [_purl(component.purl)],
    }
