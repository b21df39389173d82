"""Whole packages: built by us and by dpkg-deb, then read back."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.deb import DebFormat
from entrepot.domain.formats.deb.parts import payload_files
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.errors import EntrepotError, MalformedPackage, PackageBomb
from entrepot.testing.debs import build_deb

CONTROL = """\
Description: a demonstration
 First paragraph,
   indented.
 .
 Second paragraph.
Homepage: https://example.org/demo
Depends: libc6 (>= 2.36), foo | bar (<< 2:1.0~),
 baz:any
Pre-Depends: dpkg (>= 1.17)
Version: 2:1.0-3
Source: demo-src (1.0-2)
Package: demo
X-Custom: kept
Architecture: amd64
Maintainer: Ann Other <ann@example.org>
Section: contrib/net
Installed-Size: 12
"""


def read(data: bytes, limits: Limits | None = None) -> PackageFacts:
    return DebFormat().read(io.BytesIO(data), len(data), limits or Limits())


class Trickle:
    """A source that gives a few bytes at a time, as a socket may."""

    def __init__(self, data: bytes, step: int) -> None:
        self.file, self.step = io.BytesIO(data), step

    def read(self, size: int, /) -> bytes:
        return self.file.read(min(size, self.step))


@pytest.fixture
def dpkg_package(tmp_path: Path) -> Path:
    if not shutil.which("dpkg-deb"):
        pytest.skip("dpkg-deb IS NOT INSTALLED")
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True, mode=0o755)
    (tree / "DEBIAN/control").write_text(CONTROL)
    (tree / "DEBIAN/conffiles").write_text("/etc/demo.conf\n")
    for script in ("postinst", "prerm"):
        (tree / "DEBIAN" / script).write_text("#!/bin/sh\nexit 0\n")
        (tree / "DEBIAN" / script).chmod(0o755)
    (tree / "etc").mkdir()
    (tree / "etc/demo.conf").write_text("x = 1\n")
    deep = tree / "usr/share/demo" / "/".join(["a-directory-with-a-long-name"] * 6)
    deep.mkdir(parents=True)
    (deep / "file").write_text("deep\n")
    (deep / "link").symlink_to("file")
    (tree / "usr/share/demo/hard").hardlink_to(deep / "file")
    return tree


@pytest.mark.parametrize("compression", ["gzip", "xz", "zstd", "none"])
def test_reads_what_dpkg_deb_builds(dpkg_package: Path, tmp_path: Path, compression: str) -> None:
    path = tmp_path / "demo.deb"
    subprocess.run(
        ["dpkg-deb", f"-Z{compression}", "-b", str(dpkg_package), str(path)], check=True, capture_output=True
    )
    facts = read(path.read_bytes())
    assert facts.key == PackageKey(Format.DEB, "demo", "2:1.0-3", "amd64")
    assert (facts.source, facts.section, facts.homepage) == ("demo-src", "contrib/net", "https://example.org/demo")
    assert facts.maintainer == "Ann Other <ann@example.org>"
    assert facts.installed_size_bytes == 12 * 1024
    assert facts.summary == "a demonstration"
    assert facts.description == "First paragraph,\n  indented.\n\nSecond paragraph."
    assert facts.relations == {
        "depends": ("libc6 (>= 2.36)", "foo | bar (<< 2:1.0~)", "baz:any"),
        "pre-depends": ("dpkg (>= 1.17)",),
    }
    assert facts.scripts == ("postinst", "prerm")
    assert facts.conffiles == ("/etc/demo.conf",)
    assert facts.concerns == ()
    assert not facts.signed
    long = b"usr/share/demo/" + b"/".join([b"a-directory-with-a-long-name"] * 6)
    assert set(facts.paths) == {b"etc/demo.conf", b"usr/share/demo/hard", long + b"/file", long + b"/link"}
    assert (
        facts.fragments["control"]
        .decode()
        .startswith(
            "Package: demo\nSource: demo-src (1.0-2)\nVersion: 2:1.0-3\nArchitecture: amd64\n"
            "Description: a demonstration\n First paragraph,\n   indented.\n .\n Second paragraph.\n"
            "Homepage: https://example.org/demo\nDepends: libc6"
        )
    )
    assert DebFormat().filename(facts.key) == "demo_1.0-3_amd64.deb"


@pytest.mark.parametrize("compression", ["none", "gz", "xz", "zst", "bz2", "lzma"])
def test_reads_every_compression_from_a_trickling_source(compression: str) -> None:
    files = {f"usr/share/demo/{n:03}": b"text %d\n" % n * n for n in range(50)}
    data = build_deb("demo", files=files, compression=compression)
    facts = DebFormat().read(Trickle(data, 7), len(data), Limits())
    assert sorted(facts.paths) == sorted(path.encode() for path in files)
    assert facts == read(data)


def test_control_alone_gives_the_same_key_and_stanza() -> None:
    data = build_deb("demo", "1:2-3", depends="a, b")
    facts = DebFormat().read_control(io.BytesIO(data), len(data), Limits())
    assert facts.key == read(data).key
    assert facts.fragments == read(data).fragments
    assert facts.paths == ()


def test_scanners_get_every_file_with_its_bytes() -> None:
    files = {"usr/bin/demo": b"#!/bin/sh\n", "usr/share/big": bytes(range(256)) * 4000, "usr/share/empty": b""}
    data = build_deb("demo", files=files, scripts={"postinst": "#!/bin/sh\nexit 0\n"})
    seen = {}
    for path, source in payload_files(io.BytesIO(data), len(data), Limits()):
        digest = hashlib.sha256()
        while piece := source.read(1000):
            digest.update(piece)
        seen[path] = digest.hexdigest()
    assert seen[b"DEBIAN/postinst"] == hashlib.sha256(b"#!/bin/sh\nexit 0\n").hexdigest()
    for name, content in files.items():
        assert seen[name.encode()] == hashlib.sha256(content).hexdigest()


def test_limits_are_bombs() -> None:
    data = build_deb("demo", files={f"f{n}": b"x" * 5000 for n in range(20)})
    for limits in (
        Limits(members=5), Limits(listing_bytes=20), Limits(unpacked_bytes=20_000), Limits(control_bytes=1000),
        Limits(field_bytes=10),
    ):  # fmt: skip
        with pytest.raises(PackageBomb):
            read(data, limits)


@pytest.mark.parametrize("cut", [-1, 1])
def test_a_file_longer_or_shorter_than_announced_is_malformed(cut: int) -> None:
    data = build_deb("demo")
    with pytest.raises(MalformedPackage):
        DebFormat().read(io.BytesIO(data), len(data) + cut, Limits())


@given(at=st.integers(0, 2000), flip=st.binary(min_size=1, max_size=12), compression=st.sampled_from(["none", "gz"]))
def test_any_damage_is_one_of_our_errors_or_harmless(at: int, flip: bytes, compression: str) -> None:
    data = bytearray(build_deb("demo", compression=compression))
    at %= len(data)
    data[at : at + len(flip)] = flip
    try:
        facts = read(bytes(data))
    except EntrepotError:
        return
    assert facts.fragments["control"].count(b"\nVersion: ") == 1


@pytest.mark.parametrize(("older", "newer"), [("1.0~rc1", "1.0"), ("1.0", "1:0.5"), ("1.0-1", "1.0-1+b1")])
def test_the_format_orders_versions(older: str, newer: str) -> None:
    assert DebFormat().compare(older, newer) < 0 < DebFormat().compare(newer, older)
