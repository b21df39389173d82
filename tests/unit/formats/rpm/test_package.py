"""Facts of honest packages, and small faults in otherwise honest ones; rpm itself is the oracle of the fields."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.formats.rpm.specs import build_specs

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.rpm import RpmFormat
from entrepot.domain.formats.rpm.dependencies import rich_fault
from entrepot.domain.formats.rpm.package import payload_files
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.errors import (
    AmbiguousPackage,
    BadPackageField,
    EntrepotError,
    MalformedPackage,
    PackageBomb,
    PackageDigestMismatch,
    PackageSignatureInvalid,
)
from entrepot.testing import rpm_container
from entrepot.testing.rpm_container import INT16, INT32, REGION_HEADER, STRING, STRING_ARRAY, Entries
from entrepot.testing.rpms import build_rpm

needs_rpm = pytest.mark.skipif(not shutil.which("rpm"), reason="rpm IS NOT INSTALLED; its answers are missing")


def read(raw: bytes, limits: Limits | None = None) -> PackageFacts:
    return RpmFormat().read(io.BytesIO(raw), len(raw), limits or Limits())


def files_of(raw: bytes) -> dict[bytes, bytes]:
    return {name: content.read(1 << 20) for name, content in payload_files(io.BytesIO(raw), len(raw), Limits())}


def query(path: Path, fmt: str) -> str:
    command = ["rpm", "--dbpath", str(path.parent / "db"), "-qp", "--nosignature", "--qf", fmt, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def raw_package(payload: bytes, changes: Entries) -> bytes:
    """A package of one file ``/opt/f`` with 3 bytes, its tags changed, every digest right."""
    entries: Entries = {
        1000: (STRING, "raw"), 1001: (STRING, "1"), 1002: (STRING, "1"), 1022: (STRING, "noarch"),
        1044: (STRING, "raw-1-1.src.rpm"), 1028: (INT32, [3]), 1030: (INT16, [0o100644]), 1116: (INT32, [0]),
        1117: (STRING_ARRAY, ["f"]), 1118: (STRING_ARRAY, ["/opt/"]), 1125: (STRING, "gzip"),
        5092: (STRING_ARRAY, [hashlib.sha256(payload).hexdigest()]), 5093: (INT32, [8]),
    }  # fmt: skip
    main = rpm_container.header(entries | changes, REGION_HEADER)
    signature = rpm_container.signature_header(main, payload, 0, None)
    return rpm_container.lead("raw") + signature + bytes(-len(signature) % 8) + main + payload


def stripped(records: list[tuple[int, bytes]]) -> bytes:
    """A payload in rpm's own form, whose records say only which file of the header they hold."""
    body = b"".join(b"07070X%08x\0\0" % index + data + bytes(-len(data) % 4) for index, data in records)
    return gzip.compress(body + rpm_container.cpio({}))


def test_facts_of_a_full_package() -> None:
    facts = read(
        build_rpm(
            "full", "1.0~rc1", "2.el9", "x86_64", epoch=1, vendor="Ends", summary="Sum", description="Two\nlines",
            files={"etc/full.conf": b"x", "usr/bin/full": b"#!/bin/sh\n"}, source="complete-9-1.src.rpm",
            requires=["glibc >= 2.34", "(a if b)"], recommends=["nice"], scripts={"prein": "true", "postun": "true"},
        )
    )  # fmt: skip
    assert facts.key == PackageKey(Format.RPM, "full", "1:1.0~rc1-2.el9", "x86_64")
    assert (facts.source, facts.section, facts.license) == ("complete", "Unspecified", "Apache-2.0")
    assert (facts.summary, facts.description) == ("Sum", "Two\nlines")
    assert facts.maintainer == "Package Builder <builder@example.org>"
    assert facts.installed_size_bytes == 11
    assert facts.paths == (b"etc/full.conf", b"usr/bin/full")
    assert facts.relations["requires"] == ("glibc >= 2.34", "(a if b)")
    assert facts.relations["recommends"] == ("nice",)
    assert facts.relations["provides"] == ("full = 1:1.0~rc1-2.el9", "full(x86-64) = 1:1.0~rc1-2.el9")
    assert facts.scripts == ("prein", "postun")
    assert not facts.signed
    assert facts.concerns == ()


