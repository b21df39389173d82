"""``stats``: what was downloaded."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import size


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stats")(stats)


def stats(
    ctx: typer.Context,
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, max=365, help="The last N days, in UTC.")] = 30,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what was downloaded.

    The packages that were fetched most, and by which kinds of clients. A client counts once a day.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.downloads.stats(days)
    if as_json:
        output.json(body)
        return
    summary = body["summary"]
    kinds = sorted(summary["per_client_type"].items(), key=lambda pair: (-pair[1], pair[0]))
    output.fields(
        {
            "days": days,
            "downloads": summary["total_downloads"],
            "sent": size(summary["total_bytes"]),
            "packages": summary["unique_packages"],
            "clients": summary["unique_clients"],
            "by": ", ".join(f"{kind} {count}" for kind, count in kinds if count),
        }
    )
    if not body["per_package"]:
        return
    output.line()
    output.table(
        ("NAME", "FORMAT", "DOWNLOADS", "CLIENTS", "SENT"),
        (
            (row["name"], row["format"], row["downloads"], row["clients"], size(row["bytes"]))
            for row in body["per_package"]
        ),
    )
