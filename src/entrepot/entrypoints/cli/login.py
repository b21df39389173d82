"""``login``, ``logout``, ``whoami``."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

from entrepot.client.api import Client
from entrepot.entrypoints.cli.configuration import Stored
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.passwords import known_password, need_terminal
from entrepot.entrypoints.cli.provider import sign_in as sign_in_at_provider
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, configuration, connect, root_url
from entrepot.entrypoints.cli.text import one_line
from entrepot.settings import client_environment

_USUAL_URL = "http://127.0.0.1:8000"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("login")(login)
    app.command("logout")(logout)
    app.command("whoami")(whoami)


def login(
    ctx: typer.Context,
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="Server, such as https://packages.example.org.")
    ] = None,
    username: Annotated[str | None, typer.Option("--username", "-u", metavar="NAME", help="Instead of asking.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from a pipe.")] = False,
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="Of the second factor, instead of asking.")
    ] = None,
    oidc: Annotated[bool, typer.Option("--oidc", help="At the identity provider, with a browser.")] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="With --oidc: open it, or only print the address.")
    ] = True,
) -> None:
    """Sign in and remember the server.

    An account with a second factor is asked for a code of the app, or a recovery code.

    With --oidc, a browser signs in at the identity provider of the server and hands the session over; if it runs on
    another machine, the code that it shows is pasted here.

    The session is kept in config.toml in $XDG_CONFIG_HOME/entrepot (else ~/.config/entrepot), readable by you only.
    In scripts, set ENTREPOT_URL and ENTREPOT_TOKEN instead.
    """
    output = Output()
    address = url or root_url(ctx) or client_environment().url or configuration().load().url
    if not address:
        need_terminal("the server's address", "give it: entrepot login URL")
        address = typer.prompt("Server", default=_USUAL_URL, err=True)
    if "://" not in address:
        raise CommandFailed(
            f"{address} is not a URL", "invalid_url", ExitCode.INVALID, f"begin with the scheme: https://{address}"
        )
    with Client(address) as client:
        _warn_unencrypted(client.base_url, output)
        if oidc:
            name, answer = "", sign_in_at_provider(client, output, browser=browser)
        else:
            name = username or _asked_name()
            answer = client.sign_in(name, known_password(from_pipe=password_stdin))
        if not answer["access_token"]:
            answer = client.send_code(answer.get("mfa_token", ""), code or _asked_code())
    token = answer["access_token"] or ""
    if oidc:
        with Client(address, token) as client:
            name = client.me()["username"]
    file = configuration()
    file.store(Stored(client.base_url, name, token))
    minutes = int(answer.get("expires_in", 0)) // 60
    lasts = f"; the session lasts {minutes} minutes" if minutes else ""
    output.note(f"signed in to {client.base_url} as {one_line(name)}{lasts}")
    if client_environment().token:
        output.note("note: ENTREPOT_TOKEN is set and wins over this session")


def _warn_unencrypted(url: str, output: Output) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        output.note("warning: http is not encrypted; the password can be read on its way")


def _asked_code() -> str:
    need_terminal("the code of the second factor", "give it with --code; programs use an API token: ENTREPOT_TOKEN")
    return str(typer.prompt("Code of the second factor", err=True))


def _asked_name() -> str:
    need_terminal("the user name", "give it with --username")
    return str(typer.prompt("User name", err=True))


def logout() -> None:
    """Forget the session.

    The server's address is kept.  ENTREPOT_TOKEN is not affected.
    """
    output = Output()
    file = configuration()
    output.note(f"the session in {file.path} is forgotten" if file.forget_token() else "no session was stored")


def whoami(ctx: typer.Context, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show who is signed in, and where."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        profile = client.me()
    if as_json:
        output.json(profile)
        return
    output.fields(
        {
            "user": profile["username"],
            "roles": " ".join(profile.get("roles") or [str(profile.get("role", ""))]),
            "name": profile.get("full_name"),
            "mail": profile.get("email"),
            "server": client.base_url,
        }
    )
