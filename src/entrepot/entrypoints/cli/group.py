"""``group``: accounts that share a role."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line

GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="Name of the group.")]
UsersArgument = Annotated[list[str], typer.Argument(metavar="USER...", help="User names.")]
RoleOption = Annotated[
    str | None, typer.Option("--role", metavar="ROLE", help="Of all its members; a custom one, too; '' for none.")
]
TextOption = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="For people.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    groups = Commands(no_args_is_help=True, help="Groups of accounts that share a role.")
    groups.command("ls")(ls)
    groups.command("show")(show)
    groups.command("add")(add)
    groups.command("set")(change)
    groups.command("join")(join)
    groups.command("leave")(leave)
    groups.command("rm")(rm)
    app.add_typer(groups, name="group")


def ls(
    ctx: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print names only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List groups."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.groups.all()
    output.listing(
        body,
        body["groups"],
        ("GROUP", "ROLE", "MEMBERS", "DESCRIPTION"),
        lambda row: (row["name"], row["default_role"] or "none", row["member_count"], row["description"]),
        ids=lambda row: row["name"],
        none="no groups",
    )


def show(
    ctx: typer.Context,
    group: GroupArgument,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the user names of its members only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show who is in a group."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.groups.members(group)
    output.listing(
        body,
        body["members"],
        ("NAME", "FULL NAME", "STATE", "SINCE (UTC)", "TAKEN IN BY"),
        lambda row: (
            row["username"],
            row["full_name"],
            "active" if row["active"] else "off",
            moment(row["added_at"]),
            row["added_by"],
        ),
        ids=lambda row: row["username"],
        none="no members",
    )


def add(
    ctx: typer.Context,
    group: GroupArgument,
    role: RoleOption = None,
    description: TextOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Create a group."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.groups.create(group, default_role=role or None, description=description)
    output.done(body, f"created {one_line(group)} (role: {one_line(body['group']['default_role'] or 'none')})")


def change(
    ctx: typer.Context,
    group: GroupArgument,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Another name.")] = None,
    role: RoleOption = None,
    description: TextOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Change a group; another role holds for all members from their next request on."""
    output = Output(as_json=as_json)
    if name is None and role is None and description is None:
        raise CommandFailed("nothing to change", "usage", ExitCode.INVALID, "give --name, --role or --description")
    with connect(ctx, url, output) as client:
        body = client.groups.change(group, name=name, default_role=role, description=description)
    if as_json:
        output.json(body)
    else:
        found = body["group"]
        output.line(f"{one_line(found['name'])} has the role {one_line(found['default_role'] or 'none')}")


def join(ctx: typer.Context, group: GroupArgument, users: UsersArgument, url: UrlOption = None) -> None:
    """Take accounts into a group."""
    output = Output()
    with connect(ctx, url, output) as client:
        for user in users:
            client.groups.add_member(group, user)
            output.line(f"{one_line(user)} is in {one_line(group)}")


def leave(ctx: typer.Context, group: GroupArgument, users: UsersArgument, url: UrlOption = None) -> None:
    """Take accounts out of a group."""
    output = Output()
    with connect(ctx, url, output) as client:
        for user in users:
            client.groups.remove_member(group, user)
            output.line(f"{one_line(user)} is out of {one_line(group)}")


def rm(ctx: typer.Context, group: GroupArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Remove a group; its members stay, without what they had through it."""
    output = Output()
    confirm(f"Remove the group {one_line(group)}?", yes=yes)
    with connect(ctx, url, output) as client:
        client.groups.remove(group)
    output.line(f"removed {one_line(group)}")
