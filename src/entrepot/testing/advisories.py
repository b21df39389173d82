"""Advisories in the OSV format, and files of them, as their publishers make them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MODIFIED = "2026-05-01T10:00:00Z"


def affected(
    context: str,
    name: str,
    *events: tuple[str, str],
    versions: Sequence[str] = (),
    **specific: Any,
) -> dict[str, Any]:
    """One package; ``events`` such as ``("fixed", "1.2-3")``, from ``0`` on unless they say otherwise."""
    begins = any(kind == "introduced" for kind, _ in events)
    listed = [{kind: at} for kind, at in (events if begins else (("introduced", "0"), *events))]
    entry: dict[str, Any] = {"package": {"ecosystem": context, "name": name}}
    if events or not versions:
        entry["ranges"] = [{"type": "ECOSYSTEM", "events": listed}]
    if versions:
        entry["versions"] = list(versions)
    if specific:
        entry["ecosystem_specific"] = specific
    return entry


def osv(id_: str, *entries: Mapping[str, Any], **fields: Any) -> bytes:
    """One record; ``fields`` are added or replace."""
    record = {
        "schema_version": "1.7.0",
        "id": id_,
        "modified": MODIFIED,
        "published": "2026-04-01T00:00:00Z",
        "details": f"Something is wrong.\n\n{id_} tells more.",
        "affected": list(entries),
        "references": [{"type": "ADVISORY", "url": f"https://advisories.example/{id_}"}],
    }
    return json.dumps({**record, **fields}).encode()


def osv_zip(records: Iterable[bytes]) -> bytes:
    """As the archive of one ecosystem: a member for each, named by its id."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for record in records:
            made.writestr(f"{json.loads(record)['id']}.json", record)
    return held.getvalue()


def kev(*ids: str, **fields: Any) -> bytes:
    """The catalogue of exploited vulnerabilities."""
    entries = [
        {
            "cveID": id_,
            "vendorProject": "Example",
            "product": "Thing",
            "dateAdded": "2026-05-02",
            "dueDate": "2026-05-23",
            "requiredAction": "Apply updates.",
            "knownRansomwareCampaignUse": "Unknown",
            "cwes": [],
            **fields,
        }
        for id_ in ids
    ]
    return json.dumps(
        {
            "title": "Known exploited",
            "catalogVersion": "2026.05.02",
            "dateReleased": "2026-05-02T12:00:00.0000Z",
            "count": len(entries),
            "vulnerabilities": entries,
        }
    ).encode()


def epss(scores: Mapping[str, tuple[float, float]], date: str = "2026-05-02") -> bytes:
    """A day's table, not compressed."""
    lines = [f"#model_version:v2026.01.01,score_date:{date}T00:00:00+0000", "cve,epss,percentile"]
    lines += [f"{id_},{score:.5f},{percentile:.5f}" for id_, (score, percentile) in scores.items()]
    return ("\n".join(lines) + "\n").encode()
