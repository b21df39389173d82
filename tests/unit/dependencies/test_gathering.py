"""What many packages need together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from entrepot.domain.dependencies.candidates import Candidate, Rules
from entrepot.domain.dependencies.deb import DebRules
from entrepot.domain.dependencies.gathering import Gathering
from entrepot.domain.dependencies.rpm import RpmRules, accepted_architectures
from entrepot.domain.model.package import Format, PackageKey


class Shelf:
    """Packages by what they can be asked for."""

    def __init__(self, format_: Format, packages: dict[str, dict[str, Sequence[str]]]) -> None:
        architecture = "amd64" if format_ is Format.DEB else "x86_64"
        self.known = {
            name: Candidate(number, PackageKey(format_, name, version, architecture), relations)
            for number, (spec, relations) in enumerate(packages.items(), 1)
            for name, version in [spec.split()]
        }
        self.asked: list[str] = []

    def lookup(self, names: Collection[str]) -> Iterator[tuple[str, Candidate]]:
        self.asked += names
        for name in names:
            for one in self.known.values():
                if name == one.key.name or name in [each.split()[0] for each in one.relations.get("provides", ())]:
                    yield name, one

    def gather(self, rules: Rules, *roots: str) -> tuple[set[str], list[str]]:
        gathering = Gathering(rules, self.lookup)
        gathering.add([self.known[root] for root in roots])
        assert len(self.asked) == len(set(self.asked)), "a name is looked up once"
        return {one.key.name for one in gathering.found.taken.values()}, gathering.found.unresolved


def test_needs_of_debs_are_followed_and_alternatives_that_are_there_suffice() -> None:
    shelf = Shelf(
        Format.DEB,
        {
            "app 1": {"depends": ["lib (>= 2)", "mail | postfix", "absent", "ring"]},
            "lib 2": {"pre-depends": ["deep"]},
            "deep 1": {},
            "postfix 3": {"provides": ["mail"]},
            "exim 4": {"provides": ["mail"]},
            "ring 1": {"depends": ["app"]},
            "stray 1": {},
        },
    )
    taken, missing = shelf.gather(DebRules(["amd64"]), "app", "exim")
    assert taken == {"lib", "deep", "ring"}, "exim offers mail already"
    assert missing == ["absent (for app)"]
    assert shelf.gather(DebRules(["amd64"]), "stray") == (set(), [])


def test_rich_needs_of_rpms_take_as_little_as_can_be() -> None:
    shelf = Shelf(
        Format.RPM,
        {
            "app 1-1": {"requires": ["(a and b)", "(c or app)", "(d if e)", "rpmlib(X) <= 1", "(x or y)"]},
            "a 1-1": {},
            "b 1-1": {},
            "c 1-1": {},
            "d 1-1": {},
            "e 1-1": {},
        },
    )
    taken, missing = shelf.gather(RpmRules(accepted_architectures("x86_64")), "app")
    assert taken == {"a", "b"}
    assert missing == ["(x or y) (for app)"]
