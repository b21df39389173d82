"""Rpm versions against the real rpm, asked for thousands of pairs in one call."""

from __future__ import annotations

import random
import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.versions.rpm import (
    MAX_CHARACTERS,
    MAX_EPOCH,
    RpmVersion,
    compare,
    compare_labels,
    parse,
    sort_key,
    validate,
)
from entrepot.errors import BadVersion

needs_rpm = pytest.mark.skipif(not shutil.which("rpm"), reason="rpm IS NOT INSTALLED; its order cannot be compared")
ASCENDING = [
    "0~~-1", "0~-1", "0-1", "0^-1", "0^a-1", "0.a-1", "0.0~rc1-1", "0.0-1", "1~~a-1", "1~-1", "1-0.1", "1-1~a", "1-1",
    "1-1^git", "1-1.el9", "1-1.1", "1^-1", "1^20240101-1", "1a-1", "1.0~rc1-1", "1.0-1", "1.0^git1-1", "1.0.1-1",
    "1.2-1", "1.10-1", "2-1", "10-1", "1:0-1", "2:0~-1", "10:0-1",
]  # fmt: skip
ALPHABET = "0019aZz~^+._"


def rpm_order(pairs: list[tuple[str, str]]) -> list[int]:
    """What rpm's own ``vercmp`` says, in one run of its Lua."""
    answers: list[int] = []
    for at in range(0, len(pairs), 500):
        calls = "".join(f'print(rpm.vercmp("{a}","{b}").." ")' for a, b in pairs[at : at + 500])
        done = subprocess.run(
            ["rpm", "--eval", "%{lua:" + calls + "}"], capture_output=True, text=True, check=True, timeout=60
        )
        answers += [int(word) for word in done.stdout.split()]
    return answers


def random_label(rng: random.Random) -> str:
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(1, 8)))


def near(rng: random.Random, base: str) -> str:
    """A label one small edit away, where the interesting differences are."""
    at = rng.randrange(len(base) + 1)
    return base[:at] + rng.choice(ALPHABET) + base[at + rng.randrange(2) :]


@needs_rpm
def test_orders_thousands_of_labels_as_rpm_does() -> None:
    rng = random.Random(5)
    pairs = [
        ("1..0", "1.0"),
        ("1.0.", "1.0"),
        ("0001", "1"),
        ("a1", "1a"),
        ("~^", "~"),
    ]
    while len(pairs) < 6000:
        a = random_label(rng)
        pairs.append((a, near(rng, a) if rng.random() < 0.7 else random_label(rng)))
    ours = [compare_labels(a, b) for a, b in pairs]
    theirs = rpm_order(pairs)
    assert [(pair, x, y) for pair, x, y in zip(pairs, ours, theirs, strict=True) if x != y] == []
    assert {-1, 0, 1} <= set(ours)


@needs_rpm
def test_orders_whole_versions_as_rpm_does() -> None:
    rng = random.Random(6)
    pairs = list(pairwise(ASCENDING))
    while len(pairs) < 2000:
        a, b = random_label(rng), random_label(rng)
        epochs = [rng.choice(["", "", "0:", "1:", "10:"]) for _ in range(2)]
        pairs.append((f"{epochs[0]}{a}-{random_label(rng)}", f"{epochs[1]}{rng.choice([a, b])}-{random_label(rng)}"))
    ours = [compare(a, b) for a, b in pairs]
    theirs = rpm_order(pairs)
    assert [(pair, x, y) for pair, x, y in zip(pairs, ours, theirs, strict=True) if x != y] == []


def test_known_versions_ascend() -> None:
    assert sorted(ASCENDING, key=sort_key) == ASCENDING
    assert [compare(a, b) for a, b in pairwise(ASCENDING)] == [-1] * (len(ASCENDING) - 1)


def test_an_epoch_of_zero_is_none() -> None:
    assert compare("0:1.0-1", "1.0-1") == 0
    assert str(parse("0:1.0-1")) == "1.0-1"
    assert str(parse("3:1.0-1")) == "3:1.0-1"
    assert parse("4294967295:1.0~rc1-1.el9") == RpmVersion(MAX_EPOCH, "1.0~rc1", "1.el9")


@pytest.mark.parametrize(
    "version",
    [
        "", "1", "-1", "1-", "1-1-1", "1:", ":1-1", "1:2:3-1", "a:1-1", "-1:1-1", "4294967296:1-1", " 1-1", "1-1\n",
        "1\0-1", "../1-1", "1/0-1", "1-1;x", "1%2f0-1", "\u0661-1", "1-%{x}", "1." + "9" * 5000 + "-1",
    ],
)  # fmt: skip
def test_refuses_what_would_break_a_path_or_a_line(version: str) -> None:
    with pytest.raises(BadVersion, match="version"):
        validate(version)


def test_longest_version_is_taken() -> None:
    validate("9" * (MAX_CHARACTERS - 2) + "-1")


LABELS = st.from_regex(r"[0-9a-z.+~^_]{1,6}", fullmatch=True)
VERSIONS = st.builds(lambda e, v, r: f"{e}{v}-{r}", st.sampled_from(["", "0:", "1:"]), LABELS, LABELS)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_is_a_total_order(a: str, b: str, c: str) -> None:
    assert compare(a, b) == -compare(b, a)
    assert (compare(a, b) == 0) == (sort_key(a) == sort_key(b))
    one, two, three = sorted((a, b, c), key=sort_key)
    assert max(compare(one, two), compare(two, three), compare(one, three)) <= 0
