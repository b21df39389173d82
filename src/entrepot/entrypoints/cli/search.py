"""``search``: packages by name and description."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from entrepot.client.api import Selection
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, DistOption, JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import one_line, words
from entrepot.entrypoints.cli.walks import pages


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("search")(search)


def search(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of the name.")],
    dist: DistOption = None,
    arch: ArchOption = None,
    format_: Annotated[str, typer.Option("--format", "-f", metavar="deb|rpm", help="Only this format.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 50,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print names only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Find packages: a line for each name, with its newest version.

    'entrepot ls' lists every file of every distribution instead.
    """
    output = Output(as_json=as_json, quiet=quiet)
    selection = Selection(text=text, distribution=dist or "", architecture=arch or "", format=format_)
    with connect(ctx, url, output) as client:
        found = list(islice(pages(lambda number: client.artifacts(selection, number, min(limit, 200))), limit))
    output.listing(
        {"items": found, "total": len(found), "page": 1, "per_page": max(1, len(found)), "pages": 1},
        found,
        ("NAME", "NEWEST", "FORMAT", "IN", "DESCRIPTION"),
        lambda row: (
            row["name"],
            row.get("latest_version"),
            row.get("format"),
            words(row.get("distributions")) or row.get("status"),
            one_line(row.get("description") or ""),
        ),
        ids=lambda row: str(row["name"]),
        none="no packages",
    )
