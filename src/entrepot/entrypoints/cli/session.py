"""From options, environment and file to a client of one server."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from entrepot.client.api import Client
from entrepot.client.transport import Patience
from entrepot.entrypoints.cli.configuration import ConfigurationFile
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.settings import client_environment

UrlOption = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Server; else $ENTREPOT_URL, else the one signed in to.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the API's own JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoWaitOption = Annotated[
    bool, typer.Option("--no-wait", help="Fail at once when the server limits the rate or is busy.")
]
DistOption = Annotated[str | None, typer.Option("--dist", "-d", metavar="DIST", help="Only in this distribution.")]
ArchOption = Annotated[str | None, typer.Option("--arch", "-a", metavar="ARCH", help="Only this architecture.")]

_WAIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Server:
    """Which server, and as whom."""

    url: str
    token: str | None


def configuration() -> ConfigurationFile:
    """The file of whoever runs the command."""
    return ConfigurationFile(client_environment().config_folder)


def chosen_server(ctx: typer.Context, url: str | None) -> Server:
    """Option over environment over file.  A stored token goes only to the server that issued it.

    Raises:
        CommandFailed: no server is known.
    """
    environment, flag = client_environment(), url or root_url(ctx)
    stored = configuration().load() if not ((flag or environment.url) and environment.token) else None
    known = stored.url if stored else ""
    address = (flag or environment.url or known).rstrip("/")
    if not address:
        raise CommandFailed(
            "no server is known",
            "no_server",
            ExitCode.INVALID,
            "sign in with 'entrepot login URL', set ENTREPOT_URL or give --url",
        )
    token = environment.token
    if not token and stored and address == known:
        token = stored.token
    return Server(address, token or None)


def root_url(ctx: typer.Context) -> str | None:
    """``--url`` given before the command."""
    return getattr(ctx.obj, "url", None)


def connect(ctx: typer.Context, url: str | None, output: Output, *, wait: bool = True) -> Client:
    """A client of the chosen server; close it, or use it in ``with``."""
    server = chosen_server(ctx, url)
    patience = Patience(_WAIT_SECONDS, told=lambda seconds, why: _tell(output, seconds, why)) if wait else None
    return Client(server.url, server.token, patience=patience)


def _tell(output: Output, seconds: float, why: str) -> None:
    output.note(f"waiting {max(1, round(seconds))} s: {why}")


def confirm(question: str, *, yes: bool) -> None:
    """Go on only with a yes.

    Raises:
        CommandFailed: nobody can be asked, or the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandFailed("nobody is there to confirm", "unconfirmed", ExitCode.INVALID, "give --yes")
    if not typer.confirm(question, err=True):
        raise CommandFailed("nothing was changed", "cancelled", ExitCode.UNKNOWN)
