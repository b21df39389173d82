"""A recipe read stage by stage: continued lines, comments, here-documents, arguments, and what each stage installs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from entrepot.domain.images.bases import Base, base_of
from entrepot.domain.images.installs import Riddle, Wish, installed
from entrepot.domain.images.shell import UNKNOWN, Budget, Variables

MAX_RECIPE_BYTES = 500_000
_MOST_INSTRUCTIONS = 20_000
_MOST_STAGES = 200
_MOST_WISHES = 2000
_MOST_VALUE = 20_000
_INSTRUCTION = re.compile(r"([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)
_HERE = re.compile(r"<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_]*)\2")
_FLAG = re.compile(r"--[a-z][a-z-]*(?:=\S*)?\s+")
_FROM = re.compile(r"(\S+)(?:\s+as\s+(\S+))?", re.IGNORECASE)
_PAIR = re.compile(
    r"([A-Za-z_][A-Za-z0-9_]*)(?:=((?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'\\])*))?(?:\s+|\Z)", re.DOTALL
)
_SHELLS = re.compile(r"(?:/(?:usr/)?bin/)?(?:ba|da|a|z|k)?sh\b")


@dataclass(frozen=True, slots=True)
class Stage:
    """One ``FROM`` and what follows.  ``base`` is that of the first stage that it builds on."""

    name: str
    base: Base
    wishes: Sequence[Wish]
    riddles: Sequence[Riddle]


@dataclass(slots=True)
class _Building:
    name: str
    base: Base
    values: dict[str, str]
    wishes: list[Wish] = field(default_factory=list)
    riddles: list[Riddle] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Instruction:
    """``here`` are the texts of its here-documents."""

    word: str
    rest: str
    here: Sequence[str] = ()


def read_recipe(text: str) -> list[Stage]:
    """All stages in their order; what is outside the grammar is passed over."""
    arguments: dict[str, str] = {}
    stages: list[_Building] = []
    budget = Budget()
    for instruction in _instructions(text):
        if instruction.word == "FROM":
            if len(stages) < _MOST_STAGES:
                stages.append(_stage(instruction.rest, Variables(arguments, budget), stages))
        elif not stages:
            if instruction.word == "ARG":
                arguments |= _pairs(instruction.rest, Variables(arguments, budget), {})
        else:
            _follow(stages[-1], instruction, arguments, budget)
    return [Stage(each.name, _judged(each), each.wishes, each.riddles) for each in stages]


def _stage(rest: str, variables: Variables, before: Sequence[_Building]) -> _Building:
    plain = rest
    while (flag := _FLAG.match(plain)) is not None:
        plain = plain[flag.end() :]
    match = _FROM.match(plain)
    image = variables.replaced(match[1]).replace(UNKNOWN, "") if match is not None else ""
    name = (match[2] or "").lower() if match is not None else ""
    for known in reversed(before):
        if known.name and known.name == image.lower():
            return _Building(name, known.base, dict(known.values))
    return _Building(name or str(len(before)), base_of(image[:500]), {})


def _judged(stage: _Building) -> Base:
    """What it installs with says more than the name of an image."""
    managers = {each.manager for each in stage.wishes} | {each.manager for each in stage.riddles}
    if len(managers) == 1 and stage.base.manager not in managers:
        return replace(stage.base, manager=managers.pop(), distributions=())
    return stage.base


def _follow(stage: _Building, instruction: _Instruction, arguments: dict[str, str], budget: Budget) -> None:
    word, rest = instruction.word, instruction.rest
    variables = Variables(stage.values, budget)
    if word == "ONBUILD":
        match = _INSTRUCTION.match(rest)
        if match is not None:
            _follow(stage, _Instruction(match[1].upper(), match[2] or "", instruction.here), arguments, budget)
    elif word == "ARG":
        for name, value in _pairs(rest, variables, arguments).items():
            stage.values.setdefault(name, value)
    elif word == "ENV":
        stage.values |= _environment(rest, variables)
    elif word == "RUN":
        for script in _scripts(instruction):
            for found in installed(script, variables):
                if isinstance(found, Riddle):
                    stage.riddles += [found] if len(stage.riddles) < _MOST_WISHES else []
                elif len(stage.wishes) < _MOST_WISHES:
                    stage.wishes.append(found)


def _pairs(rest: str, variables: Variables, outer: dict[str, str]) -> dict[str, str]:
    """Of ``ARG``: a default, or what stands before the first stage."""
    found: dict[str, str] = {}
    for match in _PAIR.finditer(rest.strip()):
        name, value = match[1], match[2]
        if value is not None:
            found[name] = _unquoted(value, variables)
        if name in outer and value is None:
            found[name] = outer[name]
    return found


def _environment(rest: str, variables: Variables) -> dict[str, str]:
    text = rest.strip()
    if "=" in next(iter(text.split(None, 1)), ""):
        return {match[1]: _unquoted(match[2] or "", variables) for match in _PAIR.finditer(text)}
    name, _, value = text.partition(" ")
    return {name: variables.replaced(value.strip())} if name else {}


def _unquoted(value: str, variables: Variables) -> str:
    found, at = "", 0
    for match in re.finditer(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"", value):
        found += variables.replaced(value[at : match.start()])
        found += match[1] if match[1] is not None else variables.replaced(match[2])
        at = match.end()
        if len(found) > _MOST_VALUE:
            return found[:_MOST_VALUE]
    return found + variables.replaced(value[at:])


def _scripts(run: _Instruction) -> Iterator[str]:
    """What a shell would be given."""
    rest = run.rest
    while (flag := _FLAG.match(rest)) is not None:
        rest = rest[flag.end() :]
    if run.here:
        before = _HERE.split(rest, maxsplit=1)[0].strip()
        if not before or _SHELLS.match(before):
            yield from (text for text in run.here if not text.startswith("#!") or _SHELLS.search(text.split("\n")[0]))
        yield _HERE.sub("", rest)
        return
    if rest.lstrip().startswith("["):
        try:
            words = json.loads(rest)
        except (ValueError, RecursionError):
            words = None
        if isinstance(words, list) and all(isinstance(each, str) for each in words):
            yield " ".join(f"'{each}'" if "'" not in each else json.dumps(each) for each in words)
            return
    yield rest


def _instructions(text: str) -> Iterator[_Instruction]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    escape, at = _escape(lines), 0
    for _ in range(_MOST_INSTRUCTIONS):
        logical, at = _logical(lines, at, escape)
        if logical is None:
            return
        match = _INSTRUCTION.match(logical)
        if match is None:
            continue
        word, rest = match[1].upper(), match[2] or ""
        here: list[str] = []
        if word in ("RUN", "COPY", "ADD", "ONBUILD"):
            for mark in _HERE.finditer(rest):
                body, at = _here(lines, at, mark[3], tabs=bool(mark[1]))
                here.append(body)
        yield _Instruction(word, rest, here)


def _escape(lines: Sequence[str]) -> str:
    """The parser directive at the top, if there is one."""
    for line in lines:
        match = re.fullmatch(r"\s*#\s*([a-zA-Z]+)\s*=\s*(\S+)\s*", line)
        if match is None:
            break
        if match[1].lower() == "escape" and match[2] in ("\\", "`"):
            return match[2]
    return "\\"


def _logical(lines: Sequence[str], at: int, escape: str) -> tuple[str | None, int]:
    """A line with those that continue it, without comments; nothing at the end."""
    found: list[str] = []
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        bare = line.rstrip()
        if bare.endswith(escape):
            found.append(bare[: -len(escape)])
            continue
        found.append(line)
        return " ".join(found).strip(), at
    return (" ".join(found).strip() if found else None), at


def _here(lines: Sequence[str], at: int, mark: str, *, tabs: bool) -> tuple[str, int]:
    found: list[str] = []
    while at < len(lines):
        line = lines[at].lstrip("\t") if tabs else lines[at]
        at += 1
        if line == mark:
            break
        found.append(line)
    return "\n".join(found), at
