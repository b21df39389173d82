"""The program that fetches newer signatures, run when somebody asks for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SECONDS = 300
_SHOWN_CHARACTERS = 4000


class Freshclam:
    """Implements ``SignatureUpdate``; the program finds its own configuration."""

    def __init__(self, program: Path, seconds: float = _SECONDS) -> None:
        self._program = program
        self._seconds = seconds

    def run(self) -> tuple[bool, str]:
        """Run it once."""
        try:
            done = subprocess.run(
                [str(self._program)],
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False, f"{self._program.name} did not end within {self._seconds:.0f} seconds"
        except OSError as error:
            return False, f"{self._program.name} cannot be run: {error.strerror}"
        text = done.stdout.decode("utf-8", "replace").strip()[-_SHOWN_CHARACTERS:]
        return done.returncode == 0, text
