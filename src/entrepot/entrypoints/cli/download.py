"""``download``: the file of a package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from entrepot.client.answers_versions import VersionRow
from entrepot.client.multipart import Progress as Told
from entrepot.client.wire import Received
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.new_files import new_file
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, DistOption, JsonOption, NoWaitOption, UrlOption, connect
from entrepot.entrypoints.cli.text import PackageName, one_line, package_name, size


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("download")(download)


def download(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(metavar="NAME[=VERSION]", help="Without a version, the newest.")],
    folder: Annotated[Path, typer.Option("--to", "-o", metavar="FOLDER", help="Where to.")] = Path(),
    dist: DistOption = None,
    arch: ArchOption = None,
    force: Annotated[bool, typer.Option("--force", help="Over a file that is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the path only.")] = False,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Fetch the file of a package and check its SHA-256.

    The file has its name once it is whole.
    """
    output = Output(as_json=as_json, quiet=quiet)
    wanted = package_name(package)
    with connect(ctx, url, output, wait=not no_wait) as client:
        row = _chosen(client.versions.all(wanted.name)["versions"], wanted, dist, arch)
        path = folder / _safe(row["filename"])
        if path.exists() and not force:
            raise CommandFailed(f"{path} is there already", "file_exists", ExitCode.CONFLICT, "give --force")
        with new_file(path) as name, name.open("wb") as file, _bar(output, path, row["size_bytes"]) as told:
            done = client.versions.download(
                file, wanted.name, row["version"], architecture=row["arch"], distribution=dist, progress=told
            )
    _tell(output, path, done)


def _chosen(rows: list[VersionRow], wanted: PackageName, dist: str | None, arch: str | None) -> VersionRow:
    """The newest that fits; one file, or it has to be said which."""
    fitting = [
        row
        for row in rows
        if wanted.version in {None, row["version"]}
        and arch in {None, row["arch"]}
        and (dist is None or dist in row["distributions"])
    ]
    if not fitting:
        raise CommandFailed(
            f"there is no such file of {one_line(wanted)}",
            "not_found",
            ExitCode.NOT_FOUND,
            "'entrepot show' lists them",
        )
    newest = [row for row in fitting if row["version"] == fitting[0]["version"]]
    if len(newest) > 1:
        found = " ".join(sorted(one_line(row["arch"]) for row in newest))
        raise CommandFailed(
            f"there are files for several architectures: {found}", "usage", ExitCode.INVALID, "give --arch"
        )
    return newest[0]


def _safe(name: str) -> str:
    shown = one_line(name).replace("\\", "/").rpartition("/")[2].lstrip(".")
    if not shown:
        raise CommandFailed("the server names no file", "bad_answer", ExitCode.NOT_COMPLETE)
    return shown


@contextmanager
def _bar(output: Output, path: Path, size_bytes: int) -> Iterator[Told]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(binary_units=True))
    shown = output.errors.is_terminal and not output.quiet
    with Progress(
        *columns, TransferSpeedColumn(), console=output.errors, disable=not shown, transient=True
    ) as progress:
        task = progress.add_task(path.name, total=size_bytes)
        yield lambda count: progress.advance(task, count)


def _tell(output: Output, path: Path, done: Received) -> None:
    if output.as_json:
        output.json({"path": str(path), "size_bytes": done.size_bytes, "sha256": done.sha256})
    elif output.quiet:
        output.line(str(path))
    else:
        output.line(f"{path} ({size(done.size_bytes)}, SHA-256 {done.sha256})")
