"""What the builders make is a package to the programs that decide what a package is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from entrepot.testing.clients import Result, missing_programs, run
from entrepot.testing.packages import build_deb, build_rpm

FILES = {"etc/thing.conf": b"a=1\n", "usr/bin/thing": b"#!/bin/sh\n", "usr/share/a b/empty": b""}

needs_dpkg = pytest.mark.skipif(bool(missing_programs("dpkg-deb")), reason="dpkg-deb is not installed")
needs_rpm = pytest.mark.skipif(bool(missing_programs("rpm", "rpm2archive")), reason="rpm is not installed")


def dpkg_deb(tmp_path: Path, package: bytes, *arguments: str) -> Result:
    (tmp_path / "x.deb").write_bytes(package)
    return run(("dpkg-deb", arguments[0], "x.deb", *arguments[1:]), folder=tmp_path).checked()


def rpm(tmp_path: Path, package: bytes, *arguments: str) -> str:
    (tmp_path / "x.rpm").write_bytes(package)
    return run(("rpm", f"--dbpath={tmp_path}/db", *arguments, "x.rpm"), folder=tmp_path).checked().stdout


def unpacked(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs_dpkg
@pytest.mark.parametrize("compression", ["none", "gz", "xz", "zst", "bz2", "lzma"])
def test_dpkg_unpacks_what_was_put_in(tmp_path: Path, compression: str) -> None:
    package = build_deb("thing", "1:2.0~rc1-3", "amd64", files=FILES, compression=compression)
    dpkg_deb(tmp_path, package, "--extract", "out")
    assert unpacked(tmp_path / "out") == FILES
    assert (tmp_path / "out/usr/bin/thing").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/etc/thing.conf").stat().st_mode & 0o777 == 0o644


@needs_dpkg
def test_dpkg_reads_the_fields_and_the_scripts(tmp_path: Path) -> None:
    package = build_deb(
        "thing",
        "1.0",
        files=FILES,
        depends="libc6 (>= 2.36)",
        fields={"Homepage": "https://example.org/", "Priority": ""},
        scripts={"postinst": "#!/bin/sh\n"},
        conffiles=("etc/thing.conf",),
    )
    fields = dpkg_deb(tmp_path, package, "--field").stdout
    assert fields.startswith("Package: thing\nVersion: 1.0\nArchitecture: all\n")
    assert "Depends: libc6 (>= 2.36)\n" in fields
    assert "Homepage: https://example.org/\n" in fields
    assert "Priority" not in fields
    dpkg_deb(tmp_path, package, "--control", "control")
    assert sorted(path.name for path in (tmp_path / "control").iterdir()) == [
        "conffiles",
        "control",
        "md5sums",
        "postinst",
    ]
    sums = (tmp_path / "control/md5sums").read_text()
    assert f"{hashlib.md5(FILES['usr/bin/thing']).hexdigest()}  usr/bin/thing\n" in sums


@needs_rpm
@pytest.mark.parametrize("compression", ["gz", "xz", "zst", "bz2"])
def test_rpm_finds_every_digest_right_and_the_content_as_put_in(tmp_path: Path, compression: str) -> None:
    package = build_rpm("thing", "2.0", "3.el9", "x86_64", epoch=1, files=FILES, compression=compression)
    assert "digests OK" in rpm(tmp_path, package, "--checksig")
    run(("rpm2archive", "x.rpm"), folder=tmp_path).checked()
    (tmp_path / "out").mkdir()
    run(("tar", "-xzf", "x.rpm.tgz", "-C", "out"), folder=tmp_path).checked()
    assert unpacked(tmp_path / "out") == FILES
    listed = rpm(
        tmp_path, package, "--query", "--package", "--queryformat=[%{FILENAMES} %{FILEMODES:perms} %{FILEDIGESTS}\n]"
    )
    assert f"/usr/bin/thing -rwxr-xr-x {hashlib.sha256(FILES['usr/bin/thing']).hexdigest()}\n" in listed


@needs_rpm
@pytest.mark.parametrize("offset", [97, 300, -3])
def test_rpm_notices_a_changed_octet(tmp_path: Path, offset: int) -> None:
    package = bytearray(build_rpm("thing"))
    package[offset] ^= 0xFF
    with pytest.raises(AssertionError):
        rpm(tmp_path, bytes(package), "--checksig")


@needs_rpm
def test_rpm_reads_every_relation_as_written(tmp_path: Path) -> None:
    relations = {
        "requires": ["libthing >= 1.0", "(a or b)"],
        "provides": ["virtual = 2"],
        "conflicts": ["other < 3"],
        "obsoletes": ["thang <= 1"],
        "recommends": ["nano"],
        "suggests": ["vim > 8"],
        "supplements": ["editor"],
        "enhances": ["shell"],
    }
    package = build_rpm("thing", "2.0", "3", "x86_64", epoch=1, **relations)  # type: ignore[arg-type]
    for relation, wanted in relations.items():
        found = rpm(tmp_path, package, "--query", "--package", f"--{relation}").split("\n")
        own = ["thing = 1:2.0-3", "thing(x86-64) = 1:2.0-3"] if relation == "provides" else []
        assert [each for each in found if each and not each.startswith("rpmlib(")] == [*own, *wanted]


@needs_rpm
def test_rpm_reads_texts_scripts_and_changelog(tmp_path: Path) -> None:
    package = build_rpm(
        "thing",
        summary="Grüße",
        license="MIT",
        scripts={"postin": "true\n"},
        changelog=[(1_700_000_000, "A <a@example.org> - 2.0-1", "- second")],
    )
    said = rpm(tmp_path, package, "--query", "--package", "--info", "--scripts", "--changelog")
    for expected in (
        "Grüße",
        "MIT",
        "postinstall scriptlet (using /bin/sh):\ntrue",
        "A <a@example.org> - 2.0-1",
        "- second",
    ):
        assert expected in said


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert build_deb("thing", files=FILES) == build_deb("thing", files=dict(reversed(FILES.items())))
    assert build_rpm("thing", files=FILES) == build_rpm("thing", files=dict(reversed(FILES.items())))


@needs_rpm
def test_an_rpm_without_files_is_still_a_package(tmp_path: Path) -> None:
    assert rpm(tmp_path, build_rpm("empty", files={}), "--query", "--package", "--list") == "(contains no files)\n"
    assert "digests OK" in rpm(tmp_path, build_rpm("empty", files={}), "--checksig")
