"""What is known to be wrong with packages, and the ways to look again, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.services.vulnerabilities.findings import Vulnerabilities
from entrepot.services.vulnerabilities.rematch import Rematch
from entrepot.services.vulnerabilities.rescans import Rescans


@dataclass(frozen=True, slots=True)
class Looking:
    """What entry points have of them."""

    findings: Vulnerabilities
    rematch: Rematch
    rescans: Rescans
