"""``env``: names under which machines see snapshots, moved in one step and back."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from entrepot.client.answers_snapshots import MovePlan, ShownSnapshot
from entrepot.client.snapshots import Aim
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line
from entrepot.entrypoints.cli.walks import pages

_PER_PAGE = 200
_MOST_LINES = 40
EnvironmentArgument = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Name of the environment.")]
SnapshotsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[DISTRIBUTION@SNAPSHOT...]", help="Where to point.")
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="ENVIRONMENT", help="What this one shows, instead.")]
OnlyOption = Annotated[list[str] | None, typer.Option("--only", metavar="DISTRIBUTION", help="With --from; repeat.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why; kept in the history.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    environments = Commands(no_args_is_help=True, help="Names under which machines see snapshots.")
    environments.command("ls")(ls)
    environments.command("create")(create)
    environments.command("plan")(plan)
    environments.command("point")(point)
    environments.command("rollback")(rollback)
    environments.command("history")(history)
    environments.command("rm")(rm)
    app.add_typer(environments, name="env")


def ls(ctx: typer.Context, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """List environments and what they show."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.environments.all()
    if as_json:
        output.json(body)
    elif not body["environments"]:
        output.note("no environments")
    else:
        output.table(
            ("ENVIRONMENT", "PROTECTED", "SHOWS", "SINCE (UTC)", "BY"),
            (
                (one["name"], "yes" if one["protected"] else "no", *columns)
                for one in body["environments"]
                for columns in (
                    [(_shown(row), moment(row["moved_at"]), row["moved_by"]) for row in one["distributions"]]
                    or [("nothing", "-", "-")]
                )
            ),
        )


def create(
    ctx: typer.Context,
    name: EnvironmentArgument,
    protected: Annotated[bool, typer.Option("--protected", help="Only administrators move it.")] = False,
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="For those who ask.")] = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Make an environment.  Needs the role admin."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.environments.create(name, description, protected=protected)
    if as_json:
        output.json(body)
    else:
        output.line(f"environment {one_line(body['name'])}; below every archive at env/{one_line(body['name'])}/")


def plan(
    ctx: typer.Context,
    name: EnvironmentArgument,
    snapshots: SnapshotsArgument = None,
    source: FromOption = None,
    only: OnlyOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what a move would change, and what speaks against it."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.environments.plan(name, snapshots or [], **_aim(source, only))
    if as_json:
        output.json(body)
    else:
        _print(output, body)


def point(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    name: EnvironmentArgument,
    snapshots: SnapshotsArgument = None,
    source: FromOption = None,
    only: OnlyOption = None,
    reason: ReasonOption = "",
    override: Annotated[bool, typer.Option("--override", help="Although it does harm; needs a reason.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Move an environment; machines see it with their next request."""
    output = Output(as_json=as_json)
    aim = _aim(source, only)
    aim["reason"], aim["override"] = reason, override
    with connect(ctx, url, output) as client:
        body = client.environments.point(name, snapshots or [], **aim)
    if as_json:
        output.json(body)
    else:
        _print(output, body)
        output.line(f"{one_line(name)} {body['status']}")


def rollback(
    ctx: typer.Context,
    name: EnvironmentArgument,
    only: Annotated[
        str | None, typer.Option("--only", metavar="DISTRIBUTION", help="Else all that moved last.")
    ] = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show again what was shown before the last move."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.environments.roll_back(name, only, reason)
    if as_json:
        output.json(body)
        return
    for row in body["distributions"]:
        output.line(f"{one_line(name)} shows {one_line(_shown(row))}")


def history(
    ctx: typer.Context,
    name: EnvironmentArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 50,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List where an environment was pointed to, the newest first."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        rows = list(islice(pages(lambda n: client.environments.history(name, None, n, _PER_PAGE)), limit))
    if as_json:
        output.json({"total": len(rows), "items": rows})
    else:
        output.table(
            ("WHEN (UTC)", "SHOWS", "BY", "WHY"),
            (
                (
                    moment(row["moved_at"]),
                    f"{row['distribution']}@{row['snapshot']['name']}"
                    if row["snapshot"]
                    else f"no {row['distribution']}",
                    row["moved_by"],
                    row["reason"],
                )
                for row in rows
            ),
        )


def rm(
    ctx: typer.Context,
    name: EnvironmentArgument,
    only: Annotated[str | None, typer.Option("--only", metavar="DISTRIBUTION", help="Take this one out.")] = None,
    reason: ReasonOption = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Remove an environment that shows nothing, or take one distribution out of it."""
    output = Output(as_json=as_json)
    what = f"take {one_line(only)} out of {one_line(name)}" if only else f"remove the environment {one_line(name)}"
    confirm(what, yes=yes)
    with connect(ctx, url, output) as client:
        if only:
            client.environments.take_out(name, only, reason)
        else:
            client.environments.remove(name)
    if as_json:
        output.json({"status": "removed", "name": name})
    else:
        output.line(f"done: {what}")


def _shown(row: ShownSnapshot) -> str:
    snapshot = row["snapshot"]
    return f"no {row['distribution']}" if snapshot is None else f"{row['distribution']}@{snapshot['name']}"


def _aim(source: str | None, only: list[str] | None) -> Aim:
    aim: Aim = {}
    if source:
        aim["source"] = source
    if only:
        aim["distributions"] = only
    return aim


def _print(output: Output, body: MovePlan) -> None:
    for change in body["changes"]:
        difference = change["difference"] or {}
        output.line(f"{one_line(change['distribution'])} -> {one_line(change['to'])}")
        lines = difference.get("changes") or []
        for row in list(lines)[:_MOST_LINES] if isinstance(lines, list) else []:
            versions = " ".join([*row["from_versions"], "->", *row["to_versions"]])
            output.line(f"  {row['change']} {one_line(row['name'])} {row['arch']} {one_line(versions)}")
        for broken in change["would_break"]:
            needs = broken["needs"]
            words = ", ".join(map(str, needs)) if isinstance(needs, list) else ""
            output.line(f"  WOULD BREAK {one_line(str(broken['name']))} {broken['version']}: lacks {one_line(words)}")
        for refused in change["refused"]:
            output.line(f"  WAS REFUSED {one_line(str(refused['name']))} {refused['version']}: {refused['reason']}")
    for codename in body["unchanged"]:
        output.note(f"{one_line(codename)} is shown already")
