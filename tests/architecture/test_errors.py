"""Every failure has a code, a status and a heading; nobody invents an error outside the tree."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest

from entrepot.entrypoints.api.problems import STATUS
from entrepot.errors import EntrepotError, Kind
from entrepot.testing.reference import FOLDER, REMEDIES, leaves, rendered

CODE = re.compile(r"[a-z0-9]+([._][a-z0-9]+)*\Z")
LEAVES = leaves()


def test_every_kind_has_a_status_and_a_remedy() -> None:
    assert set(STATUS) == set(Kind)
    assert set(REMEDIES) == set(Kind)
    assert all(400 <= status <= 599 for status in STATUS.values())


def test_codes_are_stable_words_and_no_two_alike() -> None:
    codes = [leaf.code for leaf in LEAVES]
    assert len(set(codes)) == len(codes)
    assert not [code for code in codes if not CODE.match(code)]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_leaf_is_documented_where_it_is_defined(leaf: type[EntrepotError]) -> None:
    assert leaf.title
    assert isinstance(leaf.kind, Kind)
    text = inspect.getdoc(leaf)
    assert text
    assert text != inspect.getdoc(EntrepotError)
    assert text.endswith(".")


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_leaf_is_rendered(leaf: type[EntrepotError]) -> None:
    answer = rendered(leaf)
    body = json.loads(answer.content)
    assert answer.status == STATUS[leaf.kind]
    if leaf.kind is Kind.CORRUPT:
        assert body["error"] == "internal"
        assert "a sentence" not in answer.content.decode(), "the inside of a corruption is not for clients"
    else:
        assert body["error"] == leaf.code
        assert "a sentence" in answer.content.decode()
    if leaf.kind is Kind.UNAUTHENTICATED:
        assert answer.headers["www-authenticate"] == "Bearer"
    if leaf.kind in {Kind.UNAVAILABLE, Kind.LIMITED}:
        assert int(answer.headers["retry-after"]) > 0


def test_every_leaf_has_its_heading() -> None:
    page = (FOLDER / "errors.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)$", page, re.MULTILINE)
    assert headings == ["Kinds", *sorted(leaf.code for leaf in LEAVES)]


def test_services_and_the_domain_raise_only_errors_of_the_tree() -> None:
    source = Path(inspect.getfile(EntrepotError)).parents[1]
    foreign = re.compile(r"raise (ValueError|RuntimeError|KeyError|Exception|OSError|TypeError)\b")
    for folder in ("services", "entrypoints/api", "entrypoints/content"):
        for path in (source / folder).rglob("*.py"):
            assert not foreign.search(path.read_text(encoding="utf-8")), path
