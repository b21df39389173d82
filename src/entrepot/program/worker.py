"""``entrepot worker``: durable work for servers that share the database and the storage."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker", rich_help_panel="Server")(worker)


def worker(
    data: Annotated[Path | None, typer.Option(help="Folder of keys and blobs (ENTREPOT_DATA).")] = None,
) -> None:
    """Run a worker beside one or more 'entrepot serve --no-worker' on the same PostgreSQL database."""
    import structlog

    from entrepot.main import assemble, real_parts, start, stop
    from entrepot.program import logs
    from entrepot.settings import load_settings

    settings = load_settings(data=data)
    logs.configure(settings.log_level, settings.log_format)
    if settings.catalog_url.startswith("sqlite"):
        typer.echo(
            "entrepot: a separate worker needs PostgreSQL (ENTREPOT_DATABASE_URL); with the embedded database "
            "'entrepot serve' works itself",
            err=True,
        )
        raise typer.Exit(2)
    application = assemble(settings, real_parts(settings))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    start(application, works=True)
    structlog.get_logger(__name__).info("worker.ready", node=settings.node_name)
    try:
        ended.wait()
    finally:
        stop(application)
