"""``entrepot export``: a state as a plain tree of files, on the server itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.errors import EntrepotError, Kind

if TYPE_CHECKING:
    from entrepot.application import Application
    from entrepot.services.publish.exported import Exported, ExportWish


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", rich_help_panel="Server")(export)


def export(
    state: Annotated[str, typer.Argument(metavar="STATE", help="DIST, DIST@SNAPSHOT, DIST@TIME or DIST@env:NAME.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New, empty, or of an earlier export.")],
    delete_after: Annotated[
        int, typer.Option("--delete-after", metavar="SECONDS", min=0, help="Keep what is not named any more so long.")
    ] = 86_400,
    site: Annotated[
        str, typer.Option("--site", metavar="URL", help="Where clients will find FOLDER; writes their files.")
    ] = "",
    data: Annotated[Path | None, typer.Option(help="Folder of database, blobs and keys (ENTREPOT_DATA).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Write any suite, snapshot or environment as a plain tree for nginx or rsync; again for what changed since.

    Packages are hard links into the store where both are on one file system, so the folder costs little: never
    change a file in it in place.  Clients may read meanwhile.  Run it as the user that the server runs as.
    """
    from entrepot.main import assemble, real_parts
    from entrepot.program.rescue import need_installation
    from entrepot.services.publish.exported import ExportWish
    from entrepot.settings import load_settings

    settings = load_settings(data=data)
    need_installation(settings)
    application = assemble(settings, real_parts(settings))
    try:
        done = _export(application, state, folder, ExportWish(delete_after, site))
    finally:
        application.catalog.close()
    if as_json:
        typer.echo(json.dumps(asdict(done), indent=2))
        return
    typer.echo(
        f"{done.reference} (generation {done.generation}): {done.packages} packages; {done.linked} files linked, "
        f"{done.written} written, {done.there} there already, {done.removed} removed, {done.waiting} removed later"
    )
    for path in done.withheld:
        typer.echo(f"left out, in quarantine: {path}")


def _export(application: Application, state: str, folder: Path, wish: ExportWish) -> Exported:
    from rich.console import Console

    from entrepot.domain.model.actor import SYSTEM
    from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode

    codes = {Kind.NOT_FOUND: ExitCode.NOT_FOUND, Kind.INVALID: ExitCode.INVALID, Kind.CONFLICT: ExitCode.CONFLICT}
    console = Console(stderr=True)
    try:
        if not console.is_terminal:
            return application.exports.export(SYSTEM, state, str(folder), wish)
        with console.status("exporting") as status:

            def told(stage: str, done: int, total: int) -> None:
                status.update(f"{stage} {done}/{total}")

            return application.exports.export(SYSTEM, state, str(folder), wish, told)
    except EntrepotError as error:
        code = codes.get(error.kind, ExitCode.NOT_COMPLETE)
        raise CommandFailed(error.detail, error.code, code) from error
