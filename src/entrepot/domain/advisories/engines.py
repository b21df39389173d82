"""What two engines say of one package, made one: by vulnerability, and by the component that it is in.

The advisories of the package's own distribution, and of its component's own ecosystem, have the last word on how bad
it is and on fixes: another engine adds what they do not speak of, and that it found the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from entrepot.domain.advisories.matching import ENGINE
from entrepot.domain.model.finding import Finding

GRYPE = "grype"
"""The second engine, by the name that its findings and its check have."""

_JOINT = "+"


def engines_of(text: str) -> tuple[str, ...]:
    """``osv+grype`` by its parts."""
    return tuple(text.split(_JOINT)) if text else ()


def naming(*engines: str) -> str:
    """The reverse; each once."""
    return _JOINT.join(dict.fromkeys(engine for engine in engines if engine))


def agreed(ours: Sequence[Finding], others: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Both lists: ours with who else found it, the others in our words where we have some."""
    known: dict[tuple[str, str], int] = {}
    for place, one in enumerate(ours):
        for name in (one.id, *one.aliases):
            known.setdefault((one.component, name), place)
    ids = {(one.component, one.id): place for place, one in enumerate(ours)}
    first, second = list(ours), list[Finding]()
    for other in others:
        places = [known.get((other.component, other.id))]
        places += [ids.get((other.component, name)) for name in other.aliases]
        number = next((place for place in places if place is not None), None)
        if number is None:
            second.append(other)
            continue
        mine = first[number]
        first[number] = replace(mine, engine=naming(*engines_of(mine.engine or ENGINE), *engines_of(other.engine)))
        second.append(first[number])
    return first, list(dict.fromkeys(second))


def joined(ours: Sequence[Finding], others: Sequence[Finding]) -> list[Finding]:
    """Each once."""
    return list(dict.fromkeys(one for each in agreed(ours, others) for one in each))
