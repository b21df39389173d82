"""``entrepot verify``: compare catalog, blobs and published trees, on the server itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify", rich_help_panel="Server")(verify)


def verify(
    data: Annotated[Path | None, typer.Option(help="Folder of database, blobs and keys (ENTREPOT_DATA).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Hash every stored byte, render every index again, and report each difference; changes nothing."""
    from rich.console import Console

    from entrepot.domain.model.actor import SYSTEM
    from entrepot.main import assemble, real_parts
    from entrepot.settings import load_settings

    settings = load_settings(data=data)
    application = assemble(settings, real_parts(settings))
    console = Console(stderr=True)
    try:
        if console.is_terminal and not as_json:
            with console.status("verifying") as status:
                report = application.verifier.verify(SYSTEM, status.update)
        else:
            report = application.verifier.verify(SYSTEM)
    finally:
        application.catalog.close()
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2))
    else:
        for difference in report.differences:
            typer.echo(f"{difference.kind}  {difference.where}  {difference.detail}")
        found = len(report.differences)
        typer.echo(
            f"{report.blobs} packages, {report.generations} generations and {report.files} published files checked: "
            f"{'no difference' if not found else f'{found} difference(s)'}"
        )
    raise typer.Exit(1 if report.differences else 0)
