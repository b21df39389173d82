"""``sbom``: lists of software."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import typer

from entrepot.client.api import Client
from entrepot.client.wire import Received
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.new_files import new_file
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, DistOption, UrlOption, connect
from entrepot.entrypoints.cli.text import one_line, package_name, size


class Format(StrEnum):
    """Of the document."""

    CYCLONEDX = "cyclonedx"
    SPDX = "spdx"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sbom")(sbom)


def sbom(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(metavar="[NAME[=VERSION]]", help="Without a version, the newest.")] = "",
    version: Annotated[str, typer.Argument(metavar="[VERSION]", help="The same in a word of its own.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All that is published, or a distribution.")] = False,
    format_: Annotated[Format, typer.Option("--format", "-f", help="Kind of document.")] = Format.CYCLONEDX,
    file: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Else it is printed.")] = None,
    dist: DistOption = None,
    arch: ArchOption = None,
    force: Annotated[bool, typer.Option("--force", help="Over a file that is there.")] = False,
    url: UrlOption = None,
) -> None:
    """Write what a package or everything consists of: CycloneDX or SPDX.

    A package stands there with its hashes and licence, the libraries that it carries inside, and the packages of its
    distribution that it needs.
    """
    output = Output()
    if everything == bool(package):
        raise CommandFailed("name a package, or give --all", "usage", ExitCode.INVALID)
    if file is not None and file.exists() and not force:
        raise CommandFailed(f"{file} is there already", "file_exists", ExitCode.CONFLICT, "give --force")
    with connect(ctx, url, output) as client:
        name, number = ("", "") if everything else _chosen(client, package, version)

        def write(target: BinaryIO) -> Received:
            if everything:
                return client.sbom.export(target, format_=format_.value, distribution=dist)
            return client.sbom.package(
                target, name, number, format_=format_.value, architecture=arch, distribution=dist
            )

        if file is None:
            write(cast("BinaryIO", _Printed()))
            return
        with new_file(file) as part, part.open("wb") as target:
            done = write(target)
    output.line(f"{file} ({size(done.size_bytes)})")


class _Printed:
    """Documents are ASCII, so that any piece of one is text."""

    def write(self, data: bytes) -> None:
        sys.stdout.write(data.decode("ascii", "replace"))


def _chosen(client: Client, package: str, version: str) -> tuple[str, str]:
    wanted = package_name(package)
    given = version or wanted.version
    if given:
        return wanted.name, given
    rows = client.versions.all(wanted.name)["versions"]
    if not rows:
        raise CommandFailed(f"there is no package {one_line(wanted)}", "not_found", ExitCode.NOT_FOUND)
    return wanted.name, rows[0]["version"]
