"""Filters of mirrors: what they take, and that no pattern takes long."""

from __future__ import annotations

import contextlib
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.upstream.patterns import BadPattern, Pattern, glob
from entrepot.domain.upstream.sieve import EVERYTHING, Filter, Sieve

NAMES = st.text(alphabet="ab1-+.", max_size=12)


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("lib.*-dev", "libc6-dev", "libc6"),
        ("a|bc", "bc", "abc"),
        (r"python3(\.\d+)?", "python3.13", "python3."),
        ("x{2,3}", "xxx", "xxxx"),
        ("x{2,}", "xxxxx", "x"),
        ("[^a-c]+", "xyz", "xay"),
        ("^g\\+\\+$", "g++", "gg"),
        ("(?:ab)*", "abab", "aba"),
        ("[]x]", "]", "["),
    ],
)
def test_a_pattern_fits_whole_names(pattern: str, fits: str, does_not: str) -> None:
    assert Pattern(pattern).matches(fits)
    assert not Pattern(pattern).matches(does_not)
    assert re.fullmatch(pattern, fits)
    assert not re.fullmatch(pattern, does_not)


@given(st.sampled_from(["a*b", "(a|b)+1?", "a{1,3}.?", "[ab]*-1", "(a*)*b", "(a|ab)(b|)"]), NAMES)
def test_a_pattern_says_what_others_say(pattern: str, name: str) -> None:
    assert Pattern(pattern).matches(name) == bool(re.fullmatch(pattern, name))


def test_what_others_despair_of_takes_one_walk_over_the_name() -> None:
    for pattern in ("(a*)*b", "(a|aa)+b", "(a|a)*b", "a{0,100}a{0,100}b"):
        assert not Pattern(pattern).matches("a" * 255)


@pytest.mark.parametrize("pattern", ["(", ")", "a**", "*", "[a", "x{1000}", "(?=a)", r"\1", "a{", "(x{100}){100}"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        Pattern(pattern)


@given(st.text(alphabet=string.printable, max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with contextlib.suppress(BadPattern):
        Pattern(text).matches("some-name1.2+3")


def test_globs() -> None:
    assert glob("lib*-dev").matches("libc6-dev")
    assert not glob("lib*-dev").matches("libc6")
    assert glob("g++").matches("g++")
    assert glob("[!a]?").matches("bx")
    assert not glob("[!a]?").matches("ax")


def taken(wanted: Filter, name: str, *, section: str = "utils", priority: str = "optional") -> bool:
    return Sieve(wanted, "all").takes(name, "amd64", "main", section, priority)


def test_all_that_is_given_has_to_hold_and_names_are_alternatives() -> None:
    assert taken(EVERYTHING, "anything")
    named = Filter(names=("nginx*", "curl"), regex="lib(ssl|z).*", exclude=("*-dbg",))
    assert [name for name in ("nginx-core", "curl", "libssl3", "wget", "nginx-dbg") if taken(named, name)] == [
        "nginx-core",
        "curl",
        "libssl3",
    ]
    assert taken(Filter(sections=("*/libs", "libs")), "x", section="contrib/libs")
    assert not taken(Filter(sections=("libs",), priorities=("required",)), "x", section="libs")
    assert not Sieve(Filter(components=("main",)), "all").takes("x", "amd64", "contrib", "", "")
    assert Sieve(Filter(architectures=("arm64",)), "all").bears("x", "all", "main")
    assert not Sieve(Filter(architectures=("arm64",)), "all").bears("x", "amd64", "main")
    with pytest.raises(BadPattern, match="regex"):
        Sieve(Filter(regex="("), "all")


def test_a_filter_is_kept_and_read_back() -> None:
    wanted = Filter(names=("a",), regex="b", newest=2, with_dependencies=True)
    assert Filter.from_json(wanted.to_json()) == wanted
    assert EVERYTHING.to_json() == {}
    assert not EVERYTHING.narrows
    assert not Filter(with_dependencies=True).narrows
    assert wanted.narrows
