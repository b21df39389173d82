"""Sizes and names that keep the code readable, and what it must never mention."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.testing.corpora import shared_folder

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "src/entrepot"
FILES = sorted(SOURCE.rglob("*.py"))
FILE_LINES, FUNCTION_LINES, PACKAGE_LINES = 400, 60, 6
# Longer than allowed, each with its reason.
LONGER: dict[str, str] = {}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base_utils"}


def relative(path: Path) -> str:
    """As people say it."""
    return path.relative_to(SOURCE).as_posix()


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of the project with its place."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{relative(path)}:{node.lineno} {node.name}", node


def test_files_are_short() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").split("\n")) - 1 for path in FILES}
    # Migrations are written once and never grow.
    long = {name for name, lines in lengths.items() if lines > FILE_LINES and "/migrations/" not in name}
    assert long == set(LONGER)


def test_functions_are_short() -> None:
    lengths = {name: (node.end_lineno or node.lineno) - node.lineno + 1 for name, node in functions()}
    long = {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES}
    assert not {name for name in long if "/migrations/" not in name}


def test_names_say_something() -> None:
    assert not {relative(path) for path in FILES if EMPTY_NAMES & {*path.parts[:-1], path.stem}}
    empty = re.compile(r"_?(handle|process)_")
    # Of SQLAlchemy, aiosmtpd and socketserver.
    theirs = {"process_bind_param", "process_result_value", "handle_RCPT", "handle_DATA", "handle_error"}
    assert not {name for name, node in functions() if empty.match(node.name) and node.name not in theirs}


def test_every_package_says_what_it_is_in_few_lines() -> None:
    for path in FILES:
        if path.name == "__init__.py":
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            assert text, f"{relative(path)} has no docstring"
            assert len(text.split("\n")) <= PACKAGE_LINES, relative(path)


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in FILES if "migrations" not in path.parts}
    assert not {relative(folder) for folder in folders if not (folder / "__init__.py").is_file()}


def test_the_domain_does_not_log_nor_look_at_the_clock() -> None:
    forbidden = re.compile(r"structlog|\.now\(|\.utcnow\(|\btime\.time\(|\bprint\(")
    for path in (SOURCE / "domain").rglob("*.py"):
        assert not forbidden.search(path.read_text(encoding="utf-8")), relative(path)


def test_nothing_of_the_hostile_file_generators_is_imported() -> None:
    folder = shared_folder()
    if folder is None:
        pytest.skip("NO FOLDER WITH HOSTILE-FILE GENERATORS: set ENTREPOT_SHARED or put it beside the project")
    foreign = {path.stem for path in folder.rglob("*.py")} - {"__init__", "__main__", "conftest"}
    ours = {path.stem for path in FILES} | {path.name for path in SOURCE.rglob("*") if path.is_dir()}
    for path in [*FILES, *(PROJECT / "tests").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & (foreign - ours), path
