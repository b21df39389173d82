"""``ls``: packages in distributions."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from entrepot.client.answers_packages import PackageRow
from entrepot.client.api import Selection
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, DistOption, JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import size


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ls")(ls)


def ls(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Part of the name.", show_default=False)] = "",
    dist: DistOption = None,
    arch: ArchOption = None,
    format_: Annotated[str, typer.Option("--format", "-f", metavar="deb|rpm", help="Only this format.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 100_000,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print NAME=VERSION only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List packages.

    In a pipe the columns are separated by tabs and have no heading: name, version, architecture, distribution, size,
    status.
    """
    output = Output(as_json=as_json, quiet=quiet)
    selection = Selection(text=text, distribution=dist or "", architecture=arch or "", format=format_)
    with connect(ctx, url, output) as client:
        found = list(islice(client.all_packages(selection), limit))
    output.listing(
        _envelope(found),
        found,
        ("NAME", "VERSION", "ARCH", "DISTRIBUTION", "SIZE", "STATUS"),
        lambda row: (
            row.get("name"),
            row.get("version"),
            row.get("arch"),
            row.get("distribution"),
            size(row.get("size_bytes")),
            row.get("status"),
        ),
        ids=lambda row: f"{row.get('name')}={row.get('version')}",
        none="no packages",
    )


def _envelope(found: list[PackageRow]) -> dict[str, object]:
    """The API's page, as if all of them had fitted on one."""
    return {
        "items": found,
        "packages": [row.get("filename") for row in found],
        "total": len(found),
        "page": 1,
        "per_page": max(1, len(found)),
        "pages": 1 if found else 0,
    }
