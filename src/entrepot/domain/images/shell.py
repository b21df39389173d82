"""Commands of a shell script as far as words and variables go; nothing is run.

Pipes, lists, groups and the words of ``if``, ``for`` and their kind are boundaries between commands.  What a command
substitution would give is unknown, and so is a variable that nobody set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

UNKNOWN = "\0"
"""Stands within a word for what only a run could tell."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=(.*)", re.DOTALL)
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+=?])(.*))?", re.DOTALL)
_OPERATORS = ("&&", "||", ";;", ";", "|", "&", "(", ")", "\n")
_REDIRECTIONS = re.compile(r"[0-9]*(?:>>|>\||>&|<&|<>|&>>|&>|>|<)")
_LEADING = frozenset(("if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "exec", "command"))
_ENDING = frozenset(("fi", "done", "}", "esac"))
_PLAIN = re.compile(r"[^ \t\r\n;|&()<>\\'\"`$]+")
_MOST_VALUE = 20_000
_MOST_WORDS = 50_000
_MOST_EXPRESSION = 2000
_MOST_DEPTH = 20


@dataclass(slots=True)
class Word:
    """A word; ``parts`` are what it falls apart to where values in it are not quoted, ``text`` is all of them."""

    text: str = ""
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Budget:
    """So many characters come out of variables, in a whole recipe; beyond them everything is unknown."""

    left: int = 2_000_000


class Variables:
    """What variables hold, as far as anybody said; what is set here is not seen outside."""

    def __init__(self, given: Mapping[str, str], budget: Budget) -> None:
        self._given = given
        self._own: dict[str, str] = {}
        self._budget = budget

    def set(self, name: str, value: str) -> None:
        """From here on."""
        self._own[name] = value[:_MOST_VALUE]

    def expand(self, expression: str) -> str:
        """The value of ``NAME``, ``NAME:-word`` and their kind."""
        match = _BRACED.fullmatch(expression) if len(expression) <= _MOST_EXPRESSION else None
        if match is None:
            return UNKNOWN
        value = self._own.get(match[1], self._given.get(match[1]))
        self._budget.left -= len(value or "")
        if self._budget.left < 0:
            return UNKNOWN
        empty = value is None or (not value and (match[2] or "").startswith(":"))
        if match[2] in ("-", ":-", "=", ":="):
            return self.replaced(match[3]) if empty or value is None else value
        if match[2] in ("+", ":+"):
            return "" if empty else self.replaced(match[3])
        return UNKNOWN if value is None else value

    def replaced(self, text: str) -> str:
        """A text with the values of its variables."""
        found, at = "", 0
        while at < len(text):
            if text[at] == "\\" and at + 1 < len(text):
                found, at = found + text[at + 1], at + 2
            elif text[at] == "$":
                value, at = self.at(text, at)
                found += value
            else:
                found, at = found + text[at], at + 1
            if len(found) > _MOST_VALUE:
                return found[:_MOST_VALUE]
        return found

    def at(self, text: str, at: int) -> tuple[str, int]:
        """The value of the expansion that begins with the dollar there, and where it ends."""
        if text.startswith("$(", at):
            return UNKNOWN, closing(text, at + 1, "(", ")")
        if text.startswith("${", at):
            end = closing(text, at + 1, "{", "}")
            return self.expand(text[at + 2 : end - 1]), end
        name = _NAME.match(text, at + 1)
        if name is not None:
            return self.expand(name[0]), name.end()
        special = text[at + 1 : at + 2]
        return (UNKNOWN, at + 2) if special and special in "@*#?$!0123456789-" else ("$", at + 1)


def closing(text: str, at: int, opening: str, close: str) -> int:
    """Behind the bracket that closes the one at this place; the end of the text where none does."""
    depth = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "'" and opening == "(":
            end = text.find("'", at + 1)
            at = end if end >= 0 else len(text)
        elif text[at] == opening:
            depth += 1
            if depth > _MOST_DEPTH:
                return len(text)
        elif text[at] == close:
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    return len(text)


def commands(script: str, variables: Variables) -> Iterator[list[str]]:
    """Each simple command as its words; assignments count for what comes after them."""
    words: list[Word] = []
    for token in _tokens(script, variables):
        if token is None:
            yield from _command(words, variables)
            words = []
        else:
            words.append(token)
    yield from _command(words, variables)


def _command(words: list[Word], variables: Variables) -> Iterator[list[str]]:
    plain = [word.text for word in words]
    while plain and (plain[0] in _LEADING or plain[0] in _ENDING):
        words, plain = words[1:], plain[1:]
    if plain[:1] == ["for"] and plain[2:3] == ["in"]:
        variables.set(plain[1], " ".join(part for word in words[3:] for part in word.parts))
        return
    if plain[:1] in (["export"], ["declare"], ["local"], ["readonly"]):
        words = [word for word in words[1:] if not word.text.startswith("-")]
    while words and (match := _ASSIGNMENT.fullmatch(words[0].text)) is not None:
        before = variables.expand(match[1]) if match[2] else ""
        variables.set(match[1], before.replace(UNKNOWN, "") + match[3])
        words = words[1:]
    found = [part for word in words for part in word.parts]
    if found:
        yield found


def _tokens(script: str, variables: Variables) -> Iterator[Word | None]:
    """Words as they can be told at their place, and nothing for each boundary."""
    at, count = 0, 0
    while at < len(script) and count < _MOST_WORDS:
        count += 1
        if script.startswith("\\\n", at):
            at += 2
        elif script[at] in " \t\r":
            at += 1
        elif script[at] == "#":
            end = script.find("\n", at)
            at = len(script) if end < 0 else end
        elif (redirection := _REDIRECTIONS.match(script, at)) is not None:
            at = _past_target(script, redirection.end(), variables)
        elif operator := next((each for each in _OPERATORS if script.startswith(each, at)), ""):
            at += len(operator)
            yield None
        else:
            word, at = _word(script, at, variables)
            yield word


def _past_target(script: str, at: int, variables: Variables) -> int:
    while script[at : at + 1] in (" ", "\t") and at < len(script):
        at += 1
    if at < len(script) and script[at] not in "\n;|&()":
        return _word(script, at, variables)[1]
    return at


class _Pieces:
    """A word in the making: what it falls apart to, each in fragments."""

    def __init__(self) -> None:
        self._found: list[list[str]] = [[]]
        self._quoted = False

    def add(self, text: str, *, quoted: bool = False) -> None:
        """To the last piece."""
        self._quoted = self._quoted or quoted
        self._found[-1].append(text)

    def spread(self, value: str) -> None:
        """A value that is not quoted: it falls apart at its spaces."""
        parts = value.split()
        if value[:1].isspace() and any(self._found[-1]):
            self._found.append([])
        for number, part in enumerate(parts):
            if number:
                self._found.append([])
            self._found[-1].append(part)
        if parts and value[-1].isspace():
            self._found.append([])

    def word(self) -> Word:
        """As far as it came."""
        pieces = ["".join(each) for each in self._found]
        return Word(" ".join(pieces), [piece for piece in pieces if piece or self._quoted])


def _word(script: str, at: int, variables: Variables) -> tuple[Word, int]:
    pieces = _Pieces()
    while at < len(script) and script[at] not in " \t\r\n;|&()<>":
        plain = _PLAIN.match(script, at)
        letter = script[at]
        if plain is not None:
            pieces.add(plain[0])
            at = plain.end()
        elif letter == "\\":
            following = script[at + 1 : at + 2]
            pieces.add("" if following == "\n" else following)
            at += 2
        elif letter == "$":
            value, at = variables.at(script, at)
            pieces.spread(value)
        elif letter == "`":
            at = _past(script, "`", at + 1)
            pieces.add(UNKNOWN)
        else:
            text, at = _quoted(script, at, variables)
            pieces.add(text, quoted=True)
    return pieces.word(), at


def _past(script: str, mark: str, at: int) -> int:
    """Behind the next mark; the end where there is none."""
    end = script.find(mark, at)
    return len(script) if end < 0 else end + 1


def _quoted(script: str, at: int, variables: Variables) -> tuple[str, int]:
    mark = script[at]
    if mark == "'":
        end = script.find("'", at + 1)
        end = len(script) if end < 0 else end
        return script[at + 1 : end], end + 1
    found, at = "", at + 1
    while at < len(script) and script[at] != '"':
        if script[at] == "\\" and at + 1 < len(script):
            following = script[at + 1]
            found += following if following in '$`"\\' else "" if following == "\n" else f"\\{following}"
            at += 2
        elif script[at] == "$":
            value, at = variables.at(script, at)
            found += value
        elif script[at] == "`":
            at = _past(script, "`", at + 1)
            found += UNKNOWN
        else:
            found += script[at]
            at += 1
    return found, at + 1
