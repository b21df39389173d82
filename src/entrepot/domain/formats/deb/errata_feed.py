"""What an apt suite says about its updates, for scanners and agents: OSV records in one JSON document.

apt itself has no such file; it downloads what it knows and leaves the rest alone.  The document stands in Release, so
that whoever verifies the suite has verified it too (OSV schema 1.6).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from entrepot.domain.model.erratum import Erratum, ErratumKind
from entrepot.domain.model.finding import Severity

_SCHEMA = "1.6.0"
_CVE_PAGE = "https://www.cve.org/CVERecord?id="


def write_errata(errata: Iterable[Erratum], *, ecosystem: str, origin: str) -> bytes:
    """The document, byte-stable; empty when there is nothing to tell."""
    records = [_record(erratum, ecosystem) for erratum in errata if erratum.packages]
    if not records:
        return b""
    return (json.dumps({"origin": origin, "errata": records}, indent=1, sort_keys=True) + "\n").encode()


def _record(erratum: Erratum, ecosystem: str) -> dict[str, Any]:
    cves = list(erratum.cves)
    return {
        "schema_version": _SCHEMA,
        "id": erratum.code,
        "published": _date(erratum.issued_at),
        "modified": _date(erratum.updated_at),
        "summary": erratum.title,
        "details": erratum.description,
        "upstream": cves,
        "references": [
            *({"type": "ADVISORY", "url": _CVE_PAGE + cve} for cve in cves),
            *({"type": "WEB", "url": link} for link in erratum.links),
        ],
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": version}]}],
            }
            for name, version in sorted({(one.key.name, one.key.version) for one in erratum.packages})
        ],
        "database_specific": {
            "kind": erratum.kind.value,
            **({"severity": erratum.severity.value} if _rated(erratum) else {}),
        },
    }


def _rated(erratum: Erratum) -> bool:
    return erratum.kind is ErratumKind.SECURITY and erratum.severity is not Severity.UNKNOWN


def _date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
