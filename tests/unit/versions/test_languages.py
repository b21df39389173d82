"""The orders of versions of PyPI, npm, Go, crates.io and Maven, as their specifications list them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from entrepot.domain.versions import maven, pep440, semver

ORDERS = {
    "semver": (
        semver.loose_key,
        ["nonsense", "0.0.0-20190101000000-abcdef", "0.0.1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
         "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.2.3", "1.10.0", "1.21rc2", "1.21",
         "1.21.1", "2.0.0"],
    ),
    "pep440": (
        pep440.loose_key,
        ["nonsense", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2",
         "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5",
         "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1.10", "1!0.1"],
    ),
    "maven": (
        maven.loose_key,
        ["1-alpha", "1-alpha-1", "1-beta-2", "1-milestone-3", "1-rc", "1-rc2", "1-snapshot", "1", "1-sp", "1-foo",
         "1-foo2", "1-1", "1-2", "1.1", "1.1.1", "1.2", "1.10", "2"],
    ),
}  # fmt: skip
EQUAL = [
    (semver.loose_key, ["1.0.0", "v1.0", "1", "1.0.0+incompatible", "go1"]),
    (pep440.loose_key, ["1.0", "1", "v1.0.0", "0!1.0"]),
    (pep440.loose_key, ["1.0rc1", "1.0c1", "1.0-pre1", "1.0.RC.1"]),
    (pep440.loose_key, ["1.0.post1", "1.0-1", "1.0.r1"]),
    (maven.loose_key, ["1", "1.0", "1.0.0", "1-ga", "1-final", "1.0-release", "1.ga", "1--"]),
    (maven.loose_key, ["1-rc1", "1.0-cr1", "1-RC1", "1.rc-1"]),
    (maven.loose_key, ["1.0.0-foo.0.0", "1-foo", "1.foo"]),
    (maven.loose_key, ["1-a1", "1-alpha-1", "1alpha1"]),
]
KEYS = [semver.loose_key, pep440.loose_key]


@pytest.mark.parametrize("order", ORDERS)
def test_versions_are_in_the_order_of_their_specification(order: str) -> None:
    key, versions = ORDERS[order]
    for older, newer in itertools.combinations(versions, 2):
        assert key(older) < key(newer), (older, newer)
        assert not key(newer) < key(older), (older, newer)


@pytest.mark.parametrize(("key", "versions"), EQUAL)
def test_the_same_version_is_written_in_many_ways(key: Callable[[str], Any], versions: list[str]) -> None:
    for one, other in itertools.permutations(versions, 2):
        assert key(one) == key(other), (one, other)


@pytest.mark.parametrize("key", KEYS)
@given(texts=st.lists(st.text(alphabet="01210.-_+!abrcv ", max_size=12), min_size=3, max_size=3))
def test_every_text_has_one_place(key: Callable[[str], Any], texts: list[str]) -> None:
    one, other, third = sorted(texts, key=key)
    assert not key(other) < key(one)
    assert not key(third) < key(one)


@given(one=st.text(alphabet="0121.-_+abrcv", max_size=12), other=st.text(alphabet="0121.-_+abrcv", max_size=12))
def test_of_two_versions_of_maven_one_is_not_newer_both_ways(one: str, other: str) -> None:
    left, right = maven.loose_key(one), maven.loose_key(other)
    assert (left > right) == (right < left)
    assert (left == right) == (right == left)
    assert (left < right) + (left == right) + (left > right) == 1


PARTS = st.tuples(
    st.sampled_from(["", "1!", "v"]),
    st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts))),
    st.sampled_from(["", "a1", ".beta2", "rc", "-pre_3"]),
    st.sampled_from(["", "-1", ".post", "rev2"]),
    st.sampled_from(["", ".dev", "dev3"]),
    st.sampled_from(["", "+1", "+abc.1", "+a-2"]),
).map("".join)


@given(one=PARTS, other=PARTS)
def test_versions_of_pypi_compare_as_in_the_library_of_its_tools(one: str, other: str) -> None:
    try:
        expected = (Version(one) > Version(other)) - (Version(one) < Version(other))
    except InvalidVersion:
        return
    left, right = pep440.loose_key(one), pep440.loose_key(other)
    assert (left > right) - (left < right) == expected, (one, other)
