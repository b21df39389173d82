"""Stanzas of Packages: nothing in a control fragment can speak for the index, and reading is strict."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.formats.deb.packages_index import IndexLimits, PackageEntry, parse_entries, parse_stanzas, stanza
from entrepot.errors import BadPackageField, MalformedIndex
from entrepot.testing.debs import build_deb

DIGESTS = {name: hashlib.new(name, b"x").hexdigest() for name in ("md5", "sha1", "sha256", "sha512")}
SHA256 = {"sha256": DIGESTS["sha256"]}
FRAGMENT = b"Package: a\nVersion: 1\nArchitecture: all\nDescription: short\n long\n .\n more\n"


def write(fragment: bytes, filename: str = "pool/main/a/a/a_1_all.deb", **digests: str) -> bytes:
    return stanza(fragment, filename=filename, size_bytes=7, digests=digests or SHA256)


def read(*chunks: bytes) -> list[dict[str, str]]:
    return list(parse_stanzas(chunks))


def test_index_fields_stand_before_the_description() -> None:
    assert write(FRAGMENT) == (
        b"Package: a\nVersion: 1\nArchitecture: all\nFilename: pool/main/a/a/a_1_all.deb\nSize: 7\n"
        b"SHA256: " + SHA256["sha256"].encode() + b"\nDescription: short\n long\n .\n more\n\n"
    )


def test_without_a_description_they_end_the_stanza() -> None:
    assert write(b"Package: a\n").split(b"\n")[:3] == [
        b"Package: a",
        b"Filename: pool/main/a/a/a_1_all.deb",
        b"Size: 7",
    ]


def test_all_digests_in_the_order_of_debian() -> None:
    names = [line.partition(b":")[0] for line in write(b"Package: a\n", **DIGESTS).split(b"\n")[3:-2]]
    assert names == [b"MD5sum", b"SHA1", b"SHA256", b"SHA512"]


def test_a_package_cannot_say_what_the_index_says() -> None:
    lies = b"filename: ../../etc/passwd\nSIZE: 1\nSha256: 00\n folded\nMD5sum:\n lie\nSHA512: 1\n"
    assert write(lies + FRAGMENT) == write(FRAGMENT)
    described = b"Package: a\nDescription: Filename: no field\n Size: 3\n"
    fields = read(write(described))[0]
    assert fields["Size"] == "7"
    assert fields["Description"] == "Filename: no field\n Size: 3"


@pytest.mark.parametrize(
    "fragment",
    [b"", b"\n", b"Package: a", b"Package: a\n\n", b"Package: a\n\nPackage: b\n", b" a\n", b"\nPackage: a\n", b":\n",
     b"Package: a\r\n", b"Package: a\0\n", b"Package: a\n \nPackage: b\n", b"Package: a\n\t \n"],
)  # fmt: skip
def test_what_is_not_one_stanza_is_refused(fragment: bytes) -> None:
    with pytest.raises(BadPackageField):
        write(fragment)


@pytest.mark.parametrize(
    "filename", ["", "/a", "a//b", "a/", "../a", "a/../b", "./a", "a b", "a\nSize: 0", "a\u2028b", "\xe9", "a" * 5000]
)
def test_a_filename_is_a_plain_relative_path(filename: str) -> None:
    with pytest.raises(BadPackageField):
        write(FRAGMENT, filename)


@pytest.mark.parametrize("digest", ["", "0" * 63, "A" * 64, "0" * 63 + "\n"])
def test_a_digest_is_lower_case_hexadecimal(digest: str) -> None:
    with pytest.raises(BadPackageField):
        write(FRAGMENT, sha256=digest)
    with pytest.raises(BadPackageField):
        write(FRAGMENT, md5=DIGESTS["md5"])


def test_dpkg_scanpackages_agrees(tmp_path: Path) -> None:
    if shutil.which("dpkg-scanpackages") is None:
        pytest.skip("dpkg-scanpackages IS NOT INSTALLED (Debian: dpkg-dev); the stanza is compared with nobody's")
    deb = build_deb("sample", "1:2.0-1", fields={"Tag": "a::b,\n c::d"})
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "sample.deb").write_bytes(deb)
    scanned = subprocess.run(["dpkg-scanpackages", "pool"], cwd=tmp_path, capture_output=True, check=True).stdout
    control = subprocess.run(
        ["dpkg-deb", "-f", "pool/sample.deb"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    digests = {name: hashlib.new(name, deb).hexdigest() for name in ("md5", "sha1", "sha256")}
    ours = stanza(control, filename="pool/sample.deb", size_bytes=len(deb), digests=digests)
    assert read(ours) == read(scanned)


def test_fields_and_folds_are_read() -> None:
    text = b"\n\nPackage:a  \nTag: x,\n y,\n\tz\nEmpty:\n\n\n\nPackage: b\nX-\xc3\xa9: no"
    with pytest.raises(MalformedIndex, match="stanza 2"):
        read(text)
    assert read(text[: text.index(b"X-")]) == [{"Package": "a", "Tag": "x,\n y,\n\tz", "Empty": ""}, {"Package": "b"}]
    assert read() == read(b"") == read(b"\n\n\n") == []


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\u3000"])
def test_only_a_line_feed_ends_a_line(odd: str) -> None:
    text = f"Package: a{odd}Filename: evil\n".encode()
    assert read(text) == [{"Package": f"a{odd}Filename: evil"}]


@pytest.mark.parametrize(
    "text",
    [b"Package: a", b"Package: a\npackage: b\n", b"Package: a\nPackage: a\n", b" a: b\n", b"a\n", b": a\n", b"-a: b\n",
     b"#a: b\n", b"Package : a\n", b"Package: a\r\n", b"Package: \0\n", b"Package: \xff\n", b"Package: a\n \nb: c\n",
     b"Package: a\n\t \n\nb: c\n", b"Package: a\nno field\n b: c\n"],
)  # fmt: skip
def test_strict_reading(text: bytes) -> None:
    with pytest.raises(MalformedIndex, match="stanza 1"):
        read(text)


def test_bounds_hold_before_a_stanza_is_complete() -> None:
    limits = IndexLimits(stanza_bytes=1000, stanzas=3)

    def endless() -> Iterator[bytes]:
        yield b"Package: a\n"
        for _ in range(100):
            yield b" more\n" * 10
        raise AssertionError("read far beyond the bound")

    for parse in (parse_stanzas, parse_entries):
        with pytest.raises(MalformedIndex, match="longer than 1000"):
            list(parse(endless(), limits=limits))
        with pytest.raises(MalformedIndex, match="longer than 1000"):
            list(parse([b"Package: " + b"a" * 1000 + b"\n\nPackage: b\n\n"], limits=limits))
    with pytest.raises(MalformedIndex, match="more than 3"):
        list(parse_stanzas([b"a: b\n\n" * 4], limits=limits))


def test_entries_are_the_identity_of_stanzas() -> None:
    text = write(FRAGMENT) + write(b"X-Size: 9\nPackage: b\nVersion: 2\nArchitecture: amd64\n", "pool/b.deb")
    assert list(parse_entries([text])) == [
        PackageEntry("a", "1", "all", "pool/main/a/a/a_1_all.deb", 7, SHA256["sha256"]),
        PackageEntry("b", "2", "amd64", "pool/b.deb", 7, SHA256["sha256"]),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Version: 1\n", b""), (b"Version: 1\n", b"Version: 1\nVersion: 1\n"), (b"Size: 7", b"Size: -7"),
     (b"Size: 7", b"Size: 7 7"), (b"Size: 7", b"Size:"), (b"SHA256: ", b"SHA256: 0"),
     (b"Package: a", b"Package: \xff")],
)  # fmt: skip
def test_entries_refuse_what_does_not_identify(old: bytes, new: bytes) -> None:
    with pytest.raises(MalformedIndex, match="stanza 1"):
        list(parse_entries([write(FRAGMENT).replace(old, new)]))


names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)
lines = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs"]), min_size=1, max_size=12)
values = st.lists(lines, min_size=1, max_size=3).map("\n ".join)
stanzas = st.lists(st.dictionaries(names, values, min_size=1, max_size=5), max_size=5)


@given(stanzas, st.lists(st.integers(0, 300)))
def test_chunks_may_end_anywhere(content: list[dict[str, str]], cuts: list[int]) -> None:
    unique = [{name: value for name, value in each.items() if name.lower() == name} or {"a": "b"} for each in content]
    text = "".join("".join(f"{name}: {value}\n" for name, value in each.items()) + "\n" for each in unique).encode()
    borders = [0, *sorted(min(at, len(text)) for at in cuts), len(text)]
    chunks = [text[start:end] for start, end in pairwise(borders)]
    assert read(*chunks) == unique


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for parse in (parse_stanzas, parse_entries):
        try:
            list(parse([data]))
        except MalformedIndex:
            continue
