"""Text that goes into XML, fragments that become documents, and repomd.xml both ways."""

from __future__ import annotations

import io
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.rpm import RpmFormat
from entrepot.domain.formats.rpm.documents import (
    DIGEST_MARK,
    HREF_MARK,
    SIZE_MARK,
    TIME_MARK,
    Document,
    head,
    render_fragment,
    tail,
)
from entrepot.domain.formats.rpm.layout import repo_href
from entrepot.domain.formats.rpm.markup import attribute, cleaned, element
from entrepot.domain.formats.rpm.repomd import Repomd, RepomdRecord, parse_repomd, write_repomd
from entrepot.errors import BadIndexField, MalformedIndex
from entrepot.testing.rpms import build_rpm

MARKS = (DIGEST_MARK, HREF_MARK, SIZE_MARK, TIME_MARK)
PRIMARY = RepomdRecord("primary", "a" * 64, 10, "repodata/a-primary.xml.gz", 7, "b" * 64, 20)
GROUP = RepomdRecord("group", "c" * 64, 5, "repodata/c-comps.xml", 8)


def rendered(raw: bytes, kind: Document, href: str = "Packages/a/a.rpm") -> bytes:
    facts = RpmFormat().read(io.BytesIO(raw), len(raw), Limits())
    return render_fragment(
        kind, facts.fragments[kind.value], digest="d" * 64, size_bytes=4711, href=href, file_time=1_700_000_001
    )


@given(st.text())
def test_any_text_survives_xml(text: str) -> None:
    whole = ET.fromstring(f'<r a="{attribute(text)}">{element("e", text)}</r>'.encode(errors="ignore"))
    expected = cleaned(text)
    assert whole.get("a") == expected
    assert (whole.findtext("e") or "") == expected
    assert not any(mark.decode() in expected for mark in MARKS)


def test_every_mark_is_filled_once() -> None:
    raw = build_rpm("marked", summary="\1digest\1", changelog=[(1, "\1href\1", "\1time\1 \1size\1")])
    for kind in Document:
        fragment = rendered(raw, kind)
        assert b"\1" not in fragment
        assert fragment.count(b"d" * 64) == 1
        assert fragment.startswith(b"<package ")
        assert fragment.endswith(b"</package>\n")


def test_what_belongs_to_the_file_is_where_clients_look() -> None:
    href = 'Packages/a/"a" & <b>.rpm'
    root = ET.fromstring(head("primary", 1) + rendered(build_rpm("a"), Document.PRIMARY, href) + tail("primary"))
    (package,) = root
    common = {"c": "http://linux.duke.edu/metadata/common"}
    found = {path: package.find(path, common) for path in ("c:location", "c:size", "c:time", "c:checksum")}
    assert found["c:location"] is not None
    assert found["c:location"].get("href") == href
    assert found["c:size"] is not None
    assert found["c:size"].get("package") == "4711"
    assert found["c:time"] is not None
    assert found["c:time"].get("file") == "1700000001"
    assert found["c:checksum"] is not None
    assert found["c:checksum"].text == "d" * 64


def test_fragments_are_the_same_every_time() -> None:
    raw = build_rpm("stable", requires=["b", "a"], files={"etc/b": b"", "etc/a": b""})
    read = RpmFormat().read
    assert read(io.BytesIO(raw), len(raw), Limits()).fragments == read(io.BytesIO(raw), len(raw), Limits()).fragments


def test_href_of_a_package() -> None:
    assert repo_href("Zlib-1-1.noarch.rpm") == "Packages/z/Zlib-1-1.noarch.rpm"


def test_repomd_is_read_as_written() -> None:
    raw = write_repomd(42, [PRIMARY, GROUP])
    assert raw == write_repomd(42, [PRIMARY, GROUP])
    assert parse_repomd(raw) == Repomd(42, (PRIMARY, GROUP))
    assert parse_repomd(write_repomd(0, [])) == Repomd(0, ())


@pytest.mark.skipif(not shutil.which("createrepo_c"), reason="createrepo_c IS NOT INSTALLED")
def test_repomd_of_createrepo_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.rpm").write_bytes(build_rpm("a"))
    command = ["createrepo_c", "--quiet", "--revision", "77", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    repomd = parse_repomd((tmp_path / "repodata" / "repomd.xml").read_bytes())
    assert repomd.revision == 77
    for record in repomd.records:
        assert (tmp_path / record.location).stat().st_size == record.size_bytes
    assert {"primary", "filelists", "other"} <= {record.type for record in repomd.records}


@pytest.mark.parametrize(
    "record",
    [
        replace(PRIMARY, type=""), replace(PRIMARY, type="a b"), replace(PRIMARY, checksum="A" * 64),
        replace(PRIMARY, open_checksum="b"), replace(PRIMARY, location="/etc/x"), replace(PRIMARY, location="a/../b"),
        replace(PRIMARY, location=".."), replace(PRIMARY, location="a\nb"), replace(PRIMARY, location="http://x/y"),
    ],
)  # fmt: skip
def test_records_that_would_mislead_are_not_written(record: RepomdRecord) -> None:
    with pytest.raises(BadIndexField):
        write_repomd(1, [record])


GOOD = write_repomd(1, [PRIMARY]).decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<repomd ", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><repomd '),
        ("<repomd ", "<!DOCTYPE x><repomd "),
        ("metadata/repo", "metadata/other"),
        ("</repomd>", ""),
        ("</repomd>", "</repomd>x"),
        ("<revision>1<", "<revision>&e;<"),
        ("<revision>1</revision>", ""),
        ("<revision>1<", "<revision>-1<"),
        ("<revision>1<", "<revision>\u0661<"),
        ("<revision>1</revision>", "<revision>1</revision><revision>2</revision>"),
        ('type="sha256"', 'type="md5"'),
        ("a" * 64, "a" * 63),
        ("<size>10</size>", ""),
        ("<size>10</size>", "<size>10</size><size>11</size>"),
        ("<size>10<", "<size>1e9<"),
        ("repodata/a-", "../a-"),
        ("repodata/a-", "/a-"),
        ("repodata/a-", "http://x/a-"),
        ('href="repodata', 'xml:base="http://x/" href="repodata'),
        ('type="primary"', 'type="../x"'),
        ("<size>10<", "<size>" + "1" * 5000 + "<"),
        ("<size>10<", "<a>" * 50 + "</a>" * 50 + "<size>10<"),
        ("<timestamp>7<", "<timestamp>\x01<"),
    ],
)
def test_repomd_that_misleads_is_refused(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(MalformedIndex, match=r"repomd\.xml"):
        parse_repomd(GOOD.replace(old, new, 1).encode())


def test_repomd_of_any_size_and_number_is_refused() -> None:
    with pytest.raises(MalformedIndex, match="larger"):
        parse_repomd(b" " * (9 << 20))
    many = [replace(PRIMARY, type=f"t{number}") for number in range(300)]
    with pytest.raises(MalformedIndex, match="records"):
        parse_repomd(write_repomd(1, many))
    with pytest.raises(MalformedIndex, match="two records"):
        parse_repomd(write_repomd(1, [PRIMARY, PRIMARY]))


@given(st.binary(max_size=300))
def test_noise_is_never_a_repomd(noise: bytes) -> None:
    with pytest.raises(MalformedIndex):
        parse_repomd(noise)
