"""``entrepot serve``: API, content, scheduler and an embedded worker."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve", rich_help_panel="Server")(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free one.", min=0, max=65535)] = 8000,
    data: Annotated[Path | None, typer.Option(help="Folder of database, blobs and keys (ENTREPOT_DATA).")] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            help="Processes; with more than one, one works and the others answer requests (ENTREPOT_PROCESSES).",
            min=1,
            max=64,
        ),
    ] = None,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Do durable work here, or leave it to 'entrepot worker'.")
    ] = True,
) -> None:
    """Run the server: API, repository content, scheduler and an embedded worker."""
    # Imported here: other commands and the parent of several processes should not pay for a web server at each start.
    from entrepot.program import claims
    from entrepot.settings import load_settings

    flags = {"data": data, "processes": processes}
    settings = load_settings(**flags)
    try:
        sock = claims.bind(host, port)
    except OSError as error:
        typer.echo(f"entrepot: cannot listen on {host} port {port}: {error.strerror}", err=True)
        raise typer.Exit(7) from None

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    if settings.processes > 1:
        from entrepot.program.supervision import supervise

        raise typer.Exit(supervise(host, sock, settings, flags, works=worker))
    from entrepot.program import serving

    raise typer.Exit(serving.run(host, sock, settings, works=worker))
