"""What a real clamd says of packages, and what becomes of them: nothing is clean by mistake."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from entrepot.adapters.antivirus.base import ScanResult
from entrepot.adapters.antivirus.clamd import Clamd
from entrepot.domain.policy.gate import CheckResult
from entrepot.errors import ScannerUnavailable
from entrepot.services.intake.receipts import Receipt, ReceiptStatus
from entrepot.testing.clamd import EICAR, NAME, ClamdServer, find_clamd, running_clamd
from entrepot.testing.corpora import require_shared
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.payload import compressed

pytestmark = pytest.mark.xdist_group("clamd")

STREAM_MB = 2
_PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClamdServer]:
    program = find_clamd()
    if program is None:
        pytest.skip("CLAMD IS NOT INSTALLED (Debian: clamav-daemon); every test with it is skipped")
    with running_clamd(program, tmp_path_factory.mktemp("av") / "clamd", stream_mb=STREAM_MB) as server:
        yield server


@pytest.fixture(scope="module")
def installation(clamd: ClamdServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryInstallation]:
    with memory_installation(
        tmp_path_factory.mktemp("scanned"), clamd=clamd.address, clamd_stream_mb=STREAM_MB
    ) as found:
        yield found


def verdict(installation: MemoryInstallation, data: bytes, filename: str) -> Receipt:
    """Once the worker has decided."""
    receipt = installation.upload(data, filename)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while receipt.status is ReceiptStatus.INSPECTING and receipt.admission_id is not None:
        assert time.monotonic() < deadline, installation.queue.failures
        time.sleep(0.02)
        receipt = installation.application.intake.receipt(receipt.admission_id)
    return receipt


def scan_of(receipt: Receipt) -> tuple[CheckResult, str]:
    [outcome] = [one for one in receipt.outcomes if one.name == "antivirus"]
    return outcome.result, f"{outcome.message}; {outcome.detail}"


def tar(files: Mapping[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format_) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


LONG = "deep/" * 60 + "é.com"
NESTED = {
    "plain": EICAR,
    "in the middle": b"x" * 5000 + EICAR + b"y" * 5000,
    "gz": gzip.compress(EICAR),
    "xz": lzma.compress(EICAR),
    "bz2": bz2.compress(EICAR),
    "zst": compressed(EICAR, "zst"),
    "tar": tar({"a": b"a", LONG: EICAR}),
    "tar-gnu": tar({"a": b"a", LONG: EICAR}, tarfile.GNU_FORMAT),
    "tar.gz": gzip.compress(tar({"a": b"a", "b": EICAR})),
    "tar.zst": compressed(tar({"a": b"a", LONG: EICAR}), "zst"),
    "tar.zst-twice": compressed(tar({"in.tar.zst": compressed(tar({"b": gzip.compress(EICAR)}), "zst")}), "zst"),
    "two-streams": gzip.compress(b"first") + gzip.compress(EICAR),
    "deb": build_deb("inner", files={"usr/share/inner": EICAR}, compression="zst"),
}


@pytest.mark.parametrize("compression", ["gz", "xz", "zst", "bz2", "none"])
def test_eicar_in_a_deb_is_refused(installation: MemoryInstallation, compression: str) -> None:
    name = f"ill-{compression}"
    data = build_deb(name, files={"usr/bin/fine": b"fine\n", "usr/bin/ill": EICAR}, compression=compression)
    receipt = verdict(installation, data, f"{name}.deb")
    assert receipt.status is ReceiptStatus.REFUSED
    assert scan_of(receipt)[0] is CheckResult.FINDINGS
    assert list(receipt.reasons) == [f"'usr/bin/ill' holds {NAME}"]


@pytest.mark.parametrize("compression", ["gz", "xz", "zst"])
def test_eicar_in_an_rpm_is_refused(installation: MemoryInstallation, compression: str) -> None:
    name = f"ill-{compression}"
    data = build_rpm(name, files={"usr/bin/fine": b"fine\n", "usr/bin/ill": EICAR}, compression=compression)
    receipt = verdict(installation, data, f"{name}.rpm")
    assert (receipt.status, scan_of(receipt)[0]) == (ReceiptStatus.REFUSED, CheckResult.FINDINGS)


@pytest.mark.parametrize("kind", NESTED)
def test_eicar_in_an_archive_in_a_package_is_refused(installation: MemoryInstallation, kind: str) -> None:
    name = f"nested-{list(NESTED).index(kind)}"
    receipt = verdict(installation, build_deb(name, files={"usr/share/archive": NESTED[kind]}), f"{name}.deb")
    assert (receipt.status, scan_of(receipt)[0]) == (ReceiptStatus.REFUSED, CheckResult.FINDINGS), receipt.reasons


def test_eicar_in_what_runs_at_installation_is_refused(installation: MemoryInstallation) -> None:
    script = "#!/bin/sh\n# " + EICAR.decode() + "\n"
    deb = verdict(installation, build_deb("script", scripts={"postinst": script}), "script.deb")
    rpm = verdict(installation, build_rpm("script", scripts={"postin": script}), "script.rpm")
    assert [one.status for one in (deb, rpm)] == [ReceiptStatus.REFUSED] * 2


@pytest.mark.parametrize(
    ("generator", "case"),
    [
        ("make_bad_debs.py", "data-eicar"),
        ("make_bad_debs.py", "data-eicar-deep"),
        ("make_bad_rpms.py", "payload-eicar"),
    ],
)
def test_what_only_a_scanner_finds_in_the_hostile_corpus_is_refused(
    installation: MemoryInstallation, tmp_path: Path, generator: str, case: str
) -> None:
    script = require_shared("hostile", generator)
    subprocess.run([sys.executable, str(script), str(tmp_path), "--only", case], check=True, stdout=subprocess.DEVNULL)
    [path] = tmp_path.glob(f"{case}.*")
    receipt = verdict(installation, path.read_bytes(), path.name)
    assert (receipt.status, scan_of(receipt)[0]) == (ReceiptStatus.REFUSED, CheckResult.FINDINGS), scan_of(receipt)


def test_a_clean_package_is_published_with_what_was_looked_at(installation: MemoryInstallation) -> None:
    files = {"usr/share/one": b"1", "usr/share/two.tar.gz": gzip.compress(tar({"a": b"a"})), "usr/share/none": b""}
    receipt = verdict(installation, build_deb("clean", files=files), "clean.deb")
    assert receipt.status is ReceiptStatus.ACCEPTED
    result, text = scan_of(receipt)
    # control, md5sums, three files, the tar and what is in it
    assert result is CheckResult.CLEAN
    assert "7 of 7 files scanned" in text
    assert "ClamAV 1." in text


@pytest.mark.parametrize(
    ("kind", "content", "why"),
    [
        ("long", b"z" * (STREAM_MB << 20) + b"z", "more than the scanner takes at once"),
        ("cut", lzma.compress(bytes(100_000))[:-20], "could not be unpacked to its end"),
        ("rpm", build_rpm("inner"), "an .rpm inside of a package"),
        ("tail", tar({"a": b"a"}) + b"hidden", "after its end marker"),
    ],
)
def test_what_was_not_looked_at_whole_is_held(
    installation: MemoryInstallation, kind: str, content: bytes, why: str
) -> None:
    receipt = verdict(installation, build_deb(f"part-{kind}", files={"usr/share/part": content}), f"{kind}.deb")
    assert (receipt.status, scan_of(receipt)[0]) == (ReceiptStatus.HELD, CheckResult.INCONCLUSIVE)
    assert why in scan_of(receipt)[1]


def test_archives_in_archives_have_an_end(installation: MemoryInstallation) -> None:
    content = b"core"
    for _ in range(8):
        content = gzip.compress(content)
    receipt = verdict(installation, build_deb("onion", files={"usr/share/onion": content}), "onion.deb")
    assert (receipt.status, scan_of(receipt)[0]) == (ReceiptStatus.HELD, CheckResult.INCONCLUSIVE)


def test_eicar_at_the_end_of_300_mib_is_never_clean(installation: MemoryInstallation) -> None:
    # A little noise, so that it does not look like a bomb.
    noise = random.Random(1)
    content = b"".join(noise.randbytes(2048) + bytes((1 << 20) - 2048) for _ in range(300)) + EICAR
    data = build_deb("vast", files={"usr/share/vast": content}, compression="zst")
    receipt = verdict(installation, data, "vast.deb")
    # Sent in pieces that overlap, it is found; were it not, the package would be held.
    assert (receipt.status, scan_of(receipt)[0]) == (ReceiptStatus.REFUSED, CheckResult.FINDINGS)


def test_eicar_across_the_border_of_two_pieces_is_found(installation: MemoryInstallation) -> None:
    content = bytes((STREAM_MB << 20) - 30) + EICAR + bytes(100)
    receipt = verdict(installation, build_deb("border", files={"usr/share/border": content}), "border.deb")
    assert receipt.status is ReceiptStatus.REFUSED


def test_more_than_clamd_takes_is_not_clean(clamd: ClamdServer, tmp_path: Path) -> None:
    # The setting promises more than clamd's StreamMaxLength.
    with memory_installation(tmp_path, clamd=clamd.address, clamd_stream_mb=STREAM_MB * 2) as found:
        content = b"z" * (STREAM_MB << 20) + b"z"
        receipt = verdict(found, build_deb("long", files={"usr/share/long": content}), "long.deb")
        assert (receipt.status, scan_of(receipt)[0]) == (ReceiptStatus.HELD, CheckResult.INCONCLUSIVE)
        assert "StreamMaxLength" in scan_of(receipt)[1]


@contextmanager
def with_settings(installation: MemoryInstallation, **validation: bool) -> Iterator[None]:
    application = installation.application
    before = application.configurations.current().validation.model_dump()
    application.configurations.change(ADMIN, {"validation": validation})
    try:
        yield
    finally:
        application.configurations.change(ADMIN, {"validation": before})


def test_switched_off_is_skipped_and_never_clean(installation: MemoryInstallation) -> None:
    with with_settings(installation, clamav_scan=False):
        receipt = verdict(installation, build_deb("unasked", files={"usr/share/ill": EICAR}), "unasked.deb")
    assert (receipt.status, scan_of(receipt)[0]) == (ReceiptStatus.ACCEPTED, CheckResult.SKIPPED)


def test_policy_may_let_pass_what_was_not_finished_and_it_is_not_called_clean(installation: MemoryInstallation) -> None:
    content = b"z" * (STREAM_MB << 20) + b"z"
    with with_settings(installation, fail_open=True):
        receipt = verdict(installation, build_deb("lenient", files={"usr/share/long": content}), "lenient.deb")
    assert (receipt.status, scan_of(receipt)[0]) == (ReceiptStatus.ACCEPTED, CheckResult.INCONCLUSIVE)
    assert "not everything could be scanned" in receipt.warnings[0]


def test_clamd_over_tcp(tmp_path: Path) -> None:
    program = find_clamd()
    if program is None:
        pytest.skip("CLAMD IS NOT INSTALLED (Debian: clamav-daemon); every test with it is skipped")
    with running_clamd(program, tmp_path / "clamd", tcp=True, stream_mb=1) as server:
        scanner = Clamd(server.address, 30)
        assert scanner.version().program.startswith("ClamAV ")
        assert scanner.reload() == "RELOADING"
        with scanner.stream() as stream:
            stream.write(EICAR)
            answer = stream.finish()
        assert (answer.result, answer.detail) == (ScanResult.FOUND, NAME)
        with scanner.stream() as stream:
            for _ in range(64):
                stream.write(bytes(1 << 20))
            assert stream.finish().result in (ScanResult.LIMIT, ScanResult.FAILED)
        server.kill()
        with pytest.raises(ScannerUnavailable):
            scanner.version()
