"""Our three documents against what createrepo_c writes for the same files, element by element.

Order matters everywhere but among attributes.  One difference is deliberate: a source package that leaves sources out
has the architecture ``nosrc`` here, ``src`` there.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from tests.unit.formats.rpm.specs import build_specs

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.rpm import RpmFormat
from entrepot.domain.formats.rpm.documents import Document, head, render_fragment, tail
from entrepot.domain.formats.rpm.repomd import parse_repomd
from entrepot.domain.model.package import PackageFacts
from entrepot.testing.corpora import require_shared
from entrepot.testing.rpms import build_rpm

pytestmark = pytest.mark.skipif(
    not shutil.which("createrepo_c"), reason="createrepo_c IS NOT INSTALLED; the indexes cannot be compared"
)


def read(path: Path) -> PackageFacts:
    with path.open("rb") as file:
        return RpmFormat().read(file, path.stat().st_size, Limits())


def our_documents(folder: Path) -> dict[str, bytes]:
    paths = sorted(folder.rglob("*.rpm"))
    facts = [read(path) for path in paths]
    documents = {}
    for kind in Document:
        rendered = [
            render_fragment(
                kind,
                each.fragments[kind.value],
                digest=hashlib.sha256(path.read_bytes()).hexdigest(),
                size_bytes=path.stat().st_size,
                href=str(path.relative_to(folder)),
                file_time=int(path.stat().st_mtime),
            )
            for path, each in zip(paths, facts, strict=True)
        ]
        documents[kind.value] = head(kind, len(paths)) + b"".join(rendered) + tail(kind)
    return documents


def their_documents(folder: Path) -> dict[str, bytes]:
    command = ["createrepo_c", "--quiet", "--no-database", "--compress-type", "gz", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    repomd = parse_repomd((folder / "repodata" / "repomd.xml").read_bytes())
    documents = {}
    for record in repomd.records:
        raw = (folder / record.location).read_bytes()
        assert hashlib.sha256(raw).hexdigest() == record.checksum
        documents[record.type] = gzip.decompress(raw)
    return documents


def flattened(element: ET.Element) -> object:
    """Everything an element says: tag, attributes in no order, text, children in order."""
    children = [flattened(child) for child in element]
    text = (element.text or "") if not children else ""
    return element.tag, sorted(element.attrib.items()), text, children


def by_package(document: bytes) -> dict[str, object]:
    root = ET.fromstring(document)
    found: dict[str, object] = {}
    for package in root:
        checksum = package.get("pkgid") or package.findtext("{*}checksum") or ""
        assert checksum not in found
        found[checksum] = flattened(package)
    assert root.get("packages") == str(len(found))
    return found


def assert_same(folder: Path) -> None:
    ours, theirs = our_documents(folder), their_documents(folder)
    assert set(theirs) == set(ours)
    for kind in Document:
        mine, reference = by_package(ours[kind.value]), by_package(theirs[kind.value])
        assert set(mine) == set(reference)
        for checksum, package in mine.items():
            assert package == reference[checksum], kind


def test_a_source_package_without_its_sources_is_nosrc(tmp_path: Path) -> None:
    folder = build_specs(tmp_path, only_sources_left_out=True)
    (path,) = folder.glob("*.rpm")
    assert path.name == "carried-1-1.nosrc.rpm"
    facts = read(path)
    assert RpmFormat().filename(facts.key) == path.name
    assert "<arch>nosrc</arch>" in facts.fragments["primary"].decode()
    assert b"<arch>src</arch>" in their_documents(folder)["primary"]


def test_packages_of_a_corpus(tmp_path: Path) -> None:
    generator = require_shared("bench", "make_rpms.py")
    for extra in (["--count", "60"], ["--count", "3", "--files", "300", "--changelogs", "40", "--seed", "9"]):
        folder = tmp_path / f"rpms{len(extra)}"
        command = [sys.executable, str(generator), "--out", str(folder), "--jobs", "1", *extra]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        assert_same(folder)


def test_packages_of_rpmbuild(tmp_path: Path) -> None:
    folder = build_specs(tmp_path)
    assert len(list(folder.rglob("*.rpm"))) >= 6
    assert_same(folder)


def test_awkward_text_and_dependencies(tmp_path: Path) -> None:
    changes = [(1_700_000_000, f'Ann <a@example.org> "q" & {n}', f"- <b> ]]> \t{n}\n- two") for n in range(4)]
    changes += [(1_600_000_000 - n // 2, "Bob", f"- older {n}") for n in range(12)]
    packages = {
        "awkward": build_rpm(
            "awkward",
            "1.0~rc1^git2",
            "0.1.fc40",
            "x86_64",
            epoch=3,
            summary="a < b && \"c\" 'd' \u2028 \U0001f4e6",
            description="  two\n\n  lines\ttab ]]>",
            vendor="Ends & Sons",
            changelog=changes,
            files={"usr/bin/awkward": b"#!/bin/sh\n", "etc/awkward/\u00e9 & b": b"x", "usr/lib/sendmail": b"y"},
            requires=[
                "libc.so.6(GLIBC_2.4)(64bit)", "libc.so.6(GLIBC_2.34)(64bit)", "libc.so.6()(64bit)", "other >= 2:1.0-1",
                "other >= 2:1.0-1", "other < 3", "/usr/bin/awkward", "/usr/lib/elsewhere", "awkward", "plain = 1.0",
                "(a if (b or c >= 1.2))", "config(awkward) = 3:1.0~rc1^git2-0.1.fc40",
            ],
            provides=["virtual = 1", "font(:lang=en)", "bundled(x) = 1:2-3"],
            conflicts=["old < 1"],
            obsoletes=["older <= 1:2"],
            recommends=["(nice and nicer)"],
            suggests=["thing > 1"],
            supplements=["(lang and awkward)"],
            enhances=["more"],
            scripts={"postin": "true\n"},
        ),
        "self": build_rpm(
            "self",
            "1",
            architecture="x86_64",
            epoch=2,
            files={"usr/bin/self": b"", "opt/self": b""},
            provides=["v = 3", "w", "/pp", "z <= 2"],
            requires=[
                "self", "self >= 2:1-1", "self = 2:1-1", "self = 1-1", "v", "v = 3", "v >= 3", "w", "w = 1",
                "/usr/bin/self", "/usr/bin/self = 1", "/opt/self", "/pp", "/pp = 1", "self(x86-64) = 2:1-1", "z <= 2",
                "z < 2", "z = 2", "b", "c > 1", "b", "c > 1", "libc.so.6(GLIBC_2.10)(64bit)",
                "libc.so.6(GLIBC_2.9)(64bit)", "libc.so.6()(64bit)",
            ],
        ),
        "empty": build_rpm("empty", files={}, url="", summary=" "),
        "zst": build_rpm("zst", compression="zst"),
    }  # fmt: skip
    for name, raw in packages.items():
        (tmp_path / f"{name}.rpm").write_bytes(raw)
    assert_same(tmp_path)
