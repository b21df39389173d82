"""Bundled libraries in the files of a payload: what names itself is found, what is broken is a note."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packageurl import PackageURL

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.bundled import Collector
from entrepot.domain.formats.bundled.copyrights import read_copyright
from entrepot.domain.formats.deb import DebFormat
from entrepot.domain.formats.rpm import RpmFormat
from entrepot.domain.model.component import Component, Composition
from entrepot.testing.debs import build_deb
from entrepot.testing.rpms import build_rpm

SITE = "usr/lib/python3/dist-packages"


def looked_at(files: Mapping[str, bytes], mode: int = 0o755) -> Composition:
    collector = Collector()
    for path, data in files.items():
        collector.look(path.encode(), mode, len(data), io.BytesIO(data))
    return collector.composition("demo")


def jar(entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def pom(group: str, artifact: str, version: str) -> dict[str, bytes]:
    text = f"#made by Maven\ngroupId={group}\nartifactId={artifact}\nversion={version}\n".encode()
    return {f"META-INF/maven/{group}/{artifact}/pom.properties": text}


def go_program(lines: str, version: str = "go1.22.3", before: int = 4096, flags: int = 2) -> bytes:
    def text(data: bytes) -> bytes:
        size, head = len(data), b""
        while size >= 0x80:
            head, size = head + bytes([size & 0x7F | 0x80]), size >> 7
        return head + bytes([size]) + data

    info = b"\xff Go buildinf:" + bytes([8, flags]) + bytes(16)
    info += text(version.encode()) + text(b"0" * 16 + lines.encode() + b"1" * 16)
    return b"\x7fELF" + bytes(before - 4) + info + bytes(100_000)


def elf_with(name: bytes, section: bytes) -> bytes:
    names = b"\0" + name + b"\0.shstrtab\0"
    body = bytes(64) + section + names
    rows = [
        bytes(64),
        struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, 64, len(section), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", 2 + len(name), 3, 0, 0, 64 + len(section), len(names), 0, 0, 1, 0),
    ]
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, len(body), 0, 64, 0, 0, 64, len(rows), 2)
    return head + body[64:] + b"".join(rows) + bytes(100_000)


def crates(*rows: Mapping[str, str]) -> bytes:
    return zlib.compress(json.dumps({"packages": rows}).encode())


METADATA = b"Metadata-Version: 2.1\nName: Foo_Bar.baz\nVersion: 1.0.post1\nLicense-Expression: MIT\n\nVersion: 9\n"


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (
            {f"{SITE}/Foo_Bar.baz-1.0.dist-info/METADATA": METADATA},
            [("pkg:pypi/foo-bar.baz@1.0.post1", "PyPI", "foo-bar-baz", "1.0.post1", "MIT")],
        ),
        (
            {f"{SITE}/six.egg-info": b"Name: six\r\nVersion: 1.16.0\r\nLicense: UNKNOWN\r\n\r\nText"},
            [("pkg:pypi/six@1.16.0", "PyPI", "six", "1.16.0", "")],
        ),
        (
            {"opt/app/node_modules/@angular/core/package.json": b'{"name":"@angular/core","version":"17.0.1"}'},
            [("pkg:npm/%40angular/core@17.0.1", "npm", "@angular/core", "17.0.1", "")],
        ),
        (
            {"usr/share/nodejs/ms/package.json": b'{"name":"ms","version":"2.1.3","license":{"type":"MIT"}}'},
            [("pkg:npm/ms@2.1.3", "npm", "ms", "2.1.3", "MIT")],
        ),
        ({"opt/app/node_modules/a/esm/package.json": b'{"name":"not","version":"1"}'}, []),
        ({"opt/app/package.json": b'{"name":"the-application","version":"1"}'}, []),
        (
            {"opt/log.jar": jar(pom("org.apache.logging.log4j", "log4j-core", "2.14.1"))},
            [
                (
                    "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
                    "Maven",
                    "org.apache.logging.log4j:log4j-core",
                    "2.14.1",
                    "",
                )
            ],
        ),
        (
            {
                "opt/b.jar": jar(
                    {"META-INF/MANIFEST.MF": b"Bundle-SymbolicName: com.exam\r\n ple.b;x=1\r\nBundle-Version: 3.1\r\n"}
                )
            },
            [("pkg:generic/com.example.b@3.1", "", "com.example.b", "3.1", "")],
        ),
        ({"opt/silent.jar": jar({"A.class": b"x"})}, []),
        (
            {
                "usr/bin/tool": go_program(
                    "path\texample.org/tool\nmod\texample.org/tool\t(devel)\t\n"
                    "dep\tgithub.com/BurntSushi/toml\tv1.2.3\th1:x=\n"
                    "dep\tgolang.org/x/net\tv0.1.0\n=>\tgolang.org/x/net\tv0.17.0\th1:y=\nbuild\tGOOS=linux\n"
                )
            },
            [
                ("pkg:golang/github.com/burntsushi/toml@v1.2.3", "Go", "github.com/BurntSushi/toml", "1.2.3", ""),
                ("pkg:golang/golang.org/x/net@v0.17.0", "Go", "golang.org/x/net", "0.17.0", ""),
                ("pkg:golang/stdlib@1.22.3", "Go", "stdlib", "1.22.3", ""),
            ],
        ),
        (
            {
                "usr/bin/rusty": elf_with(
                    b".dep-v0",
                    crates(
                        {"name": "serde", "version": "1.0.1", "source": "crates.io"},
                        {"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"},
                        {"name": "rusty", "version": "0.1.0", "source": "local"},
                    ),
                )
            },
            [("pkg:cargo/serde@1.0.1", "crates.io", "serde", "1.0.1", "")],
        ),
        ({"usr/bin/plain": elf_with(b".comment", b"nothing")}, []),
        ({"usr/bin/script": b"#!/bin/sh\n" + bytes(100_000)}, []),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_names_itself_is_found(files: dict[str, bytes], wanted: list[tuple[str, ...]]) -> None:
    found = looked_at(files)
    assert found.notes == ()
    assert [(one.purl, one.ecosystem, one.name, one.version, one.licence) for one in found.components] == wanted
    for one in found.components:
        assert PackageURL.from_string(one.purl).to_string() == one.purl
        assert one.path == next(iter(files))


def test_jars_in_jars_say_where_they_are() -> None:
    inner = jar(pom("g", "inner", "1"))
    middle = jar({**pom("g", "middle", "1"), "lib/inner.jar": inner})
    outer = jar({"WEB-INF/lib/middle.jar": middle, "WEB-INF/lib/broken.jar": b"PK broken"})
    found = looked_at({"opt/app.war": outer})
    assert [(one.name, one.path) for one in found.components] == [
        ("g:inner", "opt/app.war > WEB-INF/lib/middle.jar > lib/inner.jar"),
        ("g:middle", "opt/app.war > WEB-INF/lib/middle.jar"),
    ]
    assert found.notes == ("opt/app.war > WEB-INF/lib/broken.jar: File is not a zip file",)
    deeper = looked_at({"a.jar": jar({"b.jar": jar({"c.jar": jar({"d.jar": inner})})})})
    assert deeper.components == ()
    assert "more than 2 deep" in deeper.notes[0]


@pytest.mark.parametrize(
    "files",
    [
        {f"{SITE}/x.dist-info/METADATA": b""},
        {f"{SITE}/x.dist-info/METADATA": b"Name: x\n\nVersion: 1\n"},
        {f"{SITE}/x.dist-info/METADATA": "Name: \u00e4\nVersion: 1\n".encode()},
        {"node_modules/x/package.json": b"{"},
        {"node_modules/x/package.json": b"[" * 100_000},
        {"node_modules/x/package.json": b'{"name": 1, "version": "1"}'},
        {"node_modules/x/package.json": b'{"name": "a/b/c", "version": "1"}'},
        {"node_modules/x/package.json": b'{"name": "x", "version": ["1"]}'},
        {"node_modules/x/package.json": b" " * (1 << 20)},
        {"x.jar": b""},
        {"x.jar": jar(pom("g", "a", "${project.version}"))},
        {"x.jar": jar({"META-INF/MANIFEST.MF": b"x"}, zipfile.ZIP_LZMA)},
        {"x.jar": jar({f"{number}": b"" for number in range(60_001)}, zipfile.ZIP_STORED)},
        {"usr/bin/x": go_program("", flags=0)},
        {"usr/bin/x": go_program("", version="devel +abc")},
        {"usr/bin/x": go_program("dep\ta b\tv1\n")},
        {"usr/bin/x": elf_with(b".dep-v0", b"no zlib")},
        {"usr/bin/x": elf_with(b".dep-v0", zlib.compress(b"[]"))},
        {"usr/bin/x": elf_with(b".dep-v0", zlib.compress(b" " * (9 << 20)))},
    ],
    ids=range(19),
)
def test_what_is_broken_is_a_note(files: dict[str, bytes]) -> None:
    found = looked_at(files)
    assert len(found.notes) == 1
    assert found.notes[0].startswith(next(iter(files)))
    assert found.notes[0].isascii()
    assert found.notes[0].isprintable()


def test_the_magic_of_go_counts_only_where_the_linker_puts_it() -> None:
    real = go_program("dep\ta.example/b\tv1.0.0\n", before=1 << 20)
    odd = bytearray(real)
    odd[1000:1014] = b"\xff Go buildinf:"
    assert looked_at({"x": bytes(odd)}).components == looked_at({"x": real}).components
    assert len(looked_at({"x": real}).components) == 2


def test_an_composition_is_bounded() -> None:
    many = {f"node_modules/a{number}/package.json": b'{"name":"a%d","version":"1"}' % number for number in range(5100)}
    found = looked_at(many)
    assert len(found.components) == 5000
    assert 0 < len(found.notes) <= 20


@given(st.binary(max_size=300), st.sampled_from(["x.jar", "a.egg-info", "node_modules/a/package.json", "usr/bin/x"]))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_it_fail(data: bytes, path: str) -> None:
    for mixed in (data, jar({"META-INF/maven/a/b/pom.properties": data, "b.jar": data})[:-3] + data):
        looked_at({path: mixed})
    looked_at({path: go_program("")[:5000] + data + bytes(70_000)})
    looked_at({path: elf_with(b".dep-v0", data)})
    read_copyright(b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n" + data)


@pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("objcopy")), reason="GCC OR OBJCOPY IS NOT INSTALLED")
def test_a_section_that_a_real_linker_wrote_is_read(tmp_path: Path) -> None:
    source, section, program = tmp_path / "x.c", tmp_path / "section", tmp_path / "x"
    source.write_text("char big[100000] = {1}; int main(void) { return big[1]; }\n")
    section.write_bytes(crates({"name": "serde", "version": "1.0.1", "source": "crates.io"}))
    subprocess.run(["gcc", "-o", program, source], check=True)
    subprocess.run(["objcopy", "--add-section", f".dep-v0={section}", program], check=True)
    [found] = looked_at({"usr/bin/x": program.read_bytes()}).components
    assert found.purl == "pkg:cargo/serde@1.0.1"


COPYRIGHT = b"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: demo

Files: *
Copyright: 2020 A
License: GPL-2+

Files: lib/*
Copyright: 2020 B
License: Expat

License: Beer
 Text that belongs to no file.
"""
FILES = {
    "usr/share/doc/demo/copyright": COPYRIGHT,
    "usr/share/doc/other/copyright": COPYRIGHT.replace(b"GPL-2+", b"ISC"),
    f"{SITE}/six.egg-info": b"Name: six\nVersion: 1.16.0\n",
    "opt/app.jar": jar(pom("g", "a", "1")),
    "usr/bin/tool": b"#!" + bytes(100_000),
}
COMPONENTS = (
    Component("pkg:maven/g/a@1", "Maven", "g:a", "1", "opt/app.jar"),
    Component("pkg:pypi/six@1.16.0", "PyPI", "six", "1.16.0", f"{SITE}/six.egg-info"),
)


@pytest.mark.parametrize("compression", ["gz", "xz", "zst"])
def test_a_deb_and_an_rpm_are_looked_into_while_they_are_read(compression: str) -> None:
    data = build_deb("demo", files=FILES, compression=compression)
    facts = DebFormat().read(io.BytesIO(data), len(data), Limits())
    assert facts.composition is not None
    assert facts.composition.components == COMPONENTS
    assert facts.license == "GPL-2.0-or-later AND MIT"
    data = build_rpm("demo", files=FILES, compression=compression, license="ISC")
    facts = RpmFormat().read(io.BytesIO(data), len(data), Limits())
    assert facts.composition is not None
    assert facts.composition.components == COMPONENTS
    assert facts.license == "ISC"
    assert set(facts.paths) == {path.encode() for path in FILES}


def test_a_copyright_file_in_its_own_words() -> None:
    assert read_copyright(COPYRIGHT.replace(b"Expat", b"Own licence")) == "GPL-2.0-or-later AND (Own licence)"
    assert read_copyright(b"This is free software.\n\nLicense: GPL\n") == ""
