"""A fork that stands in for a new interpreter has arguments, environment, output and death of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from entrepot.testing.forks import Fork, start_forked

TELLING = """
import os, sys
if __name__ == "__main__":
    print(__name__, sys.argv[1:], os.environ["ASKED"], os.getcwd(), "entrepot.program.serving" in sys.modules)
    sys.exit(7)
"""
WAITING = "import time; print('here', flush=True); time.sleep(600)"


def started(folder: Path, text: str, *words: str, **more: str) -> Fork:
    script = folder / "script.py"
    script.write_text(text)
    found = start_forked([str(script), *words], {**os.environ, **more}, folder / "output")
    if found is None:
        pytest.skip("this system has no handles of processes; servers are started one by one")
    return found


def test_it_runs_the_script_as_asked_and_its_status_is_known(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("before\n")
    fork = started(tmp_path, TELLING, "one", "two", ASKED="this")
    assert fork.wait(60) == 7
    assert (fork.poll(), fork.returncode) == (7, 7)
    told = f"before\n__main__ ['one', 'two'] this {Path.cwd()} True\n"
    assert (tmp_path / "output").read_text() == told


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_of_a_signal_and_no_other_does(number: int, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    fork, other = started(tmp_path, WAITING), started(tmp_path / "other", WAITING)
    assert fork.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        fork.wait(0)
    fork.send_signal(number)
    assert fork.wait(60) == -number
    assert other.poll() is None
    fork.kill()  # of one that is gone
    other.kill()
    assert other.wait(60) == -signal.SIGKILL


def test_what_only_a_new_interpreter_reads_is_not_forked(tmp_path: Path) -> None:
    assert start_forked(["-m", "entrepot"], {**os.environ, "PYTHONHASHSEED": "7"}, tmp_path / "output") is None