@needs_rpm
def test_fields_are_what_rpm_says(tmp_path: Path) -> None:
    for path in sorted(build_specs(tmp_path).glob("*.rpm")):
        facts = read(path.read_bytes())
        source = path.name.endswith(".src.rpm")
        epoch, name, version, arch, summary, group, url = query(
            path, "%|EPOCH?{%{EPOCH}:}|\\t%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SUMMARY}\\t%{GROUP}\\t%{URL}"
        ).split("\t")
        assert facts.key == PackageKey(Format.RPM, name, epoch + version, "src" if source else arch)
        assert (facts.summary, facts.section) == (summary, group)
        assert facts.homepage == (url if url != "(none)" else "")
        assert facts.installed_size_bytes == int(query(path, "%{LONGSIZE}"))
        assert facts.description == query(path, "%{DESCRIPTION}")
        requires = query(path, "[%{REQUIRENEVRS}\\n]").split("\n")[:-1]
        wanted = [each for each in requires if not each.startswith("rpmlib(")]
        assert list(facts.relations.get("requires", ())) == wanted
        listed = query(path, "[%{FILEMODES:perms} %{FILEFLAGS:fflags} %{FILENAMES}\\n]").split("\n")[:-1]
        shipped = [line.split(" ", 2) for line in listed]
        names = [path for mode, flags, path in shipped if mode[0] != "d" and "g" not in flags]
        assert [each.decode() for each in facts.paths] == [each.removeprefix("/") for each in names]
        assert list(facts.conffiles) == [path for _, flags, path in shipped if "c" in flags]
        assert RpmFormat().filename(facts.key) == path.name


def test_packages_of_every_compressor_give_the_same_files(tmp_path: Path) -> None:
    wide = sorted(build_specs(tmp_path).glob("wide-*.x86_64.rpm")) + sorted(
        (tmp_path / "out").glob("wide-*.noarch.rpm")
    )
    contents = [files_of(path.read_bytes()) for path in wide]
    assert len(contents) == 6
    assert all(each == contents[0] for each in contents)
    # Of two hard links the payload has the bytes once.
    assert sorted((contents[0][b"usr/bin/wide"], contents[0][b"usr/bin/wider"])) == [b"", b"#!/bin/sh\n"]
    assert [concern.code for concern in read(wide[0].read_bytes()).concerns] == ["payload.setuid"]


def test_source_packages_list_their_sources(tmp_path: Path) -> None:
    path = next(build_specs(tmp_path).glob("carried-*.src.rpm"))
    facts = read(path.read_bytes())
    assert facts.key.architecture == "src"
    assert facts.source == "carried"
    assert set(facts.paths) == {b"carried.txt", b"secret.bin"} | {b"package.spec"}


@needs_rpm
@pytest.mark.skipif(not shutil.which("rpmsign") or not shutil.which("gpg"), reason="rpmsign or gpg IS NOT INSTALLED")
@pytest.mark.parametrize("algorithm", ["rsa3072", "ed25519"])
def test_signatures_of_rpmsign_are_signatures(tmp_path: Path, algorithm: str) -> None:
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    environment = os.environ | {"GNUPGHOME": str(home), "HOME": str(tmp_path)}
    gpg = ["gpg", "--batch", "--passphrase", "", "--quick-gen-key", "Packager <p@example.org>", algorithm, "sign"]
    subprocess.run(gpg, check=True, capture_output=True, env=environment, timeout=120)
    path = tmp_path / "signed.rpm"
    unsigned = build_rpm("signed")
    path.write_bytes(unsigned)
    macros = ("_gpg_name Packager", f"_gpg_path {home}", f"__gpg {shutil.which('gpg')}")
    sign = ["rpmsign", *(word for macro in macros for word in ("--define", macro)), "--addsign", str(path)]
    subprocess.run(sign, check=True, capture_output=True, env=environment, timeout=120)
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True, env=environment, timeout=60)
    signed = path.read_bytes()
    assert signed != unsigned
    assert read(signed).signed
    assert not read(unsigned).signed
    assert read(signed).key == read(unsigned).key


