"""Rich dependencies of rpm, ``(a or (b with c) if d)``: from text to a tree (rpm-dependencies(7))."""

from __future__ import annotations

from dataclasses import dataclass

_COMPARATORS = {"<": "<", "<=": "<=", "=<": "<=", "=": "=", "==": "=", "=>": ">=", ">=": ">=", ">": ">"}
_OPERATORS = frozenset(("and", "or", "if", "unless", "with", "without", "else"))
_MOST_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Plain:
    """A capability, perhaps of some versions."""

    name: str
    operator: str = ""
    version: str = ""

    def text(self) -> str:
        """As a spec file writes it."""
        return f"{self.name} {self.operator} {self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True)
class Rich:
    """Operands joined by one operator; ``if`` and ``unless`` have a third operand where there is an ``else``."""

    operator: str
    operands: tuple[Tree, ...]


Tree = Plain | Rich


class NotRich(ValueError):
    """The text is none."""


def parse_rich(text: str) -> Tree:
    """Raises ``NotRich``: outside the grammar, or nested too deep."""
    tree, end = _group(text, 0, 1)
    if text[end:].strip():
        raise NotRich(text)
    return tree


def plain_parts(tree: Tree) -> list[Plain]:
    """Every capability that is named."""
    if isinstance(tree, Plain):
        return [tree]
    return [part for operand in tree.operands for part in plain_parts(operand)]


def _group(text: str, at: int, depth: int) -> tuple[Tree, int]:
    if depth > _MOST_DEPTH or text[at : at + 1] != "(":
        raise NotRich(text)
    first, at = _operand(text, at + 1, depth)
    operands, operators = [first], []
    while True:
        word, after = _word(text, at)
        if not word:
            break
        if word not in _OPERATORS:
            raise NotRich(text)
        operators.append(word)
        operand, at = _operand(text, after, depth)
        operands.append(operand)
    at = _blank(text, at)
    if text[at : at + 1] != ")":
        raise NotRich(text)
    if not operators:
        return first, at + 1
    if len(set(operators) - {"else"}) != 1 or ("else" in operators and operators[1:] != ["else"]):
        raise NotRich(text)
    return Rich(operators[0], tuple(operands)), at + 1


def _operand(text: str, at: int, depth: int) -> tuple[Tree, int]:
    at = _blank(text, at)
    if text[at : at + 1] == "(":
        return _group(text, at, depth + 1)
    name, at = _word(text, at)
    if not name:
        raise NotRich(text)
    sign, after = _word(text, at)
    if sign not in _COMPARATORS:
        return Plain(name), at
    version, at = _word(text, after)
    if not version:
        raise NotRich(text)
    return Plain(name, _COMPARATORS[sign], version), at


def _blank(text: str, at: int) -> int:
    while text[at : at + 1] == " ":
        at += 1
    return at


def _word(text: str, at: int) -> tuple[str, int]:
    start = at = _blank(text, at)
    opened = 0
    while at < len(text) and text[at] != " ":
        if text[at] == ")" and not opened:
            break
        opened += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at], at
