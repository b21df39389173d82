"""``health``: how the server is."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from entrepot.entrypoints.cli.failures import ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import one_line


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("health")(health)


def health(
    ctx: typer.Context,
    probe: Annotated[
        Literal["live", "ready"] | None, typer.Option("--probe", help="Ask only whether it is alive, or ready.")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show how the server is.

    Exits 7 when it cannot serve; degraded is shown and exits 0.  Needs no session; with one, details are shown.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.health(probe or "")
    if as_json:
        output.json(body)
    else:
        output.fields({"server": client.base_url, "status": body["status"], "version": body.get("version")})
        output.line()
        details = body.get("checks")
        components = body.get("components") or (details if isinstance(details, dict) else {})
        output.table(
            ("COMPONENT", "STATE", "DETAIL"),
            ((name, state, _detail(details, name)) for name, state in components.items()),
        )
    if body["status"] in {"error", "not_ready"}:
        raise typer.Exit(ExitCode.NOT_COMPLETE)


def _detail(details: object, name: str) -> str:
    entry = details.get(name) if isinstance(details, dict) else None
    return one_line(entry.get("detail") or "") if isinstance(entry, dict) else ""
