"""Relations as apt and dnf read them: single cases, each seen in those programs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import pytest

from entrepot.domain.dependencies.candidates import Candidate, Rules
from entrepot.domain.dependencies.capabilities import MOST, capabilities, capability_key, split_rpm
from entrepot.domain.dependencies.closure import MOST_PACKAGES, Closure, close
from entrepot.domain.dependencies.deb import DebRules
from entrepot.domain.dependencies.rich import NotRich, Plain, parse_rich
from entrepot.domain.dependencies.rpm import RpmRules, accepted_architectures, overlap
from entrepot.domain.model.package import Format, PackageKey


def deb(spec: str, multi_arch: str = "", **relations: str) -> Candidate:
    """``name version [architecture]``; relations as a control file has them."""
    name, version, *rest = spec.split()
    key = PackageKey(Format.DEB, name, version, rest[0] if rest else "amd64")
    split = {word.replace("_", "-"): [one.strip() for one in text.split(",")] for word, text in relations.items()}
    return Candidate(0, key, split, multi_arch)


def rpm(spec: str, files: Sequence[str] = (), **relations: Sequence[str]) -> Candidate:
    name, version, *rest = spec.split()
    key = PackageKey(Format.RPM, name, version, rest[0] if rest else "x86_64")
    return Candidate(0, key, relations, files=frozenset(files))


def ask(rules: Rules, *packages: Candidate) -> Closure:
    """About the first, among all."""
    known = [
        Candidate(number, one.key, one.relations, one.multi_arch, one.files) for number, one in enumerate(packages, 1)
    ]

    def lookup(names: Collection[str]) -> Iterator[tuple[str, Candidate]]:
        for name in names:
            for one in known:
                provided = one.relations.get("provides", ())
                offered = {one.key.name, *one.files, *(split_rpm(entry)[0] for entry in provided)}
                if name in offered | {re.split(r"[ :(]", entry)[0] for entry in provided}:
                    yield name, one

    return close(rules, lookup, known[0])


def debs(*packages: Candidate, architectures: Sequence[str] = ("amd64",)) -> bool:
    return ask(DebRules(architectures), *packages).installable


def rpms(*packages: Candidate) -> bool:
    return ask(RpmRules(accepted_architectures("x86_64")), *packages).installable


@pytest.mark.parametrize(
    ("relation", "offered", "fits"),
    [
        ("b", deb("b 1"), True),
        ("b (>= 1.9)", deb("b 1.10"), True),
        ("b (>= 1.0)", deb("b 1.0~rc1"), False),
        ("b (>= 1.0)", deb("b 1:0.1"), True),
        ("b (<< 2) | c", deb("c 9"), True),
        ("b", deb("c 1", provides="b"), True),
        ("b (>= 1)", deb("c 1", provides="b"), False),
        ("b (>= 1)", deb("c 1", provides="b (= 2)"), True),
        ("b (<< 2)", deb("c 1", provides="b (= 2)"), False),
        ("b", deb("b 1 arm64"), False),
        ("b:any", deb("b 1 arm64", "allowed"), True),
        ("b:any", deb("b 1 arm64"), False),
        ("b", deb("b 1 arm64", "foreign"), True),
        ("b:arm64", deb("b 1 arm64"), True),
        ("b:native", deb("b 1 arm64"), False),
        ("b:native", deb("b 1"), True),
    ],
)
def test_a_relation_of_a_deb(relation: str, offered: Candidate, *, fits: bool) -> None:
    assert debs(deb("a 1", depends=relation), offered, architectures=("amd64", "arm64")) is fits


def test_architectures_that_the_host_has_not_are_not_there() -> None:
    assert not debs(deb("a 1", depends="b"), deb("b 1 arm64", "foreign"))


def test_a_name_is_installed_once_unless_it_is_the_same_for_several_architectures() -> None:
    a = deb("a 1", depends="b, c:arm64")
    c = deb("c 1 arm64", depends="b")
    both = ("amd64", "arm64")
    assert not debs(a, c, deb("b 1"), deb("b 1 arm64"), architectures=both)
    assert debs(a, c, deb("b 1", "same"), deb("b 1 arm64", "same"), architectures=both)
    assert not debs(a, c, deb("b 1", "same"), deb("b 2 arm64", "same"), architectures=both)
    assert not debs(deb("a 1", depends="b (= 1), b (= 2)"), deb("b 1"), deb("b 2"))


def test_conflicts_make_it_take_the_other_way() -> None:
    picky = deb("b 1", conflicts="d")
    assert debs(deb("a 1", depends="b | c, d"), picky, deb("c 1"), deb("d 1"))
    assert not debs(deb("a 1", depends="b, d"), picky, deb("d 1"))
    assert not debs(deb("a 1", depends="b, d"), picky, deb("d 1"), deb("e 1", provides="d", breaks="a"))
    assert debs(deb("a 1", depends="m, x", provides="m", conflicts="m"), deb("x 1")), "nobody excludes itself"


def test_what_is_missing_is_the_least_there_is() -> None:
    found = ask(
        DebRules(["amd64"]),
        deb("a 1", depends="b | c, gone"),
        deb("b 1", depends="lost"),
        deb("c 1", depends="d"),
        deb("d 1"),
    )
    assert [one.need.label for one in found.missing] == ["gone"]
    assert {one.need.label: one.depth for one in found.dependencies} == {"b": 1, "gone": 1, "d": 2}


def test_a_circle_and_a_long_chain_come_to_an_end() -> None:
    assert debs(deb("a 1", depends="b"), deb("b 1", pre_depends="a"))
    chain = [deb(f"p{number} 1", depends=f"p{number + 1}") for number in range(400)]
    assert debs(*chain, deb("p400 1"))
    endless = [deb("a 1", depends=", ".join(f"p{number}" for number in range(MOST_PACKAGES)))]
    assert ask(DebRules(["amd64"]), *endless, *(deb(f"p{number} 1") for number in range(MOST_PACKAGES))).gave_up


@pytest.mark.parametrize(
    ("wanted", "given", "meets"),
    [
        ("x", "x", True),
        ("x >= 2", "x", True),
        ("x >= 1.10", "x = 1.9", False),
        ("x >= 1.10", "x = 1.10-1", True),
        ("x = 1.10", "x = 1.10-7", True),
        ("x > 1.10-2", "x = 1.10", True),
        ("x > 1.10-2", "x = 1.10-2", False),
        ("x > 1.10", "x = 1.10", False),
        ("x < 1.0", "x = 1.0~rc1-1", True),
        ("x >= 2", "x = 1:1-1", True),
        ("x < 2", "x > 1", True),
        ("x < 1", "x > 1", False),
    ],
)
def test_ranges_of_versions_of_rpm(wanted: str, given: str, *, meets: bool) -> None:
    assert overlap(Plain(*split_rpm(wanted)), Plain(*split_rpm(given))) is meets


@pytest.mark.parametrize(
    ("requires", "others", "fits"),
    [
        ("/usr/bin/b", [rpm("b 1-1", files=["/usr/bin/b"])], True),
        ("/usr/bin/b", [rpm("b 1-1")], False),
        ("rpmlib(Anything) <= 9", [], True),
        ("b", [rpm("b 1-1 noarch")], True),
        ("b", [rpm("b 1-1 i686")], True),
        ("b", [rpm("b 1-1 aarch64")], False),
        ("(b and c)", [rpm("b 1-1")], False),
        ("(b or c)", [rpm("c 1-1")], True),
        ("(b if c)", [], True),
        ("(b if a)", [], False),
        ("(b if a)", [rpm("b 1-1")], True),
        ("(b if c else d)", [rpm("d 1-1")], True),
        ("(b if c else d)", [], False),
        ("(b unless c)", [rpm("b 1-1"), rpm("c 1-1")], True),
        ("(b unless a)", [rpm("b 1-1")], False),
        ("(b >= 1 with b < 2)", [rpm("b 1.5-1")], True),
        ("(b >= 1 with b < 2)", [rpm("b 0.5-1"), rpm("b 2.5-1")], False),
        ("(v without b)", [rpm("b 1-1", provides=["v"])], False),
        ("(v without b)", [rpm("c 1-1", provides=["v"])], True),
        ("((b or c) and (d if b))", [rpm("b 1-1"), rpm("c 1-1", conflicts=["a"]), rpm("d 1-1")], True),
    ],
)
def test_a_requirement_of_an_rpm(requires: str, others: list[Candidate], *, fits: bool) -> None:
    assert rpms(rpm("a 1-1", requires=[requires]), *others) is fits


def test_what_rpms_exclude() -> None:
    a = rpm("a 1-1", requires=["b", "c"])
    assert not rpms(a, rpm("b 1-1", conflicts=["c < 2"]), rpm("c 1-1"))
    assert rpms(a, rpm("b 1-1", conflicts=["c < 2"]), rpm("c 1-1"), rpm("c 2-1"))
    assert not rpms(a, rpm("b 1-1", obsoletes=["c"]), rpm("c 1-1"))
    assert rpms(a, rpm("b 1-1", obsoletes=["v"]), rpm("c 1-1", provides=["v"])), "only names are obsoleted"
    assert not rpms(rpm("a 1-1", requires=["b = 1", "b = 2"]), rpm("b 1-1"), rpm("b 2-1"))


def test_a_rich_conflict_is_met_by_installing_more_and_counts_its_owner() -> None:
    a = rpm("a 1-1", requires=["b"], conflicts=["(b unless c)"])
    assert not rpms(a, rpm("b 1-1"))
    assert rpms(a, rpm("b 1-1"), rpm("c 1-1"))
    assert not rpms(rpm("a 1-1", conflicts=["(a unless c)"]))
    assert rpms(rpm("a 1-1", conflicts=["a < 2"])), "a plain one does not"


@pytest.mark.parametrize("text", ["(a", "(a or)", "(a or b and c)", "(a else b)", "()", "(a b)", "((" * 60 + "a"])
def test_rich_text_outside_the_grammar(text: str) -> None:
    with pytest.raises(NotRich):
        parse_rich(text)
    assert not rpms(rpm("a 1-1", requires=[text]))


def test_capabilities_are_bounded_and_their_keys_short() -> None:
    many = {"provides": [f"cap({number})" for number in range(MOST + 10)]}
    assert len(capabilities(Format.RPM, "x", many, {})) == MOST
    long = "y" * 4000
    assert len(capability_key(long)) < 100
    assert capability_key(long) != capability_key(long + "y")
    found = capabilities(Format.DEB, "x", {"provides": ["x (= 1)", "v:any (= 2)", "w"]}, {})
    assert found == ["v", "w"]
