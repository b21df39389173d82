"""Why a package is in a distribution or not, in the main API's words."""

from __future__ import annotations

from entrepot.entrypoints.api.words import Body, when
from entrepot.services.intake.explaining import Explanation
from entrepot.services.intake.explaining.facts import Fact

EXAMPLE: Body = {
    "package": "hello",
    "version": "2.10-3",
    "arch": "amd64",
    "distribution": "bookworm",
    "format": "deb",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "state": "held",
    "visible": False,
    "explanation": "hello 2.10-3 amd64 is not in bookworm: it waits for a person since 2026-01-02 03:04 UTC.",
    "obstacles": [{"code": "cve.high", "message": "CVE-2026-12345 (high) in hello 2.10-3", "until": None}],
    "notes": [],
    "own_rules": ["high"],
    "facts": [
        {
            "kind": "check",
            "at": "2026-01-02T03:04:05+00:00",
            "by": None,
            "result": "clean",
            "message": "antivirus: nothing found (with what was known on 2026-01-01)",
            "data": {"check": "antivirus", "distribution": "bookworm"},
        }
    ],
}


def explanation_body(found: Explanation) -> Body:
    """``GET /artifacts/{name}/{version}/why``."""
    key, suite = found.case.package.key, found.case.suite
    return {
        "package": key.name,
        "version": key.version,
        "arch": key.architecture,
        "distribution": suite.codename,
        "format": key.format.value,
        "sha256": found.case.package.digest,
        "state": found.standing.value,
        "visible": found.case.visible,
        "explanation": found.told,
        "obstacles": [{"code": one.code, "message": one.message, "until": when(one.until)} for one in found.obstacles],
        "notes": list(found.notes),
        "own_rules": list(found.own_rules),
        "facts": [_fact(one) for one in found.facts],
    }


def _fact(one: Fact) -> Body:
    return {
        "kind": one.kind,
        "at": when(one.at),
        "by": one.by or None,
        "result": one.result or None,
        "message": one.message,
        "data": dict(one.data),
    }
