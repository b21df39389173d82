"""Filling texts in: a sandbox that shows values, chooses and repeats, and can do nothing else.

A text is looked at before it runs: no calls, no arithmetic, no assignments, no imports; one loop, not inside another,
over a list that was handed in.  So the work is bounded by its size, and the output is counted as it comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from jinja2 import Environment, StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from entrepot.errors import TemplateRefused

MOST_TEMPLATE_CHARACTERS = 16 << 10
MOST_OUTPUT_CHARACTERS = 256 << 10
_MOST_BETWEEN = 20
_MOST_DEPTH = 40
_FILTERS = frozenset(
    {"capitalize", "count", "default", "d", "e", "escape", "first", "join", "last", "length", "lower", "title"}
    | {"trim", "truncate", "upper", "urlencode"}
)
_TESTS = frozenset({"defined", "undefined", "none", "eq", "ne", "equalto", "in", "number", "string"})
_NODES: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For),
    *(nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or),
    *(nodes.Not, nodes.CondExpr, nodes.Concat, nodes.Keyword, nodes.Slice),
)
_WORDS = {
    nodes.Call: "call functions",
    nodes.Assign: "assign names",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.Include: "include other texts",
    nodes.Extends: "extend other texts",
    nodes.Macro: "define macros",
    nodes.BinExpr: "calculate",
}


def _join(items: object, between: str = ", ") -> str:
    if not isinstance(items, list | tuple) or len(between) > _MOST_BETWEEN:
        raise TypeError("join is for lists, with few letters between")
    return between.join(str(each) for each in items)


def _environment(*, html: bool) -> Environment:
    made = ImmutableSandboxedEnvironment(autoescape=html, undefined=StrictUndefined, keep_trailing_newline=True)
    made.globals = {}
    made.filters = {**made.filters, "join": _join}  # that of the library makes a text as long as one likes of a text
    made.trim_blocks = made.lstrip_blocks = True
    return made


_ENVIRONMENTS = {False: _environment(html=False), True: _environment(html=True)}


def fill_in(text: str, values: Mapping[str, object], *, html: bool = False) -> str:
    """The text with values in their places; in HTML they are escaped.

    Raises:
        TemplateRefused: naming the line and what is wrong.
    """
    template = _compiled(text, html)
    parts: list[str] = []
    size = 0
    try:
        for part in template.generate(dict(values)):
            size += len(part)
            if size > MOST_OUTPUT_CHARACTERS:
                raise TemplateRefused(f"the text becomes longer than {MOST_OUTPUT_CHARACTERS} characters")
            parts.append(part)
    except TemplateError as error:
        raise TemplateRefused(f"the text cannot be filled in: {_reason(error)}") from None
    except (TypeError, ValueError, LookupError, ArithmeticError, AssertionError, RecursionError) as error:
        raise TemplateRefused(f"the text cannot be filled in: {type(error).__name__}") from None
    return "".join(parts)


@lru_cache(maxsize=64)
def _compiled(text: str, html: bool) -> Template:  # noqa: FBT001 - part of the key
    if len(text) > MOST_TEMPLATE_CHARACTERS:
        raise TemplateRefused(f"a text has at most {MOST_TEMPLATE_CHARACTERS} characters")
    environment = _ENVIRONMENTS[html]
    try:
        tree = environment.parse(text)
        for node in tree.iter_child_nodes():
            _look_at(node, in_loop=False, depth=1)
        return environment.from_string(tree)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise TemplateRefused(f"{'' if line is None else f'line {line}: '}{_reason(error)}") from None
    except (RecursionError, SyntaxError, ValueError):
        raise TemplateRefused("the text is nested too deeply") from None


def _look_at(node: nodes.Node, *, in_loop: bool, depth: int) -> None:
    if not isinstance(node, _NODES):
        does = next((word for kind, word in _WORDS.items() if isinstance(node, kind)), "do that")
        raise TemplateRefused(f"line {node.lineno}: a text may not {does}; it may only show values, choose and repeat")
    if depth > _MOST_DEPTH:
        raise TemplateRefused(f"line {node.lineno}: the text is nested too deeply")
    if isinstance(node, nodes.For):
        if in_loop or node.recursive or not isinstance(node.iter, nodes.Name):
            raise TemplateRefused(f"line {node.lineno}: a loop must not be inside another, and runs over a named list")
        in_loop = True
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        raise TemplateRefused(f"line {node.lineno}: there is no filter {node.name} here; {', '.join(sorted(_FILTERS))}")
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise TemplateRefused(f"line {node.lineno}: there is no test {node.name} here; {', '.join(sorted(_TESTS))}")
    for child in node.iter_child_nodes():
        _look_at(child, in_loop=in_loop, depth=depth + 1)


def _reason(error: TemplateError) -> str:
    return " ".join((error.message or type(error).__name__).split())[:200]
