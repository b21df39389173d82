"""Random small universes: what our solver says about installing, against what apt says."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from entrepot.domain.dependencies.candidates import Candidate
from entrepot.domain.dependencies.closure import close
from entrepot.domain.dependencies.deb import DebRules
from entrepot.domain.model.package import Format, PackageKey
from entrepot.testing.clients import AptRoot

VERSIONS = ("1.0", "1.9", "1.10", "2:0.1", "1.0~rc1")
VIRTUAL = ("v1", "v2")


class Universe:
    """Packages that depend on, provide and exclude each other by chance."""

    def __init__(self, seed: int, architectures: tuple[str, ...]) -> None:
        self.chance = random.Random(seed)
        self.architectures = architectures
        self.names = [f"p{number}" for number in range(self.chance.randint(4, 7))]
        self.packages: list[Candidate] = []
        for name in self.names:
            for version in self.chance.sample(VERSIONS, self.chance.choice((1, 1, 2))):
                for architecture in self._architectures():
                    self._add(name, version, architecture)

    def _architectures(self) -> list[str]:
        if self.chance.random() < 0.3:
            return ["all"]
        return self.chance.sample(self.architectures, self.chance.randint(1, len(self.architectures)))

    def _add(self, name: str, version: str, architecture: str) -> None:
        chance = self.chance
        relations = {
            "depends": [
                " | ".join(self._atom() for _ in range(chance.choice((1, 1, 2)))) for _ in range(chance.randint(0, 3))
            ],
            "conflicts": [self._atom(plain=True)] if chance.random() < 0.2 else [],
            "breaks": [self._atom(plain=True)] if chance.random() < 0.2 else [],
        }
        if chance.random() < 0.3:
            relations["provides"] = [chance.choice(VIRTUAL) + chance.choice(("", " (= 1.5)", " (= 1.10)"))]
        multi_arch = chance.choice(("", "", "foreign", "allowed", *(() if architecture == "all" else ("same",))))
        key = PackageKey(Format.DEB, name, version, architecture)
        given = {relation: entries for relation, entries in relations.items() if entries}
        self.packages.append(Candidate(len(self.packages) + 1, key, given, multi_arch))

    def _atom(self, *, plain: bool = False) -> str:
        chance = self.chance
        name = chance.choice([*self.names, *VIRTUAL, *(["absent"] if chance.random() < 0.15 else [])])
        if not plain and len(self.architectures) > 1 and chance.random() < 0.25:
            name += ":" + chance.choice(("any", "any", *self.architectures))
        if chance.random() < 0.4:
            name += f" ({chance.choice(('<<', '<=', '=', '>=', '>>'))} {chance.choice(VERSIONS[:4])})"
        return name

    def index(self) -> str:
        """As ``Packages``."""
        stanzas = []
        for one in self.packages:
            fields = {
                "Package": one.key.name,
                "Version": one.key.version,
                "Architecture": one.key.architecture,
                "Maintainer": "x <x@example.org>",
                "Multi-Arch": one.multi_arch,
                **{relation.title(): ", ".join(entries) for relation, entries in one.relations.items()},
                "Filename": f"{one.number}.deb",
                "Size": "1",
                "SHA256": "0" * 64,
                "Description": "x",
            }
            stanzas.append("".join(f"{name}: {value}\n" for name, value in fields.items() if value))
        return "\n".join(stanzas) + "\n"

    def lookup(self, names: Collection[str]) -> Iterator[tuple[str, Candidate]]:
        """By name and by what is provided."""
        for name in names:
            for one in self.packages:
                if name in {
                    one.key.name,
                    *(re.split(r"[ (]", entry)[0] for entry in one.relations.get("provides", ())),
                }:
                    yield name, one


def spec(key: PackageKey) -> str:
    architecture = "" if key.architecture == "all" else f":{key.architecture}"
    return f"{key.name}{architecture}={key.version}"


def apt_finds_a_way(root: AptRoot, *specs: str) -> bool:
    """In what order apt would unpack it, and whether it can, is another question."""
    return "newly installed" in root.run("apt-get", "-s", "install", "--no-install-recommends", *specs).stdout


@pytest.mark.parametrize("architectures", [("amd64",), ("amd64", "i386")], ids=["one", "two"])
@pytest.mark.parametrize("seed", range(4))
def test_apt_and_the_solver_agree(tmp_path: Path, seed: int, architectures: tuple[str, ...]) -> None:
    universe = Universe(seed, architectures)
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "Packages").write_text(universe.index())
    root = AptRoot(tmp_path / "root", architectures=architectures)
    root.add_source(f"Types: deb\nURIs: file:{folder}\nSuites: ./\nTrusted: yes\n")
    root.update().checked()
    for one in universe.packages:
        if one.key.architecture not in ("all", architectures[0]):
            continue
        ours = close(DebRules(architectures), universe.lookup, one)
        if apt_finds_a_way(root, spec(one.key)):
            assert ours.installable, f"{one.key}: {ours}"
        elif ours.installable:  # apt does not look everywhere; shown the way, it has to take it
            taken = {one.key, *(key for each in ours.dependencies for key in each.taken)}
            assert apt_finds_a_way(root, *(spec(key) for key in taken)), f"{one.key}: {taken}"
