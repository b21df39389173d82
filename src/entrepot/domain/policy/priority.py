"""Which finding first?  One number from 0 to 100, made of how bad a vulnerability is and how likely somebody uses it.

``100 x impact x (1 + likelihood) / 2``: impact is the CVSS base score by 10, or what stands for the severity where
nobody has given a score; likelihood is the EPSS probability, 1 for what is known to be exploited, 0 where nobody knows.
What is known to be exploited never comes below 80.
"""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.domain.model.finding import Finding, Severity

_IMPACT: Mapping[Severity, float] = {
    Severity.CRITICAL: 0.95,
    Severity.HIGH: 0.8,
    Severity.MEDIUM: 0.55,
    Severity.LOW: 0.25,
    Severity.NEGLIGIBLE: 0.05,
    Severity.UNKNOWN: 0.5,
}
_EXPLOITED = 80
_LABELS = ((80, "critical"), (60, "high"), (40, "medium"), (20, "low"))
HIGH_EPSS = 0.5
"""From here on use is likely."""
_LIKELIHOODS = ((HIGH_EPSS, "high"), (0.1, "medium"), (0.0, "low"))


def priority_of(finding: Finding) -> int:
    """From 0 to 100."""
    impact = _IMPACT[finding.severity] if finding.cvss is None else min(max(finding.cvss, 0.0), 10.0) / 10
    likelihood = 1.0 if finding.in_kev else min(max(finding.epss or 0.0, 0.0), 1.0)
    found = round(100 * impact * (1 + likelihood) / 2)
    return max(found, _EXPLOITED) if finding.in_kev else found


def priority_label(priority: int) -> str:
    """In the words of severities."""
    return next((label for least, label in _LABELS if priority >= least), "negligible")


def epss_label(probability: float | None) -> str:
    """``unknown`` where nobody has told."""
    if probability is None:
        return "unknown"
    return next((label for least, label in _LIKELIHOODS if probability >= least), "low")
