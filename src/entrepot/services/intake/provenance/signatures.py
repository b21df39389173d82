"""The signatures in and beside a package, and what each of them is worth to a suite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from entrepot.adapters.catalog.provenance import TrustedKey, TrustKind
from entrepot.adapters.signing.trust import PackageVerification, SignatureReport, SignatureState, TrustedCertificate
from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.deb.signatures import carried_by_deb
from entrepot.domain.formats.rpm.signatures import carried_by_rpm
from entrepot.domain.formats.signed import Carried, Covers, Opener, detached
from entrepot.domain.model.package import Format

FAULTY = frozenset({SignatureState.BAD, SignatureState.EXPIRED, SignatureState.REVOKED, SignatureState.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Seen:
    """One signature; ``where`` names it for people."""

    where: str
    covers: Covers
    report: SignatureReport

    def sentence(self) -> str:
        """For people."""
        return f"{self.where}: {self.report.detail}"


@dataclass(frozen=True, slots=True)
class Signed:
    """What is looked at: a file, whether it carries signatures itself, and those that came along."""

    format: Format
    opened: Callable[[], BinaryIO]
    embedded: bool
    detached: Sequence[bytes]


def signatures_of(
    file: Signed, keys: Sequence[TrustedKey], verification: PackageVerification, now: datetime
) -> list[Seen]:
    """All of them, judged.

    Raises:
        MalformedPackage and its kin: the file is none; it is read as a package before.
    """
    trusted = [TrustedCertificate(key.material, key.weak) for key in keys if key.kind is TrustKind.OPENPGP]
    weak = {key.fingerprint for key in keys if key.weak}
    found: list[Carried] = []
    if file.embedded:
        found += _CARRIED[file.format](file.opened, _size_bytes(file.opened))
    found += [detached(one, file.opened) for one in file.detached]
    return [
        Seen(one.where, one.covers, report)
        for one in found
        for report in _judged(one, trusted, weak, verification, now)
    ]


def _rpm(opened: Opener, size_bytes: int) -> list[Carried]:
    return carried_by_rpm(opened, size_bytes, Limits())


_CARRIED: dict[Format, Callable[[Opener, int], list[Carried]]] = {Format.DEB: carried_by_deb, Format.RPM: _rpm}


def _size_bytes(opened: Callable[[], BinaryIO]) -> int:
    with opened() as file:
        return file.seek(0, 2)


def _judged(
    carried: Carried,
    trusted: Sequence[TrustedCertificate],
    weak: set[str],
    verification: PackageVerification,
    now: datetime,
) -> Sequence[SignatureReport]:
    if carried.fault and not carried.signature:
        return [SignatureReport(SignatureState.BAD, carried.fault)]
    if carried.covers is Covers.LISTED:
        _, reports = verification.judge_message(trusted, carried.signature, now)
        reports = [one if one.fingerprint in weak else _only_listed(one) for one in reports]
    else:
        reports = verification.judge(trusted, carried.signature, carried.signed(), now)
    if not carried.fault:
        return reports
    # Whoever made it: it does not protect what is here.
    return [replace(one, state=SignatureState.BAD, detail=carried.fault) for one in reports]


def _only_listed(report: SignatureReport) -> SignatureReport:
    """A good signature of a list of MD5 and SHA-1 protects no more than those do."""
    if report.state is not SignatureState.GOOD:
        return report
    detail = f"{report.detail}, over nothing but the MD5 and SHA-1 of the members, which can be forged"
    return replace(report, state=SignatureState.WEAK, detail=detail)
