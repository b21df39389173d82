"""The part of the client about what is known to be wrong with packages."""

from __future__ import annotations

from collections.abc import Iterator

from entrepot.client.answers import shaped
from entrepot.client.answers_findings import (
    PackageFindings,
    Posture,
    PosturePage,
    Rematched,
    Rescanned,
    VulnerabilityReport,
    VulnerabilityRow,
)
from entrepot.client.segments import segment
from entrepot.client.wire import Wire, given

_PER_PAGE = 50
_MOST_PER_PAGE = 500


class VulnerabilitiesTheme:
    """``Client.vulnerabilities``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __call__(
        self,
        *,
        severity: str | None = None,
        fix_state: str | None = None,
        distribution: str | None = None,
        page: int = 1,
        per_page: int = _PER_PAGE,
    ) -> VulnerabilityReport:
        """``GET /security/vulnerabilities``, one page: the worst first."""
        conditions = given(
            severity=severity, fix_state=fix_state, distribution=distribution, page=page, per_page=per_page
        )
        body = self._wire("GET", "/security/vulnerabilities", conditions)
        return shaped(body, VulnerabilityReport, summary=dict, vulnerabilities=dict)

    def each(
        self, *, severity: str | None = None, fix_state: str | None = None, distribution: str | None = None
    ) -> Iterator[VulnerabilityRow]:
        """All of them, page after page."""
        page, pages = 1, 1
        while page <= pages:
            body = self(
                severity=severity, fix_state=fix_state, distribution=distribution, page=page, per_page=_MOST_PER_PAGE
            )
            yield from body["vulnerabilities"]["items"]
            page, pages = page + 1, body["vulnerabilities"]["pages"]

    def posture(self, distribution: str | None = None, page: int = 1, per_page: int = _PER_PAGE) -> Posture:
        """``GET /security/packages-posture``, one page."""
        conditions = given(distribution=distribution, page=page, per_page=per_page)
        body = self._wire("GET", "/security/packages-posture", conditions)
        return shaped(body, Posture, packages=list, total_packages=int)

    def packages(
        self,
        *,
        status: str | None = None,
        severity: str | None = None,
        distribution: str | None = None,
        text: str | None = None,
        page: int = 1,
        per_page: int = _PER_PAGE,
    ) -> PosturePage:
        """``GET /security/packages``, one page; ``severity`` asks for that or worse."""
        conditions = given(
            status=status, severity=severity, distribution=distribution, q=text, page=page, per_page=per_page
        )
        return shaped(self._wire("GET", "/security/packages", conditions), PosturePage, items=list, total=int)

    def of(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> PackageFindings:
        """``GET /security/packages/{name}/{version}/cve``."""
        path = f"/security/packages/{segment(name)}/{segment(version)}/cve"
        body = self._wire("GET", path, given(arch=architecture, distribution=distribution))
        return shaped(body, PackageFindings, cve_results=list, total=int)

    def rescan(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> Rescanned:
        """``POST /security/packages/{name}/{version}/rescan``: every check again, on the stored bytes."""
        path = f"/security/packages/{segment(name)}/{segment(version)}/rescan"
        body = self._wire("POST", path, given(arch=architecture, distribution=distribution))
        return shaped(body, Rescanned, status=str)

    def compare_again(self) -> Rematched:
        """``POST /artifacts/admin/reenrich-cve``: everything, in the background."""
        return shaped(self._wire("POST", "/artifacts/admin/reenrich-cve"), Rematched, packages=int)
