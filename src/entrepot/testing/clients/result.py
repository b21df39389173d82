"""Running a foreign program with a clean environment, and what came of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LONGEST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and all that it said."""

    command: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Whether it ended with status 0."""
        return self.status == 0

    @property
    def output(self) -> str:
        """Both streams, one after the other."""
        return self.stdout + self.stderr

    def checked(self) -> Self:
        """Itself when the command succeeded; else ``AssertionError`` with everything it said."""
        if not self.ok:
            raise AssertionError(f"{self}")
        return self

    def __str__(self) -> str:
        return f"$ {' '.join(self.command)}\n{self.stdout}{self.stderr}[status {self.status}]"


def run(command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None) -> Result:
    """Run in ``folder`` with nothing of our environment but what is given; a hang of five minutes is a failure.

    Neither proxies nor a virtual environment nor the user's configuration reach the program: HOME is ``folder``.
    """
    clean = {"PATH": _PATH, "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC", **(environment or {})}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=clean,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        return Result(tuple(command), 127, "", f"{error}\n")
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"") + (error.stderr or b"")
        return Result(tuple(command), 124, said.decode(errors="replace"), f"no end within {_LONGEST_SECONDS} seconds\n")
    return Result(
        tuple(command), done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )


def missing_programs(*programs: str) -> list[str]:
    """Those that this machine does not have."""
    return [program for program in programs if shutil.which(program, path=_PATH) is None]
