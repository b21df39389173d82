"""Relations of .deb packages (Debian Policy 7, deb-control(5), multi-arch), for one host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cmp_to_key

from entrepot.domain.dependencies.candidates import Candidate, Need, Offering
from entrepot.domain.dependencies.formula import AnyOf, Formula
from entrepot.domain.versions import deb as versions
from entrepot.errors import BadVersion

_ATOM = re.compile(r"\s*([^\s:(]+)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|>=|>>|<|>|=)?\s*([^\s)]+)\s*\))?\s*")
_NEEDS = ("pre-depends", "depends")
_EXCLUDES = ("conflicts", "breaks")


@dataclass(frozen=True, slots=True)
class Atom:
    """``name[:architecture] [(operator version)]``."""

    name: str
    architecture: str = ""
    operator: str = ""
    version: str = ""

    @property
    def label(self) -> str:
        """Without its version."""
        return f"{self.name}:{self.architecture}" if self.architecture else self.name

    @property
    def constraint(self) -> str:
        """The version that it asks for."""
        return f"{self.operator} {self.version}" if self.version else ""

    def text(self) -> str:
        """As a control file writes it."""
        return f"{self.label} ({self.constraint})" if self.version else self.label

    def admits(self, version: str) -> bool:
        """Whether a version is inside the constraint; one that cannot be compared is not."""
        if not self.version:
            return True
        try:
            order = versions.compare(version, self.version)
        except BadVersion:
            return False
        match self.operator:
            case "<<":
                return order < 0
            case "<=" | "<":
                return order <= 0
            case ">=" | ">":
                return order >= 0
            case ">>":
                return order > 0
            case _:
                return order == 0


def atoms(entry: str) -> list[Atom]:
    """The alternatives of an entry."""
    matches = [match for part in entry.split("|") if (match := _ATOM.fullmatch(part))]
    return [_atom(match) for match in matches]


def _atom(match: re.Match[str]) -> Atom:
    name, architecture, operator, version = match.groups()
    return Atom(name, architecture or "", (operator or "=") if version else "", version or "")


class DebRules:
    """For a host with these architectures, the native one first."""

    def __init__(self, architectures: Sequence[str]) -> None:
        self._native = architectures[0]
        self._foreign = tuple(architectures[1:])

    def needs(self, candidate: Candidate) -> list[Need]:
        """Pre-Depends and Depends."""
        found = []
        for relation in _NEEDS:
            for entry in candidate.relations.get(relation, ()):
                choices = atoms(entry)
                if choices:
                    found.append(self._need(candidate, entry, choices))
        return found

    def _need(self, candidate: Candidate, entry: str, choices: Sequence[Atom]) -> Need:
        def formula(offering: Offering) -> Formula:
            numbers = [other.number for atom in choices for other in self._ranked(candidate, atom, offering(atom.name))]
            return AnyOf(tuple(dict.fromkeys(numbers)))

        texts = tuple(atom.text() for atom in choices)
        names = tuple(atom.name for atom in choices)
        return Need(entry, choices[0].label, choices[0].constraint, texts if len(texts) > 1 else (), names, formula)

    def _ranked(self, owner: Candidate, atom: Atom, offered: Sequence[Candidate]) -> list[Candidate]:
        """Those that satisfy an atom: packages of the name, newest and native first, then those that provide it."""
        fitting = [other for other in offered if self._satisfies(owner, atom, other)]
        fitting.sort(key=cmp_to_key(lambda a, b: versions.compare(b.key.version, a.key.version)))
        fitting.sort(key=lambda other: (other.key.name != atom.name, self._actual(other) != self._actual(owner)))
        return fitting

    def _actual(self, candidate: Candidate) -> str:
        return self._native if candidate.key.architecture == "all" else candidate.key.architecture

    def _satisfies(self, owner: Candidate, atom: Atom, other: Candidate) -> bool:
        if not self._installable(other) or not self._arch_fits(owner, atom, other):
            return False
        if other.key.name == atom.name and atom.admits(other.key.version):
            return True
        return self._provides(other, atom)

    def _installable(self, candidate: Candidate) -> bool:
        return self._actual(candidate) in (self._native, *self._foreign)

    def _arch_fits(self, owner: Candidate, atom: Atom, other: Candidate) -> bool:
        if not atom.architecture:
            return other.multi_arch == "foreign" or self._actual(other) == self._actual(owner)
        if atom.architecture == "any":
            return other.multi_arch == "allowed"
        wanted = self._native if atom.architecture == "native" else atom.architecture
        return self._actual(other) == wanted

    def _provides(self, other: Candidate, atom: Atom) -> bool:
        """A name that is provided without a version satisfies no constraint."""
        for entry in other.relations.get("provides", ()):
            for given in atoms(entry):
                if given.name == atom.name and (not atom.version or (given.version and atom.admits(given.version))):
                    return True
        return False

    def excludes(self, candidate: Candidate, offering: Offering) -> list[tuple[str, Formula]]:
        """Conflicts and Breaks, against packages and what they provide; nothing excludes its own name."""
        found: list[tuple[str, Formula]] = []
        for relation in _EXCLUDES:
            for entry in candidate.relations.get(relation, ()):
                for atom in atoms(entry):
                    rivals = [other for other in offering(atom.name) if other.key.name != candidate.key.name]
                    numbers = tuple(other.number for other in rivals if self._hits(atom, other))
                    if numbers:
                        found.append((f"{candidate.key} {relation} {atom.text()}", AnyOf(numbers)))
        return found

    def _hits(self, atom: Atom, other: Candidate) -> bool:
        if atom.architecture not in ("", "any"):
            wanted = self._native if atom.architecture == "native" else atom.architecture
            if self._actual(other) != wanted:
                return False
        if other.key.name == atom.name and atom.admits(other.key.version):
            return True
        return self._provides(other, atom)

    def same(self, a: Candidate, b: Candidate) -> bool:
        """One name is installed once, but for the same version of a ``Multi-Arch: same`` on several architectures."""
        if a.key.name != b.key.name or a.number == b.number:
            return False
        together = a.multi_arch == b.multi_arch == "same" and a.key.version == b.key.version
        return not together or self._actual(a) == self._actual(b)
