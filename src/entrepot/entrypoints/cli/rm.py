"""``rm``: take packages out of distributions."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.client.answers_packages import Deleted
from entrepot.client.api import Client
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import (
    ArchOption,
    DistOption,
    JsonOption,
    NoWaitOption,
    UrlOption,
    YesOption,
    confirm,
    connect,
)
from entrepot.entrypoints.cli.text import PackageName, one_line, package_name, words


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rm")(rm)


def rm(
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(metavar="NAME[=VERSION]", help="Without a version, every version.")],
    dist: DistOption = None,
    arch: ArchOption = None,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Remove a package, or one version of it.

    When the command returns, clients do not see it any more.  Without --dist it leaves every distribution.
    """
    output = Output(as_json=as_json)
    wanted = package_name(package)
    if arch and wanted.version is None:
        raise CommandFailed(
            "--arch chooses among files of one version", "usage", ExitCode.INVALID, f"give {wanted.name}=VERSION"
        )
    with connect(ctx, url, output, wait=not no_wait) as client:
        if not yes:
            confirm(_question(client, wanted, dist, arch), yes=False)
        body = _delete(client, wanted, dist, arch)
    output.done(body, _told(body, wanted, dist))


def _question(client: Client, wanted: PackageName, dist: str | None, arch: str | None) -> str:
    what = one_line(str(wanted)) + (f" {one_line(arch)}" if arch else "")
    if wanted.version is None:
        versions = words(client.artifact(wanted.name)["versions"])
        what = f"every version of {what} ({versions})"
    return f"Remove {what} from {one_line(dist) if dist else 'every distribution'}?"


def _delete(client: Client, wanted: PackageName, dist: str | None, arch: str | None) -> Deleted:
    if wanted.version is None:
        return client.delete(wanted.name, distribution=dist)
    return client.delete_version(wanted.name, wanted.version, architecture=arch, distribution=dist)


def _told(body: Deleted, wanted: PackageName, dist: str | None) -> str:
    where = words(body.get("distributions")) or (one_line(dist) if dist else "every distribution")
    versions = words(body.get("versions"))
    return f"removed {one_line(str(wanted))}{f' ({versions})' if versions else ''} from {where}"
