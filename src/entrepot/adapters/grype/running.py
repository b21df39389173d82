"""Another program, once: no shell, few variables, its output in a file of a bounded size, ended with its children."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from entrepot.adapters.grype.base import EngineFailed, EngineMissing

_TOLD_BYTES = 1 << 20
_SHOWN_CHARACTERS = 400
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.005, 0.1
_MAY_BE_READ = 0o600


@dataclass(frozen=True, slots=True)
class Ended:
    """``code`` is negative for a signal; ``told`` is the last of what it said on its second channel, for people."""

    code: int
    output: bytes
    told: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run may cost."""

    seconds: float
    output_bytes: int


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path, bounds: Bounds) -> Ended:
    """Run it in a folder, where its output goes to files: nobody waits for a pipe that a child keeps open.

    Raises:
        EngineMissing: there is no such program.
        EngineFailed: it cannot be run, took too long, or printed too much.
    """
    name = Path(command[0]).name
    with _file(folder / "output") as output, _file(folder / "told") as told:
        try:
            process = subprocess.Popen(
                list(command),
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=told,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise EngineMissing(f"the program {name} cannot be found; see ENTREPOT_GRYPE") from None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise EngineFailed(f"the program {name} cannot be run: {why}") from None
        try:
            fault = _wait(process.pid, output, told, bounds)
        finally:
            # Its number stays its own until it is waited for: no stranger can be hit.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if fault:
            raise EngineFailed(f"{name} {fault}")
        output.seek(0)
        return Ended(process.returncode, output.read(bounds.output_bytes), _last_words(told))


def _file(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MAY_BE_READ), "w+b")


def _wait(number: int, output: BinaryIO, told: BinaryIO, bounds: Bounds) -> str:
    """Until it ends by itself, or why it has to be ended.  What it leaves behind is not waited for."""
    ends, pause = time.monotonic() + bounds.seconds, _FIRST_PAUSE_SECONDS
    while True:
        over = os.waitid(os.P_PID, number, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        if _size(output) > bounds.output_bytes:
            return f"printed more than {bounds.output_bytes >> 20} MiB"
        if _size(told) > _TOLD_BYTES:
            return "complained more than anybody reads"
        if over:
            return ""
        if time.monotonic() >= ends:
            return f"did not end within {bounds.seconds:.0f} seconds"
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _last_words(file: BinaryIO) -> str:
    file.seek(max(0, _size(file) - 4 * _SHOWN_CHARACTERS))
    text = file.read().decode("utf-8", "replace")
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[-_SHOWN_CHARACTERS:]
