"""Arguments that have to name a version."""

from __future__ import annotations

from collections.abc import Iterable

from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.text import package_name


def versions_of(arguments: Iterable[str]) -> list[str]:
    """``NAME=VERSION`` each.

    Raises:
        CommandFailed: one of them names no version.
    """
    found = [package_name(argument) for argument in arguments]
    for wanted in found:
        if not wanted.version:
            raise CommandFailed("a version is missing", "usage", ExitCode.INVALID, f"give {wanted.name}=VERSION")
    return [f"{wanted.name}={wanted.version}" for wanted in found]
