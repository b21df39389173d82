"""What is known to be wrong with packages, and looking again (contract 4.6)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from entrepot.adapters.catalog.findings import PostureFilter
from entrepot.domain.model.finding import FixState, Severity
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.artifacts import Page, Text
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.finding_words import (
    counts_row,
    package_body,
    packages_body,
    posture_body,
    vulnerability_body,
)
from entrepot.errors import InvalidRequest
from entrepot.services.vulnerabilities.rescans import Rescanned

Word = TypeVar("Word", bound=StrEnum)
PerPage = Annotated[int, Query(ge=1, le=500)]
_STATUSES = {"pending_review": True, "published": False, "validated": False}
_QUARANTINED = "quarantined"

router = APIRouter(tags=["security"])


def _named(kind: type[Word], text: str | None, what: str) -> Word | None:
    """A word of a list, in any case.

    Raises:
        InvalidRequest: it is not in it.
    """
    if text in (None, "", "all"):
        return None
    try:
        return kind(str(text).lower())
    except ValueError:
        known = ", ".join(each.value for each in kind)
        raise InvalidRequest(f"unknown {what} {str(text)[:40]!r}; there are {known}") from None


@router.get(
    "/security/vulnerabilities",
    summary="Known vulnerabilities of the packages here",
    dependencies=[Depends(requiring(Permission.VULNERABILITY_READ))],
)
def vulnerabilities(
    app: App,
    who: Who,
    severity: Text = None,
    fix_state: Text = None,
    distribution: Text = None,
    page: Page = 1,
    per_page: PerPage = 50,
) -> dict[str, Any]:
    """The worst first: by severity, then CVSS.  Each with the first twenty packages that have it and a count of all.

    ``packages_scanned`` counts those that were compared to the end; what was not is no proof of anything.
    """
    report = app.vulnerabilities.findings.vulnerabilities(
        who,
        distribution,
        _named(Severity, severity, "severity"),
        _named(FixState, fix_state, "fix_state"),
        (page - 1) * per_page,
        per_page,
    )
    return vulnerability_body(report, page, per_page)


@router.get(
    "/security/packages-posture",
    summary="How every package stands",
    dependencies=[Depends(requiring(Permission.VULNERABILITY_READ))],
)
def posture(app: App, who: Who, distribution: Text = None, page: Page = 1, per_page: PerPage = 50) -> dict[str, Any]:
    """Packages in distributions and those that wait for one, the worst first, with sums over all of them."""
    report = app.vulnerabilities.findings.postures(who, distribution, (page - 1) * per_page, per_page)
    return posture_body(report, page, per_page)


@router.get(
    "/security/packages",
    summary="Packages by what was found in them",
    dependencies=[Depends(requiring(Permission.POSTURE_READ))],
)
def packages(
    app: App,
    who: Who,
    status: Text = None,
    severity: Text = None,
    distribution: Text = None,
    q: Text = None,
    page: Page = 1,
    per_page: PerPage = 50,
) -> dict[str, Any]:
    """``severity`` asks for packages whose worst finding is at least that bad; not of those in quarantine."""
    worst, start = _named(Severity, severity, "severity"), (page - 1) * per_page
    if status == _QUARANTINED:
        if worst is not None:
            raise InvalidRequest("packages in quarantine are not compared any more; leave the severity out")
        apart = app.vulnerabilities.findings.quarantined(who, distribution, q or "", start, per_page)
        return packages_body(apart, page, per_page)
    waits = None
    if status not in (None, "", "all"):
        if status not in _STATUSES:
            there = ", ".join((*_STATUSES, _QUARANTINED))
            raise InvalidRequest(f"unknown status {str(status)[:40]!r}; there are {there}")
        waits = _STATUSES[str(status)]
    found = PostureFilter(waits=waits, worst=worst, text=q or "")
    report = app.vulnerabilities.findings.packages(who, distribution, found, start, per_page)
    return packages_body(report, page, per_page)


@router.get(
    "/security/packages/{name}/{version}/cve",
    summary="What is known to be wrong with one package",
    dependencies=[Depends(requiring(Permission.VULNERABILITY_READ))],
)
def package(
    name: str, version: str, app: App, who: Who, arch: Text = None, distribution: Text = None
) -> dict[str, Any]:
    """As it was compared last; ``coverage`` tells with what, ``message`` why nothing could be said where that is so.

    Of a package that was refused it is what was found that day, the worst fifty, and ``refused_at`` is set.  The
    version ``latest`` is the one that was sent last, whatever became of it.
    """
    return package_body(app.vulnerabilities.findings.package(who, name, version, arch, distribution))


@router.post(
    "/security/packages/{name}/{version}/rescan",
    summary="Ask every check again",
    dependencies=[Depends(requiring(Permission.RESCAN))],
    responses={202: {"description": "A slow scanner was asked; the job brings the answer"}},
)
def rescan(name: str, version: str, app: App, who: Who, arch: Text = None, distribution: Text = None) -> JSONResponse:
    """On the stored bytes, the antivirus scanner included: where there is one a job does it, as it takes a moment.

    Without such a scanner the answer says what was found.
    """
    done = app.vulnerabilities.rescans.ask(who, name, version, arch, distribution)
    return JSONResponse(_rescanned(done), 200 if done.outcomes is not None else 202)


def _rescanned(done: Rescanned) -> dict[str, Any]:
    body: dict[str, Any] = {
        "package": done.package.key.name,
        "version": done.package.key.version,
        "arch": done.package.key.architecture,
        "distribution": done.suite.codename,
    }
    if done.outcomes is None:
        return {"status": "running", "job_id": done.job_id, **body}
    scan = done.scan
    return {
        "status": "ok",
        **body,
        "cve_count": 0 if scan is None else scan.total,
        "cve_counts": counts_row({} if scan is None else scan.counts),
        "new_status": done.status,
        "checks": {one.name: f"{one.result.value}: {one.message}" for one in done.outcomes},
    }


@router.post(
    "/artifacts/admin/reenrich-cve",
    summary="Compare everything with the advisories again",
    dependencies=[Depends(requiring(Permission.RESCAN))],
    status_code=202,
)
def reenrich(app: App, who: Who) -> dict[str, Any]:
    """In the background, package after package; what is found in the end is audited as ``CVE_REMATCH``."""
    count = app.vulnerabilities.rematch.ask(who)
    return {"message": f"{count} packages are compared again", "status": "running", "packages": count}
