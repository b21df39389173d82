"""The documents say what the code does: made pages are fresh, links lead somewhere, words are used as defined."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot.settings import Settings
from entrepot.testing.reference import FOLDER, PAGES, PROJECT, openapi, variable

DOCUMENTS = sorted(
    [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")], key=lambda path: path.relative_to(PROJECT)
)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# Paths of this project as documents name them, in backquotes.
NAMED_PATH = re.compile(r"`((?:src|tests|docs|deploy|bench)/[A-Za-z0-9_./-]+)`")


def text_of(path: Path) -> str:
    """Without code blocks."""
    return FENCED.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """What ``#...`` may say, by the usual rule for headings."""
    found = HEADING.findall(text_of(path))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("name", PAGES)
def test_a_made_page_is_fresh(name: str) -> None:
    committed = (FOLDER / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(text_of(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), f"{target} leads nowhere"
        assert there.is_relative_to(PROJECT), f"{target} leads out of the project"
        if anchor:
            assert anchor in anchors(there), f"{target}: no such heading"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_files_that_are_named_exist(path: Path) -> None:
    for named in NAMED_PATH.findall(text_of(path)):
        assert (PROJECT / named.rstrip("/.")).exists(), f"{named} does not exist"


def test_every_setting_has_its_heading_and_a_description() -> None:
    page = (FOLDER / "settings.md").read_text(encoding="utf-8")
    for name, given in Settings.model_fields.items():
        assert given.description, name
        assert f"\n## {variable(name)}\n" in page


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation of the API with its place."""
    for path, item in openapi()["paths"].items():
        for method, about in item.items():
            yield f"{method.upper()} {path}", about


def has_example(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether a schema, or a property of it, shows a value."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "example" in schema or "examples" in schema:
        return True
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    return any(has_example(document, each) for each in inner)


def test_every_operation_has_a_summary_and_a_body_has_an_example() -> None:
    document = openapi()
    for name, about in operations():
        assert about.get("summary"), name
        assert about.get("description"), name
        for kind, content in about.get("requestBody", {}).get("content", {}).items():
            assert has_example(document, content["schema"]), f"{name}: a {kind} body without an example"


def test_the_architecture_can_be_read_in_one_sitting() -> None:
    assert len((PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("\n")) < 250


def decisions() -> list[Path]:
    """The records of decisions."""
    return sorted((PROJECT / "docs/adr").glob("*.md"))


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in decisions()] == list(range(1, len(decisions()) + 1))


@pytest.mark.parametrize("path", decisions(), ids=lambda path: path.name)
def test_a_decision_says_why_and_what_checks_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {path.name[:4]}: ", text)
    for part in ("Context", "Decision", "Considered", "Good", "Bad", "Checked by"):
        assert f"\n## {part}\n" in text, f"no part {part!r}"


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    text = (PROJECT / "docs/adr/0002-dependencies.md").read_text(encoding="utf-8")
    names = [re.match(r"[a-zA-Z0-9._-]+", each) for each in wanted]
    assert not [name[0] for name in names if name and f"`{name[0]}`" not in text]


def test_the_index_of_documents_names_every_page() -> None:
    index = text_of(PROJECT / "docs/README.md")
    linked = set(re.findall(r"\]\(([^)#]+\.md)\)", index))
    pages = {
        str(page.relative_to(PROJECT / "docs"))
        for folder in ("adr", "explanation", "how-to", "reference")
        for page in (PROJECT / "docs" / folder).glob("*.md")
    }
    assert pages - linked == set()


def glossary_rows() -> list[tuple[str, str, list[str]]]:
    """Word, meaning, and words to avoid."""
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \| (.*?) \|$", text_of(FOLDER / "glossary.md"), re.MULTILINE)
    return [(word, meaning, re.findall(r"`([a-z_]+)`", avoided)) for word, meaning, avoided in rows]


WORDS = (
    *("archive", "suite", "component", "architecture", "package", "package key", "revision", "generation"),
    *("manifest", "pack", "segment", "document", "member", "extent", "blob", "claim", "admission", "finding"),
    *("advisory", "context", "feed"),
    *("verdict", "decision", "goal", "node", "role", "snapshot", "environment", "mirror", "bundle", "host"),
    *("waiver", "quarantine"),
    *("job", "lease"),
)


def test_the_glossary_defines_every_word_once() -> None:
    words = [word for word, _, _ in glossary_rows()]
    assert sorted(words) == sorted(WORDS)
    assert all(len(meaning.split()) >= 4 for _, meaning, _ in glossary_rows())


def identifiers(path: Path) -> Iterator[str]:
    """Names that a module gives to classes, functions, arguments and variables."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words_of(identifier: str) -> set[str]:
    """``SuiteReading`` and ``suite_reading`` are the same two words."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier).lower().strip("_")
    return {snake, *snake.split("_")}


def test_words_to_avoid_are_not_used_in_the_core() -> None:
    avoided = {word for _, _, words in glossary_rows() for word in words}
    assert avoided
    source = PROJECT / "src/entrepot"
    found = {
        f"{path.relative_to(source)}: {identifier}"
        for folder in ("domain", "adapters", "services")
        for path in (source / folder).rglob("*.py")
        for identifier in identifiers(path)
        if avoided & words_of(identifier)
    }
    assert not found
