"""Foreign words made fit for a terminal, sizes, and ``NAME=VERSION``."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_MOST_CHARACTERS = 2000
_STEPS = ("B", "KiB", "MiB", "GiB", "TiB")


def one_line(value: object) -> str:
    """Text from a server or a package on one line, without control, format and surrogate characters.

    What a package says about itself could otherwise move the cursor or set the colour of the terminal.
    """
    text = str(value)
    shown = (" " if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else char for char in text)
    return " ".join("".join(shown)[:_MOST_CHARACTERS].split())


def size(count: object) -> str:
    """Bytes as a person reads them."""
    if not isinstance(count, int):
        return ""
    amount, step = float(count), 0
    while amount >= 1024 and step < len(_STEPS) - 1:
        amount, step = amount / 1024, step + 1
    return f"{count} B" if step == 0 else f"{amount:.1f} {_STEPS[step]}"


def moment(value: object, *, zone: bool = False) -> str:
    """An ISO 8601 time in UTC to the minute, as the API has no others."""
    return one_line(value)[:16].replace("T", " ") + (" UTC" if zone else "") if value else ""


def counted(count: int, noun: str) -> str:
    """A number and what it counts, with an s where there is not one."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def words(value: object) -> str:
    """A list of words, separated by spaces."""
    return " ".join(one_line(word) for word in value) if isinstance(value, list) else ""


@dataclass(frozen=True, slots=True)
class PackageName:
    """``NAME`` or ``NAME=VERSION``, as apt writes it."""

    name: str
    version: str | None

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name} {self.version}"


def package_name(argument: str) -> PackageName:
    """Read ``NAME[=VERSION]``; an empty part is left for the caller to refuse."""
    name, equals, version = argument.partition("=")
    return PackageName(name, version if equals else None)
