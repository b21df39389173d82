"""Patterns for names that take time in proportion to the name, whatever somebody writes into them.

A pattern becomes an automaton whose states are followed all at once; sets of states that were met are kept.  There are
no references back and nothing looks ahead, so there is nothing to try again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MAX_PATTERN_CHARACTERS = 256
_MOST_STATES = 2000
_MOST_REPEATS = 100
_MOST_REMEMBERED = 20_000

Letter = Callable[[str], bool]


class BadPattern(ValueError):
    """It is none, or too large a one."""


@dataclass(slots=True)
class _Automaton:
    """``letters`` of a state lead to ``after``; a state without a letter leads to all of ``also`` at once."""

    letters: list[Letter | None] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    also: list[list[int]] = field(default_factory=list)

    def add(self, letter: Letter | None = None) -> int:
        if len(self.letters) >= _MOST_STATES:
            raise BadPattern("it is too large")
        self.letters.append(letter)
        self.after.append(-1)
        self.also.append([])
        return len(self.letters) - 1


class Pattern:
    r"""A pattern for a whole name.

    It knows letters, ``.``, ``[a-z]``, ``\d``, ``\w``, ``|``, groups, and ``*``, ``+``, ``?``, ``{2,5}`` after them.
    """

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN_CHARACTERS:
            raise BadPattern(f"it is longer than {MAX_PATTERN_CHARACTERS} characters")
        self._automaton = _Automaton()
        self._end = self._automaton.add()
        start = _Parser(text, self._automaton).parse(self._end)
        self._start = self._closure({start})
        self._known: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def matches(self, name: str) -> bool:
        """Whether it fits all of the name."""
        states = self._start
        for letter in name:
            states = self._step(states, letter)
            if not states:
                return False
        return self._end in states

    def _step(self, states: frozenset[int], letter: str) -> frozenset[int]:
        known = self._known.get((states, letter))
        if known is None:
            automaton = self._automaton
            reached = {
                automaton.after[each]
                for each in states
                if (test := automaton.letters[each]) is not None and test(letter)
            }
            known = self._closure(reached)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[states, letter] = known
        return known

    def _closure(self, states: set[int]) -> frozenset[int]:
        waiting, found = list(states), set(states)
        while waiting:
            for each in self._automaton.also[waiting.pop()]:
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return frozenset(found)


_CLASSES: dict[str, Letter] = {
    "d": lambda letter: letter.isascii() and letter.isdigit(),
    "w": lambda letter: letter == "_" or (letter.isascii() and letter.isalnum()),
}

Node = Callable[[int], int]
"""Builds states that end at a given one; the state that they begin with."""


class _Parser:
    def __init__(self, text: str, automaton: _Automaton) -> None:
        self._text = text.removeprefix("^")
        if self._text.endswith("$") and not self._text.endswith("\\$"):
            self._text = self._text[:-1]
        self._at = 0
        self._depth = 0
        self._automaton = automaton

    def parse(self, end: int) -> int:
        node = self._choice()
        if self._at < len(self._text):
            raise BadPattern(f"{self._text[self._at]!r} at {self._at + 1} closes nothing")
        return node(end)

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _take(self) -> str:
        letter = self._peek()
        if not letter:
            raise BadPattern("it ends too early")
        self._at += 1
        return letter

    def _choice(self) -> Node:
        parts = [self._row()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._row())
        if len(parts) == 1:
            return parts[0]

        def build(end: int) -> int:
            state = self._automaton.add()
            self._automaton.also[state] = [part(end) for part in parts]
            return state

        return build

    def _row(self) -> Node:
        parts: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom()))

        def build(end: int) -> int:
            for part in reversed(parts):
                end = part(end)
            return end

        return build

    def _atom(self) -> Node:
        letter = self._take()
        if letter == "(":
            return self._group()
        if letter == "[":
            return self._one(self._set())
        if letter == ".":
            return self._one(lambda _: True)
        if letter == "\\":
            return self._one(self._escaped())
        if letter in "*+?{^$":
            raise BadPattern(f"{letter!r} at {self._at} stands where a letter should; write \\{letter} for itself")
        return self._one(lambda found: found == letter)

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > 20:
            raise BadPattern("its groups are nested too deep")
        if self._peek() == "?":
            if self._text[self._at : self._at + 2] != "?:":
                raise BadPattern("of groups with ? there is only (?:...)")
            self._at += 2
        node = self._choice()
        if self._take() != ")":
            raise BadPattern("a group is not closed")
        self._depth -= 1
        return node

    def _escaped(self) -> Letter:
        letter = self._take()
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter.isalnum():
            raise BadPattern(f"\\{letter} is not known here")
        return lambda found: found == letter

    def _set(self) -> Letter:
        negated = self._peek() == "^"
        self._at += negated
        tests: list[Letter] = []
        first = True
        while first or self._peek() != "]":
            first = False
            tests.append(self._member())
        self._at += 1
        return lambda found: any(test(found) for test in tests) is not negated

    def _member(self) -> Letter:
        low = self._take()
        if low == "\\":
            return self._escaped()
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return lambda found: found == low
        self._at += 1
        high = self._take()
        if high < low:
            raise BadPattern(f"{low}-{high} is no range")
        return lambda found: low <= found <= high

    def _one(self, letter: Letter) -> Node:
        def build(end: int) -> int:
            state = self._automaton.add(letter)
            self._automaton.after[state] = end
            return state

        return build

    def _repeated(self, node: Node) -> Node:
        mark = self._peek()
        if mark not in ("*", "+", "?", "{"):
            return node
        self._at += 1
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(mark) or self._bounds()
        if self._peek() in ("*", "+", "?", "{"):
            raise BadPattern("a repetition cannot be repeated without a group")

        def build(end: int) -> int:
            if most is None:
                loop = self._automaton.add()
                self._automaton.also[loop] = [node(loop), end]
                end = loop
            else:
                last = end
                for _ in range(most - least):
                    maybe = self._automaton.add()
                    self._automaton.also[maybe] = [node(end), last]
                    end = maybe
            for _ in range(least):
                end = node(end)
            return end

        return build

    def _bounds(self) -> tuple[int, int | None]:
        inside, close, _ = self._text[self._at :].partition("}")
        low, comma, high = inside.partition(",")
        plain = low.isascii() and low.isdigit() and (not high or (high.isascii() and high.isdigit()))
        if not close or not plain or len(inside) > 8:
            raise BadPattern("{ wants bounds such as {2,5}; write \\{ for itself")
        self._at += len(inside) + 1
        least, most = int(low), int(low) if not comma else int(high) if high else None
        if least > _MOST_REPEATS or (most is not None and not least <= most <= _MOST_REPEATS):
            raise BadPattern(f"bounds of repetitions go up to {_MOST_REPEATS}")
        return least, most


def glob(text: str) -> Pattern:
    """``*`` is anything, ``?`` one letter, ``[a-z]`` one of a set; the rest stands for itself."""
    if len(text) > MAX_PATTERN_CHARACTERS // 2:
        raise BadPattern(f"it is longer than {MAX_PATTERN_CHARACTERS // 2} characters")
    words = {"*": ".*", "?": "."}
    found, at = [], 0
    while at < len(text):
        letter = text[at]
        close = text.find("]", at + 2) if letter == "[" else -1
        if close > 0:
            inside = text[at + 1 : close].replace("\\", "\\\\")
            found.append(f"[{'^' + inside[1:] if inside[0] == '!' else inside}]")
            at = close
        else:
            plain = letter.isalnum() or letter in "_-"
            found.append(words.get(letter) or (letter if plain else f"\\{letter}"))
        at += 1
    return Pattern("".join(found))
