"""``token``: credentials for programs."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line, words


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    tokens = Commands(no_args_is_help=True, help="API tokens, for programs.")
    tokens.command("ls")(ls)
    tokens.command("create")(create)
    tokens.command("revoke")(revoke)
    app.add_typer(tokens, name="token")


def ls(
    ctx: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print ids only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List tokens; never their secrets."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.people.api_tokens()
    output.listing(
        body,
        body["tokens"],
        ("NAME", "ROLE", "ENDS WITH", "FOR", "LAST USED (UTC)", "EXPIRES (UTC)", "STATE"),
        lambda row: (
            row["name"],
            row["role"],
            row.get("hint") or "",
            words(row.get("distributions")) or "all",
            moment(row.get("last_used")) or "never",
            moment(row.get("expires_at")) or "never",
            "revoked" if row.get("revoked") else "live",
        ),
        ids=lambda row: row["id"],
        none="no tokens",
    )


def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, such as ci-myapp.")],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="Never more than your own.")] = "uploader",
    dist: Annotated[
        list[str] | None, typer.Option("--dist", "-d", metavar="DIST", help="Only for this one; may be repeated.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", metavar="N", min=1, help="Until when; else for ever.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Make a token and print its secret, which is shown this once.

    A program sends it as ENTREPOT_TOKEN, or as 'Authorization: Bearer'.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.people.create_api_token(name, role, distributions=dist, expires_days=days)
    if as_json:
        output.json(body)
        return
    output.note(f"token {one_line(body['name'])} ({one_line(body['role'])}); keep it now, it is not shown again")
    output.line(body["token"])


def revoke(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(metavar="NAME|ID", help="As 'token ls' names it.")],
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """End a token at once."""
    output = Output(as_json=as_json)
    confirm(f"Revoke the token {one_line(token)}?", yes=yes)
    with connect(ctx, url, output) as client:
        body = client.people.revoke_api_token(token)
    output.done(body, f"revoked {one_line(token)}")