def test_a_signature_over_something_else_is_refused() -> None:
    def sign(main: bytes) -> bytes:
        hashed = struct.pack(">BBI", 5, 2, 1) + struct.pack(">BB21s", 22, 33, b"\4" + bytes(20))
        body = b"\4\0\1\x08" + struct.pack(">H", len(hashed)) + hashed + b"\0\0"
        tail = body[: 6 + len(hashed)] + struct.pack(">BBI", 4, 0xFF, 6 + len(hashed))
        check = hashlib.sha256(main + tail).digest()[:2]
        body += check + struct.pack(">HB", 8, 0x80)
        return b"\x88" + bytes([len(body)]) + body

    assert read(build_rpm("signed", sign=sign)).signed
    with pytest.raises(PackageSignatureInvalid, match="RSA is a signature over something else"):
        read(build_rpm("signed", sign=lambda main: sign(main + b"x")))
    with pytest.raises(PackageSignatureInvalid, match="RSA is not exactly"):
        read(build_rpm("signed", sign=lambda main: sign(main) + b"x"))


def test_records_without_names() -> None:
    assert files_of(raw_package(stripped([(0, b"abc")]), {})) == {b"opt/f": b"abc"}
    with pytest.raises(MalformedPackage, match="file 1 of 1"):
        read(raw_package(stripped([(1, b"abc")]), {}))
    with pytest.raises(AmbiguousPackage, match="is there twice"):
        read(raw_package(stripped([(0, b"abc"), (0, b"abc")]), {}))
    with pytest.raises(AmbiguousPackage, match="the listed file"):
        read(raw_package(stripped([]), {}))


def test_payload_and_header_have_to_agree() -> None:
    def payload(name: str, data: bytes) -> bytes:
        return gzip.compress(rpm_container.cpio({name: data}))

    assert read(raw_package(payload("opt/f", b"abc"), {})).paths == (b"opt/f",)
    with pytest.raises(AmbiguousPackage, match="does not list the file"):
        read(raw_package(payload("opt/g", b"abc"), {}))
    with pytest.raises(AmbiguousPackage, match="has 4 bytes, the header says 3"):
        read(raw_package(payload("opt/f", b"abcd"), {}))
    with pytest.raises(AmbiguousPackage, match="another kind"):
        read(raw_package(payload("opt/f", b"abc"), {1030: (INT16, [0o120777])}))
    with pytest.raises(MalformedPackage, match="trailer"):
        read(raw_package(gzip.compress(rpm_container.cpio({"opt/f": b"abc"}) + b"more"), {}))
    with pytest.raises(PackageDigestMismatch, match="PAYLOADDIGESTALT"):
        read(raw_package(payload("opt/f", b"abc"), {5097: (STRING_ARRAY, ["0" * 64])}))
    with pytest.raises(MalformedPackage, match="not a valid xz stream"):
        read(raw_package(payload("opt/f", b"abc"), {1125: (STRING, "xz")}))


def test_paths_that_climb_are_a_concern() -> None:
    payload = gzip.compress(rpm_container.cpio({"opt/../../etc/f": b"abc"}))
    facts = read(raw_package(payload, {1118: (STRING_ARRAY, ["/opt/../../etc/"])}))
    assert [concern.code for concern in facts.concerns] == ["payload.path"]


