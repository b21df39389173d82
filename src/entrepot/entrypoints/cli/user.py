"""``user``: accounts of people."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.passwords import new_password
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="User name.")]
RoleOption = Annotated[
    str | None,
    typer.Option("--role", metavar="ROLE", help="reader, uploader, auditor, maintainer, admin, or a custom role."),
]
PipeOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from a pipe.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    users = Commands(no_args_is_help=True, help="Accounts of people.")
    users.command("ls")(ls)
    users.command("add")(add)
    users.command("set")(change)
    users.command("passwd")(passwd)
    users.command("mfa-reset")(mfa_reset)
    users.command("rm")(rm)
    app.add_typer(users, name="user")


def ls(
    ctx: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print names only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List accounts."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.people.users()
    output.listing(
        body,
        body["users"],
        ("NAME", "ROLE", "FULL NAME", "STATE", "LAST SIGN-IN (UTC)"),
        lambda row: (
            row["username"],
            row["role"],
            row.get("full_name") or "",
            "active" if row.get("active") else "off",
            moment(row.get("last_login")) or "never",
        ),
        ids=lambda row: row["username"],
    )


def add(
    ctx: typer.Context,
    name: NameArgument,
    role: RoleOption = None,
    full_name: Annotated[str, typer.Option("--full-name", metavar="TEXT", help="For people.")] = "",
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS", help="Mail address.")] = "",
    password_stdin: PipeOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Create an account; a reader unless --role says otherwise."""
    output = Output(as_json=as_json)
    password = new_password(from_pipe=password_stdin)
    with connect(ctx, url, output) as client:
        body = client.people.create_user(name, password, role=role or "reader", full_name=full_name, email=email)
    output.done(body, f"created {one_line(body['username'])} ({one_line(body['role'])})")


def change(
    ctx: typer.Context,
    name: NameArgument,
    role: RoleOption = None,
    active: Annotated[bool | None, typer.Option("--on/--off", help="May sign in, or may not.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Change the role of an account, or switch it on or off; it holds from the next request on."""
    output = Output(as_json=as_json)
    if role is None and active is None:
        raise CommandFailed("nothing to change", "usage", ExitCode.INVALID, "give --role, --on or --off")
    with connect(ctx, url, output) as client:
        body = client.people.change_user(name, role=role, active=active)
    if as_json:
        output.json(body)
    else:
        state = "active" if body.get("active") else "off"
        output.line(f"{one_line(body['username'])} is {one_line(body['role'])}, {state}")


def passwd(ctx: typer.Context, name: NameArgument, password_stdin: PipeOption = False, url: UrlOption = None) -> None:
    """Give an account a new password; its sessions end, and it is no longer locked."""
    output = Output()
    password = new_password(from_pipe=password_stdin)
    with connect(ctx, url, output) as client:
        client.people.reset_password(name, password)
    output.line(f"{one_line(name)} has a new password")


def mfa_reset(ctx: typer.Context, name: NameArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Take away the second factor of an account, for somebody whose phone is gone."""
    output = Output()
    confirm(f"Take away the second factor of {one_line(name)}?", yes=yes)
    with connect(ctx, url, output) as client:
        client.people.remove_second_factor(name)
    output.line(f"{one_line(name)} signs in with the password only")


def rm(
    ctx: typer.Context, name: NameArgument, yes: YesOption = False, as_json: JsonOption = False, url: UrlOption = None
) -> None:
    """Remove an account; its sessions end and its tokens are revoked."""
    output = Output(as_json=as_json)
    confirm(f"Remove the account {one_line(name)}?", yes=yes)
    with connect(ctx, url, output) as client:
        body = client.people.remove_user(name)
    output.done(body, f"removed {one_line(name)}")
