"""From what stands on the command line to package files: names, patterns, folders."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode

_SUFFIXES = (".deb", ".rpm")
_MOST_FILES = 10_000


def package_files(arguments: Sequence[str]) -> list[Path]:
    """Every file that is meant, each once, in the order given; those of a folder by name.

    A file that is named is taken whatever its name is, the server judges it.  Of folders and below them, and of
    patterns, package files are taken; source packages are not.

    Raises:
        CommandFailed: an argument names nothing, or too much.
    """
    found: dict[Path, Path] = {}
    for argument in arguments:
        for path in _meant(argument):
            found.setdefault(path.absolute(), path)
            if len(found) > _MOST_FILES:
                raise CommandFailed(f"more than {_MOST_FILES} files", "usage", ExitCode.INVALID, "push them in parts")
    return list(found.values())


def _meant(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_dir():
        inside = sorted(_below(path))
        if not inside:
            raise CommandFailed(f"there is no .deb or .rpm in {argument}", "no_files", ExitCode.INVALID)
        return inside
    if path.exists() or path.is_symlink():
        return [path]
    if glob.has_magic(argument):
        # Path.glob takes no absolute patterns; and a recursive one would follow links in circles.
        names = glob.iglob(argument)  # noqa: PTH207
        matching = sorted(path for path in map(Path, names) if _is_package(path))
        if matching:
            return matching
        raise CommandFailed(f"no package file matches {argument}", "no_files", ExitCode.INVALID)
    raise CommandFailed(f"there is no file {argument}", "no_files", ExitCode.INVALID)


def _below(folder: Path) -> Iterator[Path]:
    """Links to folders are not followed, so that this ends."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (path for name in names if _is_package(path := Path(place, name)))


def _is_package(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith(_SUFFIXES) and not name.endswith((".src.rpm", ".nosrc.rpm")) and path.is_file()
