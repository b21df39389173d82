"""The settings that the how-to pages show are taken by the program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from entrepot.services.configuration.documents import checked, nested

PAGES = Path(__file__).parents[3] / "docs/how-to"
BLOCK = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("name", "blocks"), [("sign-in-through-a-directory.md", 2), ("push-from-ci.md", 1)])
def test_what_a_page_shows_is_valid(name: str, blocks: int) -> None:
    found = BLOCK.findall((PAGES / name).read_text(encoding="utf-8"))
    assert len(found) == blocks
    for block in found:
        checked(nested(json.loads(block)))