def test_limits_hold() -> None:
    raw = build_rpm("limited", files={f"opt/{number}": b"x" for number in range(20)}, summary="s" * 500)
    for limits in (
        Limits(members=10), Limits(header_bytes=1000), Limits(field_bytes=100), Limits(unpacked_bytes=1000),
        Limits(path_bytes=5), Limits(listing_bytes=20),
    ):  # fmt: skip
        with pytest.raises(PackageBomb):
            read(raw, limits)


RICH = [
    "(a or b", "(a or)", "(a xor b)", "(a >= )", "(a or b))", "()", "(a or b and c)", "(a if b if c)", "(x(y z) or b)",
    "(a)", "((a))", "(a or b)", "(a and b and c)", "(a if b else c)", "(a >= 1 if (b or c(x) < 2:3-4) else d)",
    "(  a or b )", "(a with b<1)", "(/x or b)", "(a => 1 or b)", "(a without b without c)",
]  # fmt: skip


@pytest.mark.skipif(not shutil.which("rpmspec"), reason="rpmspec IS NOT INSTALLED; rpm cannot be asked")
def test_rich_dependencies_are_what_rpm_takes_for_one(tmp_path: Path) -> None:
    spec = tmp_path / "x.spec"
    for text in RICH:
        spec.write_text(f"Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nRequires: {text}\n%description\n")
        asked = subprocess.run(["rpmspec", "-q", str(spec)], check=False, capture_output=True, timeout=60)
        assert (rich_fault(text) == "") == (asked.returncode == 0), text


def test_rich_dependencies_are_kept_as_text_or_refused() -> None:
    assert read(build_rpm("rich", requires=["(a >= 1 if b)"])).relations["requires"] == ("(a >= 1 if b)",)
    with pytest.raises(BadPackageField, match="REQUIRENAME holds the rich dependency"):
        read(build_rpm("rich", requires=["(a or b and c)"]))
    assert rich_fault("(a or b) c") == "goes on after its last parenthesis"


def test_deep_rich_dependencies_are_refused() -> None:
    with pytest.raises(BadPackageField, match="deep"):
        read(build_rpm("rich", requires=["(" * 500 + "a" + " or b)" * 500]))


def test_names_of_trees_and_pools() -> None:
    rpm = RpmFormat()
    key = PackageKey(Format.RPM, "Name", "3:1-2.el9", "i686")
    assert rpm.filename(key) == "Name-1-2.el9.i686.rpm"
    assert rpm.pool_path(key, "source", "main") == "Packages/n/Name-1-2.el9.i686.rpm"
    assert rpm.pool_path(key, "source", "main", apart="3") == "Packages/n/3/Name-1-2.el9.i686.rpm"
    assert [rpm.tree(name) for name in ("i686", "noarch", "src", "nosrc", "x86_64", "armv7hl", "new")] == [
        "i386", "noarch", "src", "src", "x86_64", "armhfp", "new",
    ]  # fmt: skip
    assert rpm.independent == "noarch"


GOOD = build_rpm("fuzzed", "1", "1", "x86_64", requires=["(a or b)"], changelog=[(1, "x", "y")])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_changed_byte_is_never_taken(data: st.DataObject) -> None:
    # Of the lead only 12 bytes mean anything; the other digests of the signature header cover all the rest but it.
    at = data.draw(st.integers(min_value=0, max_value=len(GOOD) - 1))
    bit = data.draw(st.integers(min_value=0, max_value=7))
    raw = GOOD[:at] + bytes([GOOD[at] ^ 1 << bit]) + GOOD[at + 1 :]
    try:
        facts = read(raw)
    except EntrepotError:
        return
    assert facts == read(GOOD)


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0, max_value=len(GOOD) - 1))
def test_a_file_cut_anywhere_is_refused(at: int) -> None:
    with pytest.raises(EntrepotError):
        read(GOOD[:at])
    with pytest.raises(EntrepotError):
        RpmFormat().read(io.BytesIO(GOOD[:at]), len(GOOD), Limits())
