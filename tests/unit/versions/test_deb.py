"""Debian versions against the real dpkg, asked for thousands of pairs in one shell."""

from __future__ import annotations

import random
import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.versions.deb import MAX_CHARACTERS, DebVersion, compare, parse, sort_key, validate
from entrepot.errors import BadVersion

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is not installed")
ASCENDING = [
    "0~~", "0~", "0", "0.0~rc1", "0.0", "1~~a", "1~", "1", "1-0.1", "1-1~bpo12+1", "1-1", "1-1+b1", "1-1.1", "1a", "1+",
    "1.~", "1.0-1", "1.0a", "1.0.1", "1.2", "1.10", "1.10-z", "1.10+z", "1.10.~", "1.10..", "2", "10", "1:0", "2:0~",
    "2:0:1",
]  # fmt: skip
ALPHABET = "0019aZ~+.-:"


def dpkg_order(pairs: list[tuple[str, str]]) -> list[int]:
    script = """while read -r a b; do
      if dpkg --compare-versions "$a" lt "$b"; then echo -1
      elif dpkg --compare-versions "$a" eq "$b"; then echo 0; else echo 1; fi
    done"""
    text = "".join(f"{a} {b}\n" for a, b in pairs)
    done = subprocess.run(["sh", "-c", script], input=text, capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


def dpkg_accepts(versions: list[str]) -> list[bool]:
    script = 'while IFS= read -r v; do dpkg --validate-version -- "$v" 2>/dev/null; echo $?; done'
    text = "".join(f"{v}\n" for v in versions)
    done = subprocess.run(["sh", "-c", script], input=text, capture_output=True, text=True, check=True)
    return [code == "0" for code in done.stdout.split()]


def random_version(rng: random.Random) -> str:
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(1, 8)))


def is_valid(version: str) -> bool:
    try:
        validate(version)
    except BadVersion:
        return False
    return True


def relatives(rng: random.Random, base: str) -> str:
    """A version one small edit away, where the interesting differences are."""
    at = rng.randrange(len(base) + 1)
    return base[:at] + rng.choice(ALPHABET) + base[at + rng.randrange(2) :]


@needs_dpkg
def test_orders_thousands_of_pairs_as_dpkg_does() -> None:
    rng = random.Random(7)
    pairs = list(pairwise(ASCENDING))
    while len(pairs) < 2500:
        a = random_version(rng)
        b = relatives(rng, a) if rng.random() < 0.7 else random_version(rng)
        if is_valid(a) and is_valid(b):
            pairs.append((a, b))
    ours = [compare(a, b) for a, b in pairs]
    differing = [
        (pair, mine, theirs)
        for pair, mine, theirs in zip(pairs, ours, dpkg_order(pairs), strict=True)
        if mine != theirs
    ]
    assert differing == []
    assert {-1, 0, 1} <= set(ours)


@needs_dpkg
def test_accepts_exactly_what_dpkg_validates() -> None:
    rng = random.Random(11)
    versions = [
        "1:2:3",
        "1-1-1",
        "1-",
        "-",
        ":",
        "1:",
        ":1",
        "0:0",
        "1-~",
        "1-:",
        "a1",
        "~",
        "1_0",
        "1@0",
        "+1",
        "1-1:1",
    ]
    versions += ["2147483647:1", "2147483648:1", "1..2", "1-.", "1-+", "00:1", "1:a", "1:-1", "1.0--1", "1.0-1-"]
    versions += ["".join(rng.choice(ALPHABET + "_^!") for _ in range(rng.randrange(1, 7))) for _ in range(1200)]
    differing = [(v, ok) for v, ok in zip(versions, dpkg_accepts(versions), strict=True) if is_valid(v) != ok]
    # dpkg reads the epoch with strtol(), which takes a plus sign; Policy knows digits only.
    assert [(v, ok) for v, ok in differing if not v.startswith("+")] == []


@pytest.mark.parametrize(
    "version", ["", " 1", "1 ", "1\n", "\u0661.0", "1\0", "../../1", "1/0", "1;x", "1%2f0", "1." + "9" * 5000]
)
def test_refuses_what_would_break_a_path_or_a_line(version: str) -> None:
    with pytest.raises(BadVersion, match="version"):
        validate(version)


def test_splits_at_the_first_colon_and_the_last_hyphen() -> None:
    assert parse("1:2.0-rc1-3") == DebVersion(1, "2.0-rc1", "3")
    assert parse("2.0") == DebVersion(0, "2.0", "")
    assert parse("0:2:0-1") == DebVersion(0, "2:0", "1")
    validate("9" * MAX_CHARACTERS)


VERSIONS = st.from_regex(r"([0-9]{1,3}:)?[0-9][a-z0-9.+~]{0,6}(-[a-z0-9.+~]{1,4})?", fullmatch=True)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_is_a_total_order(a: str, b: str, c: str) -> None:
    assert compare(a, b) == -compare(b, a)
    assert (compare(a, b) == 0) == (sort_key(a) == sort_key(b))
    one, two, three = sorted((a, b, c), key=sort_key)
    assert compare(one, two) <= 0
    assert compare(two, three) <= 0
    assert compare(one, three) <= 0
