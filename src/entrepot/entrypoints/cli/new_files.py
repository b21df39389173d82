"""Files that have their name only once they are whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A file beside it that takes its name when everything went well, and is gone otherwise."""
    try:
        handle, text = tempfile.mkstemp(dir=path.parent, prefix=".entrepot-")
        os.close(handle)
    except OSError as error:
        raise CommandFailed(
            f"{path.parent} cannot be written: {error.strerror}", "bad_file", ExitCode.INVALID
        ) from None
    name = Path(text)
    try:
        yield name
        name.chmod(0o666 & ~_mask())
        name.replace(path)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}", "bad_file", ExitCode.INVALID) from None
    finally:
        name.unlink(missing_ok=True)


def _mask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
