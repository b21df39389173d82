"""What a package carries inside that other people made and maintain: a library of a language, with its version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """One bundled library.

    ``purl`` names it exactly; ``ecosystem``, ``name`` and ``version`` are the same in the words of advisories
    (``PyPI``, ``npm``, ``Maven``, ``Go``, ``crates.io``; a name of Maven is ``group:artifact``).  ``path`` says where
    it was seen, with `` > `` before what lies within an archive.  ``licence`` is what it says of itself, unchecked.
    """

    purl: str
    ecosystem: str
    name: str
    version: str
    path: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Composition:
    """All components that were seen in a package; ``notes`` say what could not be read, or was left out.

    ``readers`` tells how much could be read when it was made.
    ``licence`` is what the package's own copyright file says, for formats that say it nowhere else.
    """

    readers: int
    components: tuple[Component, ...] = ()
    notes: tuple[str, ...] = ()
    licence: str = ""
