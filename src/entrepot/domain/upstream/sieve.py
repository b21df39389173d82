"""Which packages of a source a mirror takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Self

from entrepot.domain.upstream.patterns import BadPattern, Pattern, glob

MOST_WORDS = 500
MOST_NEWEST = 1000


@dataclass(frozen=True, slots=True)
class Filter:
    """What is given has to hold; nothing given takes everything.

    ``names`` are globs and ``regex`` a pattern for a whole name: a package is named by either.  ``sections`` are globs
    for the section of a deb, or the group of an rpm.  ``newest`` is how many versions of a name and architecture are
    taken, 0 all.  ``exclude``, ``components`` and ``architectures`` bound what ``with_dependencies`` brings, too.
    """

    names: tuple[str, ...] = ()
    regex: str = ""
    exclude: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    newest: int = 0
    with_dependencies: bool = False

    def to_json(self) -> dict[str, Any]:
        """What is given, to keep and to show."""
        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value:
                found[each.name] = list(value) if isinstance(value, tuple) else value
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """The reverse."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in found.items()
        }
        return cls(**values)

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.to_json().keys() - {"with_dependencies"})


EVERYTHING = Filter()


class Sieve:
    """A filter that was read.

    Raises:
        BadPattern: one of its patterns is none, or there are too many words.
    """

    def __init__(self, wanted: Filter, independent: str) -> None:
        words = (wanted.names, wanted.exclude, wanted.sections, wanted.priorities, wanted.components)
        if any(len(each) > MOST_WORDS for each in (*words, wanted.architectures)):
            raise BadPattern(f"at most {MOST_WORDS} of each kind are taken")
        if not 0 <= wanted.newest <= MOST_NEWEST:
            raise BadPattern(f"newest: 0 (all versions) to {MOST_NEWEST} are taken")
        self._names = Globs(wanted.names)
        self._regex = _read("regex", Pattern, wanted.regex) if wanted.regex else None
        self._exclude = Globs(wanted.exclude)
        self._sections = Globs(wanted.sections)
        self._priorities = frozenset(wanted.priorities)
        self._components = frozenset(wanted.components)
        self._architectures = frozenset((*wanted.architectures, independent)) if wanted.architectures else frozenset()

    def takes(self, name: str, architecture: str, component: str, section: str, priority: str) -> bool:
        """Whether it is wanted for itself."""
        if not self.bears(name, architecture, component):
            return False
        if self._priorities and priority not in self._priorities:
            return False
        if self._sections and not self._sections.match(section):
            return False
        if not self._names and self._regex is None:
            return True
        return self._names.match(name) or (self._regex is not None and self._regex.matches(name))

    def bears(self, name: str, architecture: str, component: str) -> bool:
        """Whether it may be taken, for itself or because another one needs it."""
        if self._architectures and architecture not in self._architectures:
            return False
        if self._components and component not in self._components:
            return False
        return not self._exclude.match(name)


class Globs:
    """Some globs, of which one has to fit."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._plain = frozenset(text for text in texts if not set(text) & set("*?["))
        self._patterns = [_read(text, glob, text) for text in texts if text not in self._plain]
        self._cached = lru_cache(maxsize=4096)(self._match)

    def __bool__(self) -> bool:
        return bool(self._plain or self._patterns)

    def match(self, text: str) -> bool:
        """Whether one of them fits."""
        return text in self._plain or (bool(self._patterns) and self._cached(text))

    def _match(self, text: str) -> bool:
        return any(pattern.matches(text) for pattern in self._patterns)


def _read(what: str, make: type[Pattern] | Any, text: str) -> Pattern:
    try:
        made: Pattern = make(text)
    except BadPattern as fault:
        raise BadPattern(f"{what[:80]}: {fault}") from None
    return made
