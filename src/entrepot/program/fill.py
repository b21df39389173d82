"""``entrepot fill-mirror``: a mirror takes its files from a folder of this machine in place of the network."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from entrepot.errors import AlreadyRunning, EntrepotError, InvalidRequest, Kind

if TYPE_CHECKING:
    from entrepot.main import Parts
    from entrepot.services.upstream.mirrors.mirroring import MirrorOutcome


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fill-mirror", rich_help_panel="Server")(fill_mirror)


def fill_mirror(
    mirror: Annotated[str, typer.Argument(metavar="MIRROR", help="Its name, as 'mirror ls' shows it.")],
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="As below the URL of its source: dists/ and pool/, repodata/."),
    ],
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help="Also when most packages are gone.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder of database, blobs and keys (ENTREPOT_DATA).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Fill a mirror from a folder that debmirror, apt-mirror or rsync has filled, or that a disk has brought.

    Signature, indexes and packages are verified as if they came from the upstream; addresses and bytes stay what they
    are.  The next run fetches only what the folder has not.  Run it as the user that the server runs as.
    """
    import structlog

    from entrepot.main import real_parts
    from entrepot.program.rescue import need_installation
    from entrepot.settings import load_settings

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = load_settings(data=data)
    need_installation(settings)
    parts = real_parts(settings)
    try:
        done = _fill(parts, mirror, folder, accept_loss=accept_loss)
    finally:
        parts.catalog.close()
    tally = done.tally
    if as_json:
        report = {
            "changed": done.changed,
            "files": done.file_count,
            "taken": tally.fetched,
            "bytes": tally.fetched_bytes,
        }
        typer.echo(json.dumps(report))
    else:
        typer.echo(f"{mirror}: {done.file_count} files, {tally.fetched} taken from {folder}")
    for note in done.notes:
        typer.echo(f"note: {note}", err=True)


def _fill(parts: Parts, name: str, folder: Path, *, accept_loss: bool) -> MirrorOutcome:
    from entrepot.domain.model.actor import SYSTEM
    from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
    from entrepot.main.upstream import mirroring_from
    from entrepot.services.upstream.mirrors import MIRROR_JOB
    from entrepot.services.upstream.mirrors.mirroring import Accepted
    from entrepot.services.upstream.mirrors.runs import subject_of

    base = folder.resolve()

    def open_file(path: str) -> BinaryIO | None:
        found = (base / path).resolve()
        if not found.is_relative_to(base) or not found.is_file():
            return None
        try:
            return found.open("rb")
        except OSError as error:
            raise InvalidRequest(f"{found} cannot be read: {error.strerror}") from error

    codes = {Kind.NOT_FOUND: ExitCode.NOT_FOUND, Kind.INVALID: ExitCode.INVALID, Kind.CONFLICT: ExitCode.CONFLICT}
    try:
        with parts.catalog.read() as reading:
            found = reading.mirror_called(name)
            if not reading.suite(found.suite_id).verbatim or found.is_on_demand:
                raise InvalidRequest(
                    f"{name} chooses, or fetches on demand; a folder fills mirrors that have everything"
                )
            if reading.running_job(MIRROR_JOB, subject_of(found)) is not None:
                raise AlreadyRunning(f"{name} is being run; cancel that first, or wait")
        run = mirroring_from(parts, open_file, str(base))
        return run.run(found.id, SYSTEM, lambda *_: None, Accepted(loss=accept_loss))
    except EntrepotError as error:
        code = codes.get(error.kind, ExitCode.REFUSED if error.kind is Kind.UPSTREAM else ExitCode.NOT_COMPLETE)
        raise CommandFailed(error.detail, error.code, code) from error
