"""The control stanza, its fields and its relations."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.concerns import SHOWN_PER_CODE, ConcernLog
from entrepot.domain.formats.deb import fields
from entrepot.domain.formats.deb.architecture import BINARY_ARCHITECTURES
from entrepot.domain.formats.deb.concerns import note_takeover
from entrepot.domain.formats.deb.control import NOT_OURS, Stanza, parse_control
from entrepot.domain.formats.deb.pool import deb_filename, pool_path
from entrepot.domain.formats.deb.relations import split_relation
from entrepot.errors import BadPackageField, BadVersion

IDENTITY = "Package: demo\nVersion: 1.0\nArchitecture: all\n"


def stanza(text: str) -> Stanza:
    return parse_control(text.encode(), Limits())


def test_the_index_stanza_puts_identity_first_and_keeps_the_rest_in_order() -> None:
    text = "Z: 1\nversion:1.0\nA: 2\nSource: src\nARCHITECTURE:  all\nEmpty:\nDescription: d\n .\n\tx \nPackage: demo\n"
    assert stanza(text).index_text().decode() == (
        "Package: demo\nSource: src\nVersion: 1.0\nArchitecture: all\nZ: 1\nA: 2\nDescription: d\n .\n\tx \n"
    )


@pytest.mark.parametrize("field", sorted(NOT_OURS))
def test_fields_of_the_index_are_dropped_in_any_case(field: str) -> None:
    for name in (field, field.upper(), field.title()):
        assert stanza(f"{IDENTITY}{name}: evil\n more\n").index_text().decode() == IDENTITY


def test_line_breaks_of_unicode_are_text() -> None:
    text = f"{IDENTITY}Description: x\u2028\u2028Package: openssl\u2029Filename: pool/evil.deb\n"
    found = stanza(text)
    assert found.index_text().decode() == text
    assert list(found.fields) == ["package", "version", "architecture", "description"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (IDENTITY + "\nPackage: two\n", "line 4 is blank"),
        (IDENTITY + "X: a\n \nY: b\n", "line 5 is blank"),
        (IDENTITY + "X: a\n b\n\t\n c\n", "line 6 is blank"),
        (IDENTITY + "package: two\n", "'package' is there twice"),
        (IDENTITY + "X: a\rb\n", "line 4 holds the control character U\\+000D"),
        (IDENTITY + "X: \x85\n", "U\\+0085"),
        ("\ufeff" + IDENTITY, "U\\+FEFF"),
        (" x\n" + IDENTITY, "line 1 continues"),
        (IDENTITY + "X: a", "no newline"),
        (IDENTITY + "X:\n", "has no value"),
        (IDENTITY + "words\n", "line 4 \\('words'\\)"),
        (IDENTITY + "-X: a\n", "line 4"),
        (IDENTITY + "#X: a\n", "line 4"),
        (IDENTITY + "X Y: a\n", "line 4"),
        (IDENTITY + "X\u00e9: a\n", "line 4"),
        (IDENTITY + ": a\n", "line 4"),
        (IDENTITY + "Revision: 3\n", "obsolete"),
        (IDENTITY + "X: " + "a" * (1 << 20) + "b\n", "longer"),
        (IDENTITY + "".join(f"X{n}: a\n" for n in range(1000)), "more than 1000"),
    ],
)
def test_refuses(text: str, sentence: str) -> None:
    with pytest.raises(BadPackageField, match=sentence):
        stanza(text)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_value_adds_a_field_or_a_stanza(value: str) -> None:
    try:
        found = stanza(f"{IDENTITY}Comment: {value}\n")
    except BadPackageField:
        return
    again = parse_control(found.index_text(), Limits())
    assert found.index_text() == again.index_text()
    assert list(again.fields)[:3] == ["package", "version", "architecture"]
    assert len(found.fields) == 3 + 1 + sum(1 for line in value.split("\n")[1:] if line and line[0] not in " \t")


@pytest.mark.skipif(not shutil.which("dpkg-architecture"), reason="dpkg-architecture is not installed")
def test_knows_the_architectures_of_dpkg() -> None:
    listed = subprocess.run(["dpkg-architecture", "-L"], capture_output=True, text=True, check=True).stdout.split()
    assert set(listed) <= BINARY_ARCHITECTURES


@pytest.mark.parametrize("size", ["-1", "1e3", "lots", "\u0664", str(2**53), "9" * 30, "1 kB"])
def test_installed_size_is_a_number_that_fits(size: str) -> None:
    with pytest.raises(BadPackageField, match="Installed-Size"):
        fields.read_installed_size_bytes(stanza(f"{IDENTITY}Installed-Size: {size}\n"))
    assert fields.read_installed_size_bytes(stanza(f"{IDENTITY}Installed-Size: {2**53 - 1}\n")) == 2**63 - 1024


@pytest.mark.parametrize("source", ["../x (1)", "X", "a", "demo (1.0", "demo (1) (2)", "demo\n (1)"])
def test_source_is_a_name_and_perhaps_a_version(source: str) -> None:
    with pytest.raises((BadPackageField, BadVersion), match="Source"):
        fields.read_source(stanza(f"{IDENTITY}Source: {source}\n"), "demo")
    with pytest.raises(BadVersion, match="Source"):
        fields.read_source(stanza(f"{IDENTITY}Source: demo (x)\n"), "demo")
    assert fields.read_source(stanza(f"{IDENTITY}Source: src (1.0-1)\n"), "demo") == "src"
    assert fields.read_source(stanza(IDENTITY), "demo") == "demo"


@pytest.mark.parametrize("section", ["../../x", "/etc", "a/../b", "a//b", "a\\b", "a/b/c/d", ".", "<b>", "-x"])
def test_a_section_never_climbs(section: str) -> None:
    with pytest.raises(BadPackageField, match="Section"):
        fields.read_section(stanza(f"{IDENTITY}Section: {section}\n"))


@pytest.mark.parametrize("section", ["net", "non-free/net", "Development/Tools", "Network Utilities", ""])
def test_odd_sections_of_vendors_are_taken(section: str) -> None:
    assert fields.read_section(stanza(f"{IDENTITY}Section: {section}\n")) == section


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil", "x"])
def test_a_homepage_that_no_browser_should_follow_is_no_homepage(address: str) -> None:
    assert fields.read_homepage(stanza(f"{IDENTITY}Homepage: {address}\n")) == ""


def test_relations_are_split_at_commas_with_folds_collapsed() -> None:
    value = "libc6  (>=\n 2.36), a|b (<<1:2~),\n c:any(= 1) "
    assert split_relation("depends", value) == ("libc6 (>= 2.36)", "a|b (<<1:2~)", "c:any(= 1)")


@pytest.mark.parametrize(
    "value", ["foo (>= 1", "foo 1)", "|,|,|", "foo [", "foo (>>> 1)", "foo (>= " + "9" * 4000 + ")", "a,,b", ",",
              "a,", "a |", "a (= 1-)", "a (= a:1)", "a (= 1_0)",
              "foo [amd64]", "foo <!nocheck>", "../x", "a b", "foo (>= 1;rm)", "foo ()", "f\u00f6o", "-x"]
)  # fmt: skip
def test_refuses_relations_that_are_none(value: str) -> None:
    with pytest.raises(BadPackageField, match="Depends"):
        split_relation("depends", value)


@pytest.mark.parametrize("relation", ["provides", "conflicts", "breaks", "replaces", "enhances"])
def test_alternatives_have_their_places(relation: str) -> None:
    assert split_relation(relation, "a (= 1), b") == ("a (= 1)", "b")
    with pytest.raises(BadPackageField):
        split_relation(relation, "a | b")


def test_versioned_moves_of_files_are_no_takeover() -> None:
    log = ConcernLog()
    relations = {
        "replaces": ("libc6 (<< 2)", "coreutils"),
        "provides": ("demo-api", "libc6 (= 99)"),
        "breaks": ("dpkg",),
    }
    note_takeover(stanza(IDENTITY), "demo", relations, log)
    assert [concern.detail for concern in log.concerns()] == [
        "control: Provides names 'libc6 (= 99)', part of the base system",
        "control: Replaces names 'coreutils', part of the base system",
    ]


def test_concerns_are_bounded() -> None:
    log = ConcernLog()
    for n in range(10_000):
        log.add("payload.setuid", f"file {n}")
    assert len(log.concerns()) == SHOWN_PER_CODE + 1
    assert "9980 more" in log.concerns()[-1].detail


def test_pool_paths_have_the_prefix_of_the_source() -> None:
    name = deb_filename("libfoo1", "1:2.0-1", "amd64")
    assert pool_path("main", "libfoo", name) == "pool/main/libf/libfoo/libfoo1_2.0-1_amd64.deb"
    assert pool_path("main", "foo", "x.deb") == "pool/main/f/foo/x.deb"
    assert pool_path("main", "lib", "x.deb") == "pool/main/l/lib/x.deb"
    assert deb_filename("a2", "1:2:3", "all") == "a2_2:3_all.deb"
