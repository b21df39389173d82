"""Is there malware in the package?  Asked of a scanner, after the upload was stored."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator

from entrepot.adapters.antivirus.base import Scanner, Scanning, Version
from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.deb.parts import payload_files as deb_files
from entrepot.domain.formats.rpm.package import payload_files as rpm_files
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.finding import Coverage
from entrepot.domain.model.package import Concern, Format
from entrepot.domain.policy.gate import MALWARE, CheckOutcome, CheckResult
from entrepot.errors import ScannerUnavailable
from entrepot.services.intake.checks.base import Check, Subject, Surroundings
from entrepot.services.intake.checks.examination import Bounds, Examination, Examined, ScanBroken
from entrepot.services.intake.steps import Step, StepStatus

_FILES = {Format.DEB: deb_files, Format.RPM: rpm_files}
_TRIES = 3
_REMEMBERED = 10_000


class AntivirusCheck:
    """Clean is said only when the scanner has looked at every file to its end.

    A scanner that is away is waited for.  One that breaks off is tried again, with one package not more than three
    times: the package may be what breaks it.
    """

    name = "antivirus"
    anew = False

    def __init__(
        self,
        scanner: Scanner,
        bounds: Bounds,
        configuration: Callable[[], Configuration],
        monotonic: Callable[[], float],
    ) -> None:
        self._scanner = scanner
        self._bounds = bounds
        self._configuration = configuration
        self._monotonic = monotonic
        self._broken: OrderedDict[Digest, int] = OrderedDict()

    @property
    def slow(self) -> bool:
        """While it is switched on."""
        return self._configuration().validation.clamav_scan

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """Scan.

        Raises:
            ScannerUnavailable: there is nothing to say yet; ask again later.
        """
        validation = self._configuration().validation
        if not validation.clamav_scan:
            return CheckOutcome(self.name, CheckResult.SKIPPED, "switched off by validation.clamav_scan")
        try:
            version = self._scanner.version()
            examination = self._examine(subject, around)
        except ScannerUnavailable as error:
            if not validation.fail_open:
                raise
            return CheckOutcome(self.name, CheckResult.ERROR, f"not scanned: {error.detail}", waived=True)
        except ScanBroken as broken:
            return self._tried(subject.digest, str(broken), waived=validation.fail_open)
        self._broken.pop(subject.digest, None)
        return self._outcome(examination, version, waived=validation.fail_open)

    def _examine(self, subject: Subject, around: Surroundings) -> Examination:
        def told(so_far: Examined) -> None:
            message = f"{so_far.scanned_members} files, {so_far.scanned_bytes >> 20} MiB scanned"
            around.report(Step(self.name, StepStatus.RUNNING, message))

        examination = Examination(self._scanner, self._bounds, self._monotonic, told)
        with around.blobs.open(subject.digest) as blob:
            size_bytes = blob.seek(0, 2)
            blob.seek(0)
            files = functools.partial(_payload, subject.key.format, size_bytes)
            examination.package(blob, files)
        return examination

    def _tried(self, digest: Digest, why: str, *, waived: bool) -> CheckOutcome:
        tries = self._broken.pop(digest, 0) + 1
        if tries < _TRIES and not waived:
            self._broken[digest] = tries
            if len(self._broken) > _REMEMBERED:
                self._broken.popitem(last=False)
            raise ScannerUnavailable(f"the scanner broke off: {why}; tried {tries} of {_TRIES} times")
        message = f"the scanner did not finish: {why}"
        return CheckOutcome(self.name, CheckResult.ERROR, message, waived=waived)

    def _outcome(self, examination: Examination, version: Version, *, waived: bool) -> CheckOutcome:
        coverage = examination.coverage
        detail, covered = _detail(coverage, version), _covered(coverage, version)
        if examination.found:
            concerns = tuple(Concern(MALWARE, f"{label} holds {name}") for label, name in examination.found)
            return CheckOutcome(self.name, CheckResult.FINDINGS, concerns[0].detail, detail, concerns, coverage=covered)
        if not coverage.complete:
            message = f"not everything could be scanned; {coverage.unscanned[0]}"
            return CheckOutcome(self.name, CheckResult.INCONCLUSIVE, message, detail, waived=waived, coverage=covered)
        message = f"nothing found; {coverage.sentence()}"
        return CheckOutcome(self.name, CheckResult.CLEAN, message, detail, coverage=covered)


def antivirus_checks(
    scanning: Scanning | None, configuration: Callable[[], Configuration], monotonic: Callable[[], float]
) -> list[Check]:
    """None where no scanner is set up: then nothing waits for one, and nothing is called scanned."""
    if scanning is None:
        return []
    return [AntivirusCheck(scanning.scanner, Bounds(scanning.stream_bytes), configuration, monotonic)]


def _payload(format_: Format, size_bytes: int, source: ByteSource) -> Iterator[tuple[bytes, ByteSource]]:
    return _FILES[format_](source, size_bytes, Limits())


def _covered(coverage: Examined, version: Version) -> Coverage:
    return Coverage(
        bytes_scanned=coverage.scanned_bytes,
        bytes_total=coverage.unpacked_bytes,
        members_scanned=coverage.scanned_members,
        members_total=coverage.members,
        skipped=tuple(coverage.unscanned),
        skipped_count=coverage.unscanned_count,
        engine=version.program,
        database=version.database or "",
        database_date=version.database_date,
    )


def _detail(coverage: Examined, version: Version) -> str:
    dated = f" of {version.database_date:%Y-%m-%d %H:%M}" if version.database_date else ""
    signatures = f"signatures {version.database}{dated}" if version.database else "signatures without a date"
    left_out = [f"not scanned: {one}" for one in coverage.unscanned]
    if coverage.unscanned_count > len(left_out):
        left_out.append(f"and {coverage.unscanned_count - len(left_out)} more")
    return "; ".join([coverage.sentence(), version.program, signatures, *left_out])
