"""How bad: words of publishers, and base scores computed from vectors (CVSS 2.0 and 3.x, FIRST's specifications)."""

from __future__ import annotations

import math
import re

from entrepot.domain.model.finding import Severity

_WORDS = {
    "critical": Severity.CRITICAL,
    "important": Severity.HIGH,
    "high": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "minor": Severity.LOW,
    "negligible": Severity.NEGLIGIBLE,
    "unimportant": Severity.NEGLIGIBLE,
    "none": Severity.NEGLIGIBLE,
}
_PREFIX = re.compile(r"(critical|important|moderate|low)\s*:", re.IGNORECASE)

_LEAST = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))

_V3 = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"N": 0.0, "L": 0.22, "H": 0.56},
    "I": {"N": 0.0, "L": 0.22, "H": 0.56},
    "A": {"N": 0.0, "L": 0.22, "H": 0.56},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
_V2 = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "AU": {"M": 0.45, "S": 0.56, "N": 0.704},
    "C": {"N": 0.0, "P": 0.275, "C": 0.66},
    "I": {"N": 0.0, "P": 0.275, "C": 0.66},
    "A": {"N": 0.0, "P": 0.275, "C": 0.66},
}


def severity_of_word(word: str) -> Severity:
    """``Important``, ``medium``, ``unimportant``, ``high**``; whatever else is unknown."""
    return _WORDS.get(word.strip().rstrip("*").lower(), Severity.UNKNOWN)


def severity_of_headline(text: str) -> Severity:
    """The word that errata of the Red Hat family begin with: ``Important: firefox security update``."""
    found = _PREFIX.match(text)
    return severity_of_word(found[1]) if found else Severity.UNKNOWN


def severity_of_score(score: float) -> Severity:
    """The words of CVSS 3 for a base score; none at all is negligible."""
    for least, severity in (
        (9.0, Severity.CRITICAL),
        (7.0, Severity.HIGH),
        (4.0, Severity.MEDIUM),
        (0.1, Severity.LOW),
    ):
        if score >= least:
            return severity
    return Severity.NEGLIGIBLE


def base_score(vector: str) -> float | None:
    """The base score of a vector; ``None`` for CVSS 4, whose scores come from a table, and for what is no vector."""
    parts = dict(part.partition(":")[::2] for part in vector.strip("()").split("/"))
    try:
        if parts.get("CVSS", "").startswith("3."):
            return _score_3(parts)
        return _score_2({name.upper(): value for name, value in parts.items()}) if "CVSS" not in parts else None
    except KeyError:
        return None


def _score_3(parts: dict[str, str]) -> float:
    """Section 7.1 of the specification of version 3.1; version 3.0 rounds up more coarsely in rare cases only."""
    scope = parts["S"]
    values = {name: table[parts[name]] for name, table in _V3.items()}
    base = 1 - (1 - values["C"]) * (1 - values["I"]) * (1 - values["A"])
    impact = 6.42 * base if scope == "U" else 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15
    privileges = _PRIVILEGES[scope][parts["PR"]]
    exploitability = 8.22 * values["AV"] * values["AC"] * privileges * values["UI"]
    if impact <= 0:
        return 0.0
    return _rounded_up(min(10.0, (1.0 if scope == "U" else 1.08) * (impact + exploitability)))


def _score_2(parts: dict[str, str]) -> float:
    values = {name: table[parts[name]] for name, table in _V2.items()}
    impact = 10.41 * (1 - (1 - values["C"]) * (1 - values["I"]) * (1 - values["A"]))
    exploitability = 20 * values["AV"] * values["AC"] * values["AU"]
    return round((0.6 * impact + 0.4 * exploitability - 1.5) * (1.176 if impact else 0.0), 1)


def _rounded_up(score: float) -> float:
    """To one decimal, upwards, without the errors of binary fractions (appendix A)."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (math.floor(whole / 10_000) + 1) / 10
