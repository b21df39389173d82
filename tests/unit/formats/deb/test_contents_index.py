"""Contents: one line for each path, merged owners, and the same text back."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.formats.deb.contents_index import contents_entries, is_listable, owner_word, parse_contents
from entrepot.domain.formats.segments.cut import CutSizes, Entry, cut
from entrepot.errors import BadIndexField, MalformedIndex
from entrepot.testing.debs import build_deb


def test_owners_of_one_path_are_merged_and_sorted() -> None:
    pairs = [(b"bin/a", b"utils/z"), (b"bin/a", b"utils/b"), (b"bin/a", b"utils/z"), (b"bin/b c", b"d")]
    assert list(contents_entries(pairs)) == [
        Entry(b"bin/a", b"bin/a\tutils/b,utils/z\n"),
        Entry(b"bin/b c", b"bin/b c\td\n"),
    ]


@pytest.mark.parametrize(
    ("section", "word"), [("", b"a"), ("utils", b"utils/a"), ("contrib/net", b"contrib/net/a"), ("my own", b"a"),
                          ("a,b", b"a"), ("a\nb", b"a"), ("\xe9", b"a")]
)  # fmt: skip
def test_an_odd_section_is_left_out(section: str, word: bytes) -> None:
    assert owner_word(section, "a") == word


@pytest.mark.parametrize("package", ["", "a b", "a,b", "a\n", "\xe9"])
def test_an_odd_package_is_refused(package: str) -> None:
    with pytest.raises(BadIndexField):
        owner_word("utils", package)


@pytest.mark.parametrize("path", [b"", b"a\nb", b"a ", b" a", b"a\rb", b"a\0", b"a\x7f", b"a\t", b"a" * 9000])
def test_paths_that_no_line_can_hold_are_left_out(path: bytes) -> None:
    assert not is_listable(path)
    assert list(contents_entries([(path, b"x")])) == []


@pytest.mark.parametrize(
    "text", [b"bin/a", b"bin/a\n", b"bin/a \n", b"\tb\n", b"a b,\n", b"a \xff\n", b"a\0 b\n", b"a b\r\n", b"\n", b"a b"]
)
def test_strict_reading(text: bytes) -> None:
    with pytest.raises(MalformedIndex):
        list(parse_contents([text]))


def test_a_line_has_a_bound() -> None:
    with pytest.raises(MalformedIndex, match="longer than"):
        list(parse_contents([b"a" * (1 << 16)] * 20))
    assert len(list(parse_contents([b"a" + b" " * 1_000_000 + b"b\n"]))) == 1


def test_apt_ftparchive_agrees(tmp_path: Path) -> None:
    if shutil.which("apt-ftparchive") is None:
        pytest.skip("apt-ftparchive IS NOT INSTALLED (Debian: apt-utils); the index is compared with nobody's")
    shipped = {"one": {"usr/bin/one": b"1", "usr/share/x y": b"2"}, "two": {"usr/bin/one": b"1", "opt/\xe9": b"3"}}
    for name, files in shipped.items():
        (tmp_path / f"{name}_1_all.deb").write_bytes(build_deb(name, files=files))
    made = subprocess.run(["apt-ftparchive", "contents", "."], cwd=tmp_path, capture_output=True, check=True).stdout
    pairs = sorted((path.encode(), owner_word("", name)) for name, files in shipped.items() for path in files)
    ours = b"".join(entry.text for entry in contents_entries(pairs))
    theirs = dict(parse_contents([made]))
    assert {path: set(owners) for path, owners in parse_contents([ours])} == {p: set(o) for p, o in theirs.items()}


listable = st.binary(min_size=1, max_size=30).filter(is_listable)
owners = st.sampled_from([b"utils/a", b"b", b"contrib/x/c"])


@given(st.lists(st.tuples(listable, owners), max_size=60), st.lists(st.integers(0, 1500)))
def test_what_is_written_is_read(pairs: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    wanted: dict[bytes, set[bytes]] = {}
    for path, owner in pairs:
        wanted.setdefault(path, set()).add(owner)
    sizes = CutSizes(minimum=50, target=100, maximum=200, rare_every=300, dense_every=30)
    text = b"".join(entry.text for run in cut(contents_entries(sorted(pairs)), sizes) for entry in run)
    borders = [0, *sorted(min(at, len(text)) for at in cuts), len(text)]
    chunks = [text[start:end] for start, end in pairwise(borders)]
    assert {path: set(found) for path, found in parse_contents(chunks)} == wanted
