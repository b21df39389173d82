"""A test that failed is looked at once more, a few of them, and never in silence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.testing.suite import MOST

UNSTEADY = """
from pathlib import Path

def test_steady():
    pass

def test_unsteady():
    mark = Path("been here")
    if not mark.exists():
        mark.touch()
        assert False, "the first time"
"""
BROKEN = "def test_broken():\n    assert 1 == 2\n"
MANY = "import pytest\n\n@pytest.mark.parametrize('n', range({}))\ndef test_all(n):\n    assert n < 0\n"


def suite(folder: Path, content: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(content)
    return subprocess.run(
        [sys.executable, "-m", "entrepot.testing.suite", "-q"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_all_is_well(tmp_path: Path) -> None:
    done = suite(tmp_path, "def test_fine():\n    pass\n")
    assert done.returncode == 0
    assert "suite:" not in done.stdout


def test_what_passes_alone_is_named_as_unsteady(tmp_path: Path) -> None:
    done = suite(tmp_path, UNSTEADY)
    assert done.returncode == 0
    assert "the first time" in done.stdout
    assert "suite:   UNSTEADY test_it.py::test_unsteady" in done.stdout
    assert "1 passed" in done.stdout.splitlines()[-3]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(BROKEN, id="fails again"),
        pytest.param(UNSTEADY + BROKEN, id="one of two fails again"),
        pytest.param(MANY.format(MOST + 1), id="too many"),
        pytest.param("import nothing_of_this_name\n", id="cannot be read"),
        pytest.param("", id="no tests"),
    ],
)
def test_what_is_broken_stays_broken(tmp_path: Path, content: str) -> None:
    done = suite(tmp_path, content)
    assert done.returncode != 0
    assert "UNSTEADY" not in done.stdout
