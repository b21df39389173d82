"""``role``: what accounts may do, in bundles."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import counted, one_line

RoleArgument = Annotated[str, typer.Argument(metavar="ROLE", help="Name of the role.")]
CodesArgument = Annotated[
    list[str], typer.Argument(metavar="PERMISSION...", help="Such as audit.read; 'role show admin' lists all.")
]
LabelOption = Annotated[str | None, typer.Option("--label", metavar="TEXT", help="Name for people.")]
TextOption = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="For people.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    roles = Commands(no_args_is_help=True, help="Roles: those of the program, and your own.")
    roles.command("ls")(ls)
    roles.command("show")(show)
    roles.command("add")(add)
    roles.command("set")(change)
    roles.command("allow")(allow)
    roles.command("rm")(rm)
    app.add_typer(roles, name="role")


def ls(
    ctx: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print names only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List roles, your own ones last."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.roles.all()
    output.listing(
        body,
        body["roles"],
        ("ROLE", "KIND", "PERMISSIONS", "DESCRIPTION"),
        lambda row: (
            row["name"],
            "built in" if row["is_builtin"] else "custom",
            len(row["permissions"]),
            row["description"] or row["label"],
        ),
        ids=lambda row: row["name"],
    )


def show(ctx: typer.Context, role: RoleArgument, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Show what a role may do, a permission in each line."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.roles.permissions(role)
    if as_json:
        output.json(body)
    elif not body["permissions"]:
        output.note("no permissions")
    else:
        output.ids(body["permissions"])


def add(
    ctx: typer.Context,
    role: RoleArgument,
    permissions: CodesArgument,
    label: LabelOption = None,
    description: TextOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Create a role; then give it with 'user set --role', 'group set --role' or 'token create --role'."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.roles.create(role, permissions, label=label, description=description)
    output.done(body, f"created {one_line(role)} ({counted(len(body['role']['permissions']), 'permission')})")


def change(
    ctx: typer.Context,
    role: RoleArgument,
    label: LabelOption = None,
    description: TextOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Change the texts of a role."""
    output = Output(as_json=as_json)
    if label is None and description is None:
        raise CommandFailed("nothing to change", "usage", ExitCode.INVALID, "give --label or --description")
    with connect(ctx, url, output) as client:
        body = client.roles.change(role, label=label, description=description)
    output.done(body, f"changed {one_line(role)}")


def allow(
    ctx: typer.Context,
    role: RoleArgument,
    permissions: CodesArgument,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Say what a role may do: these permissions and no others, from the next request on."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.roles.set_permissions(role, permissions)
    output.done(body, f"{one_line(role)} may {', '.join(one_line(code) for code in body['permissions'])}")


def rm(ctx: typer.Context, role: RoleArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Remove a role; nobody has it any more."""
    output = Output()
    confirm(f"Remove the role {one_line(role)} from everybody who has it?", yes=yes)
    with connect(ctx, url, output) as client:
        client.roles.remove(role)
    output.line(f"removed {one_line(role)}")
