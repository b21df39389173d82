"""What a command prints: JSON, tables for people, tab-separated lines for pipes; notes go to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from entrepot.entrypoints.cli.text import one_line

_COLOURS = {
    "published": "green",
    "validated": "green",
    "ok": "green",
    "healthy": "green",
    "ready": "green",
    "clean": "green",
    "sent": "green",
    "approved": "green",
    "publishing": "yellow",
    "pending": "yellow",
    "waiting": "yellow",
    "waits": "yellow",
    "pending_review": "yellow",
    "degraded": "yellow",
    "rejected": "red",
    "quarantined": "red",
    "blocked": "red",
    "failed": "red",
    "missing": "red",
    "error": "red",
    "unhealthy": "red",
}

_NUMBERS = {"SIZE", "PACKAGES", "MEMBERS", "PERMISSIONS", "TRIES"}
_WHOLE = {"ARCHIVE", "FINGERPRINT", "CODENAME", "FORMAT", "SIZE", "STATUS"}


Row = TypeVar("Row")


class Output:
    """Standard output and standard error of one command.  Colours follow the terminal and ``NO_COLOR``."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.console = Console(highlight=False, markup=False, emoji=False)
        self.errors = Console(stderr=True, highlight=False, markup=False, emoji=False)

    def json(self, body: object) -> None:
        """One document; ASCII only, so that nothing in it can act on a terminal."""
        sys.stdout.write(json.dumps(body, indent=2) + "\n")

    def json_line(self, body: object) -> None:
        """One of many documents, in a line, shown now."""
        sys.stdout.write(json.dumps(body) + "\n")
        sys.stdout.flush()

    def done(self, body: object, text: str) -> None:
        """What a command did: the API's document, or a line for people."""
        if self.as_json:
            self.json(body)
        else:
            self.line(text)

    def listing(
        self,
        body: object,
        rows: Sequence[Row],
        columns: Sequence[str],
        cells: Callable[[Row], Sequence[object]],
        *,
        ids: Callable[[Row], str] | None = None,
        none: str = "",
    ) -> None:
        """A list in the form that was asked for: the API's document, identifiers alone, or a table.

        ``none`` is remarked where there are no rows.
        """
        if self.as_json:
            self.json(body)
        elif self.quiet and ids is not None:
            self.ids(map(ids, rows))
        elif none and not rows:
            self.note(none)
        else:
            self.table(columns, map(cells, rows))

    def ids(self, ids: Iterable[str]) -> None:
        """One per line, each once."""
        for each in dict.fromkeys(ids):
            sys.stdout.write(one_line(each) + "\n")

    def line(self, text: str = "") -> None:
        """A line as it is, never wrapped: it may be copied and run."""
        if self.console.is_terminal:
            self.console.print(Text(text), soft_wrap=True)
        else:
            sys.stdout.write(text + "\n")

    def verdict(self, word: str, text: str) -> None:
        """A line that begins with a status."""
        if self.console.is_terminal:
            shown = Text(f"{word:<9}  ", style=_COLOURS.get(word, ""))
            self.console.print(shown.append(text, style="default not bold"), soft_wrap=True)
        else:
            sys.stdout.write(f"{word}\t{text}\n")

    def note(self, text: str) -> None:
        """A remark for the person, apart from the output."""
        self.errors.print(Text(text), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Rows with a heading on a terminal; without one, whole and tab-separated, in a pipe."""
        cleaned = [[one_line(cell) for cell in row] for row in rows]
        if not self.console.is_terminal:
            sys.stdout.writelines("\t".join(row) + "\n" for row in cleaned)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(
                column,
                overflow="fold",
                no_wrap=column in _WHOLE,
                justify="right" if column in _NUMBERS else "left",
            )
        for row in cleaned:
            table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
        self.console.print(table)

    def fields(self, fields: Mapping[str, object]) -> None:
        """Names and values, those without a value left out."""
        shown = {name: one_line(value) for name, value in fields.items() if value not in (None, "", [])}
        if not self.console.is_terminal:
            sys.stdout.writelines(f"{name}\t{value}\n" for name, value in shown.items())
            return
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in shown.items():
            table.add_row(name, Text(value, style=_COLOURS.get(value, "")))
        self.console.print(table)
