"""The whole suite, and a second look at the few that failed.  ``python -m entrepot.testing.suite [words of pytest]``.

Hundreds of real servers and clients share two cores for half an hour; a test that waits for one of them can be late
without a fault in anything.  Whoever fails is asked once more, alone.  What passes then is named as unsteady: a thing
to mend that need not stop everybody else.  What fails again, or more than a few at once, is a failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MOST = 3
_FAILED = 1  # pytest: tests were run, some failed; all other statuses say that they were not run as they should


def run_suite(words: Sequence[str], folder: Path) -> int:
    """The status that ``make test`` ends with.

    Args:
        words: arguments of pytest for the first run.
        folder: where pytest starts and keeps its notes.
    """
    status = _pytest(["--cache-clear", *words], folder)
    if status != _FAILED:
        return status
    failed = _failed(folder)
    if not 0 < len(failed) <= MOST:
        _say(f"{len(failed)} tests failed; only up to {MOST} are looked at a second time.")
        return status
    _say(f"{len(failed)} failed; a second look at each, alone: {', '.join(failed)}")
    if _pytest([*failed, "-n", "0"], folder):
        return _FAILED
    _say("UNSTEADY, failed once and passed alone; the reason is above and wants to be mended:")
    for name in failed:
        _say(f"  UNSTEADY {name}")
    return 0


def _pytest(words: Sequence[str], folder: Path) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *words], cwd=folder, check=False).returncode


def _failed(folder: Path) -> list[str]:
    try:
        noted = json.loads((folder / ".pytest_cache/v/cache/lastfailed").read_bytes())
    except FileNotFoundError:
        return []
    return sorted(noted)


def _say(line: str) -> None:
    print(f"suite: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(run_suite(sys.argv[1:], Path.cwd()))
