"""``pin``: versions that retention leaves alone."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import one_line, package_name, words


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("pin")(pin)


def pin(
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(metavar="NAME=VERSION", help="The version that has to stay.")],
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, for those who ask later.")] = "",
    off: Annotated[bool, typer.Option("--off", help="Take the pin off again.")] = False,
    arch: ArchOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Keep a version from retention, or let it go again.

    A pin holds in every distribution.  It does not keep people from removing the version.  Needs the role maintainer.
    """
    output = Output(as_json=as_json)
    wanted = package_name(package)
    if not wanted.version:
        raise CommandFailed("a pin is on one version", "usage", ExitCode.INVALID, f"give {wanted.name}=VERSION")
    with connect(ctx, url, output) as client:
        if off:
            body = client.retention.unpin(wanted.name, wanted.version, architecture=arch)
        else:
            body = client.retention.pin(wanted.name, wanted.version, architecture=arch, reason=reason)
    output.done(body, f"{body['status']} {one_line(str(wanted))} ({words(body.get('architectures'))})")
