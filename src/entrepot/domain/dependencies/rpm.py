"""Relations of .rpm packages: capabilities, files, ranges of versions, rich dependencies, obsoletes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key

from entrepot.domain.dependencies.candidates import Candidate, Need, Offering
from entrepot.domain.dependencies.capabilities import split_rpm
from entrepot.domain.dependencies.formula import AnyOf, Both, Either, Formula, negation
from entrepot.domain.dependencies.rich import NotRich, Plain, Rich, Tree, parse_rich, plain_parts
from entrepot.domain.formats.rpm.architecture import BASE_ARCHITECTURES, INDEPENDENT
from entrepot.domain.versions import rpm as versions

_LESS, _EQUAL, _GREATER = 1, 2, 4
_SENSES = {"<": _LESS, "<=": _LESS | _EQUAL, "=": _EQUAL, ">=": _GREATER | _EQUAL, ">": _GREATER}


def overlap(a: Plain, b: Plain) -> bool:
    """Whether two ranges of versions have one in common; a name without version is every version."""
    if not a.version or not b.version:
        return True
    order, first, second = compare_evr(a.version, b.version), _SENSES[a.operator], _SENSES[b.operator]
    bare_a, bare_b = not _evr(a.version)[2], not _evr(b.version)[2]
    # "= 1.10" is every release of 1.10, so that it meets even "> 1.10-2"; where both are bare or neither, text decides.
    if not order and ((bare_a and not bare_b and first & _EQUAL) or (bare_b and not bare_a and second & _EQUAL)):
        return True
    if order < 0:
        return bool(first & _GREATER or second & _LESS)
    if order > 0:
        return bool(first & _LESS or second & _GREATER)
    return bool(first & second)


def compare_evr(a: str, b: str) -> int:
    """``[epoch:]version[-release]``; an epoch that is not written is 0, a release that is not written fits any."""
    (epoch_a, version_a, release_a), (epoch_b, version_b, release_b) = _evr(a), _evr(b)
    if epoch_a != epoch_b:
        return -1 if epoch_a < epoch_b else 1
    order = versions.compare_labels(version_a, version_b)
    if order or not release_a or not release_b:
        return order
    return versions.compare_labels(release_a, release_b)


def _evr(text: str) -> tuple[int, str, str]:
    epoch, colon, rest = text.partition(":")
    if not colon:
        epoch, rest = "0", text
    version, _, release = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch) if epoch.isascii() and epoch.isdigit() else 0, version, release


class RpmRules:
    """For a host that can run these architectures, best first."""

    def __init__(self, architectures: Sequence[str]) -> None:
        self._rank = {name: place for place, name in enumerate(architectures)}

    def needs(self, candidate: Candidate) -> list[Need]:
        """Requires, without the features of rpm itself; and rich conflicts, which can be met by installing more."""
        entries = dict.fromkeys(candidate.relations.get("requires", ()))
        conflicts = dict.fromkeys(candidate.relations.get("conflicts", ()))
        return [
            *(self._need(entry) for entry in entries if not entry.startswith("rpmlib(")),
            *(self._avoid(entry) for entry in conflicts if entry.startswith("(")),
        ]

    def _avoid(self, entry: str) -> Need:
        """Without a label: nothing that anybody has to provide.  Here a package does count against itself."""
        tree = parsed(entry)

        def formula(offering: Offering) -> Formula:
            return negation(self._formula(tree, offering))

        return Need(f"not {entry}", "", "", (), tuple(part.name for part in plain_parts(tree)), formula)

    def _need(self, entry: str) -> Need:
        tree = parsed(entry)
        parts = plain_parts(tree)

        def formula(offering: Offering) -> Formula:
            return self._formula(tree, offering)

        alternatives: tuple[str, ...] = ()
        if isinstance(tree, Rich) and tree.operator == "or":
            alternatives = tuple(part.text() for part in parts)
        constraint = f"{tree.operator} {tree.version}" if isinstance(tree, Plain) and tree.version else ""
        label = tree.name if isinstance(tree, Plain) else entry
        return Need(entry, label, constraint, alternatives, tuple(part.name for part in parts), formula)

    def _formula(self, tree: Tree, offering: Offering) -> Formula:
        if isinstance(tree, Plain):
            return AnyOf(tuple(self._offering(tree, offering)))
        parts = [self._formula(operand, offering) for operand in tree.operands]
        match tree.operator:
            case "and":
                return Both(tuple(parts))
            case "or":
                return Either(tuple(parts))
            case "with" | "without":
                return AnyOf(tuple(self._single(tree, offering)))
            case "if":
                then = Either((parts[0], negation(parts[1])))
                return then if len(parts) < 3 else Both((then, Either((parts[2], parts[1]))))
            case _:
                usual = Both((parts[0], negation(parts[1])))
                return usual if len(parts) < 3 else Either((usual, Both((parts[2], parts[1]))))

    def _single(self, tree: Tree, offering: Offering) -> list[int]:
        """Packages that meet a combination all by themselves."""
        if isinstance(tree, Plain):
            return self._offering(tree, offering)
        sets = [self._single(operand, offering) for operand in tree.operands]
        if tree.operator == "or":
            return list(dict.fromkeys(number for one in sets for number in one))
        found = sets[0]
        for more in sets[1:]:
            found = [number for number in found if (number in more) is (tree.operator != "without")]
        return found

    def _offering(self, wanted: Plain, offering: Offering) -> list[int]:
        """Packages that offer a capability: those of the name first, then by architecture, newest first."""
        fitting = [one for one in offering(wanted.name) if self._installable(one) and offers(one, wanted)]
        fitting.sort(key=cmp_to_key(lambda a, b: versions.compare(b.key.version, a.key.version)))
        fitting.sort(key=lambda one: (one.key.name != wanted.name, self._rank[one.key.architecture]))
        return [one.number for one in fitting]

    def _installable(self, candidate: Candidate) -> bool:
        return candidate.key.architecture in self._rank

    def excludes(self, candidate: Candidate, offering: Offering) -> list[tuple[str, Formula]]:
        """Conflicts with capabilities, Obsoletes of names; nothing excludes itself."""

        def rivals(name: str) -> list[Candidate]:
            return _without(candidate, offering(name))

        found = [
            (f"{candidate.key} conflicts {entry}", self._formula(parsed(entry), rivals))
            for entry in dict.fromkeys(candidate.relations.get("conflicts", ()))
            if not entry.startswith("(")
        ]
        for entry in dict.fromkeys(candidate.relations.get("obsoletes", ())):
            wanted = Plain(*split_rpm(entry))
            numbers = tuple(other.number for other in rivals(wanted.name) if _is_named(other, wanted))
            found.append((f"{candidate.key} obsoletes {entry}", AnyOf(numbers)))
        return [(reason, formula) for reason, formula in found if formula != AnyOf(())]

    def same(self, a: Candidate, b: Candidate) -> bool:
        """Two versions of a name exclude each other; one version for two architectures does not."""
        return a.key.name == b.key.name and a.number != b.number and a.key.version != b.key.version


def parsed(entry: str) -> Tree:
    """An entry of a relation; rich text outside the grammar is a name that nobody offers."""
    if entry.startswith("("):
        try:
            return parse_rich(entry)
        except NotRich:
            return Plain(entry)
    return Plain(*split_rpm(entry))


def offers(candidate: Candidate, wanted: Plain) -> bool:
    """By its provides, its own name, or a file."""
    if _is_named(candidate, wanted) or (wanted.name in candidate.files and not wanted.version):
        return True
    for entry in candidate.relations.get("provides", ()):
        given = Plain(*split_rpm(entry))
        if given.name == wanted.name and overlap(given, wanted):
            return True
    return False


def _without(candidate: Candidate, offered: Sequence[Candidate]) -> list[Candidate]:
    return [other for other in offered if other.number != candidate.number]


def _is_named(candidate: Candidate, wanted: Plain) -> bool:
    own = Plain(candidate.key.name, "=", candidate.key.version)
    return own.name == wanted.name and overlap(own, wanted)


def accepted_architectures(architecture: str) -> list[str]:
    """Architectures of packages that a host takes, best first: its own, the independent one, and for x86_64 i686."""
    base = BASE_ARCHITECTURES.get(architecture, architecture)
    own = [name for name, family in BASE_ARCHITECTURES.items() if family == base and name != architecture]
    more = [name for name, family in BASE_ARCHITECTURES.items() if base == "x86_64" and family == "i386"]
    return list(dict.fromkeys([architecture, *own, INDEPENDENT, *more]))
