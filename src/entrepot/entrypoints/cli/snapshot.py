"""``snapshot``: states that are kept; ``diff``: what differs between two of them."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer

from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.progress import watched
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line, size
from entrepot.entrypoints.cli.walks import pages

_PER_PAGE = 200
_STATE = "DISTRIBUTION, DISTRIBUTION@SNAPSHOT, @TIME (20261121T200000Z) or @env:NAME."
DistributionArgument = Annotated[str, typer.Argument(metavar="DISTRIBUTION", help="Codename.")]
StateArgument = Annotated[str, typer.Argument(metavar="STATE", help=_STATE)]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the snapshot.")]


class Rule(StrEnum):
    """What ``merge`` takes."""

    LATEST = "latest"
    FIRST = "first"
    ALL = "all"


_SIGNS = {"added": "+", "removed": "-", "upgraded": "^", "downgraded": "v", "changed": "~"}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    snapshots = Commands(no_args_is_help=True, help="States of distributions that are kept under a name.")
    snapshots.command("ls")(ls)
    snapshots.command("create")(create)
    snapshots.command("merge")(merge)
    snapshots.command("show")(show)
    snapshots.command("rm")(rm)
    app.add_typer(snapshots, name="snapshot")
    app.command("diff")(diff)


def ls(
    ctx: typer.Context,
    distribution: Annotated[str | None, typer.Argument(metavar="[DISTRIBUTION]", help="Of this one only.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 1000,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List snapshots, the newest first."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        rows = list(islice(pages(lambda number: client.snapshots.all(distribution, number, _PER_PAGE)), limit))
    if as_json:
        output.json({"total": len(rows), "items": rows})
    elif not rows:
        output.note("no snapshots")
    else:
        output.table(
            ("DISTRIBUTION", "NAME", "PACKAGES", "SIZE", "FROZEN (UTC)", "SHOWN IN", "CONTENT"),
            (
                (
                    row["distribution"],
                    row["name"],
                    row["packages"],
                    size(row["size_bytes"]),
                    moment(row["created_at"]),
                    ", ".join(row["shown_in"]) or "-",
                    row["content_id"][:12],
                )
                for row in rows
            ),
        )


def create(
    ctx: typer.Context,
    state: StateArgument,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Else it is named after the time.")] = None,
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="For those who ask later.")] = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Keep a state under a name; nothing is copied.  Needs the role maintainer."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.snapshots.freeze(state, name, description)
    if as_json:
        output.json(body)
    else:
        output.line(
            f"{one_line(body['distribution'])}@{one_line(body['name'])}: {body['packages']} packages, "
            f"content {body['content_id'][:12]}, at {one_line(body['path'])}"
        )


def merge(  # noqa: PLR0913, PLR0917 - each is an option of the command
    ctx: typer.Context,
    into: Annotated[str, typer.Argument(metavar="INTO", help="DISTRIBUTION@NAME of the snapshot to make.")],
    states: Annotated[list[str], typer.Argument(metavar="STATE...", help=f"Two or more, in order: {_STATE}")],
    rule: Annotated[Rule, typer.Option("--take", help="Where several states have a package.")] = Rule.LATEST,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what it would consist of.")] = False,
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="For those who ask later.")] = "",
    by_job: Annotated[bool, typer.Option("--job", help="By a job, with its progress: for very many packages.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Make one snapshot of several states; no file is copied.  Needs the role maintainer.

    latest: the newest version of each package.  first: what the state has that is named first.  all: everything.
    """
    output = Output(as_json=as_json)
    distribution, _, name = into.partition("@")
    with connect(ctx, url, output) as client:
        begin = client.snapshots.begin_merge if by_job else client.snapshots.merge
        body: Any = begin(states, distribution, name or None, rule=rule.value, description=description, dry_run=dry_run)
        if by_job:
            body = watched(client, body["job_id"], output)
    if as_json:
        output.json(body)
        return
    for row in body.get("conflicts", ()):
        taken, dropped = (
            ", ".join(f"{one_line(one['version'])} ({one_line(one['state'])})" for one in row[side])
            for side in ("taken", "dropped")
        )
        sign = _SIGNS["changed"] if row["kind"] == "versions" else "!"
        output.line(f"{sign} {one_line(row['name'])} {row['arch']}  {taken}{' over ' if dropped else ''}{dropped}")
    for left in body.get("left_out", ()):
        output.line(
            f"- {one_line(left['name'])} {one_line(left['version'])} {left['arch']}: {one_line(left['reason'])}"
        )
    made = body["snapshot"]
    if made is None:
        output.note(f"{body['packages']} packages; {'possible' if body['possible'] else 'not possible'}")
    else:
        output.line(
            f"{one_line(made['distribution'])}@{one_line(made['name'])}: {made['packages']} packages, "
            f"content {made['content_id'][:12]}, at {one_line(made['path'])}"
        )


def show(
    ctx: typer.Context,
    state: StateArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 1000,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List the packages of a state."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        rows = list(islice(pages(lambda number: client.snapshots.contents(state, number, _PER_PAGE)), limit))
    if as_json:
        output.json({"total": len(rows), "items": rows})
    elif not rows:
        output.note("no packages")
    else:
        output.table(
            ("NAME", "VERSION", "ARCH", "COMPONENT", "SIZE"),
            ((row["name"], row["version"], row["arch"], row["component"], size(row["size"])) for row in rows),
        )


def rm(
    ctx: typer.Context,
    distribution: DistributionArgument,
    name: NameArgument,
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Let a snapshot go; refused while an environment shows it."""
    output = Output(as_json=as_json)
    confirm(f"remove the snapshot {one_line(distribution)}@{one_line(name)}", yes=yes)
    with connect(ctx, url, output) as client:
        body = client.snapshots.remove(distribution, name)
    if as_json:
        output.json(body)
    else:
        output.line(f"removed {one_line(distribution)}@{one_line(name)}")


def diff(
    ctx: typer.Context,
    older: Annotated[str, typer.Argument(metavar="FROM", help=_STATE)],
    newer: Annotated[str, typer.Argument(metavar="TO", help="Likewise.")],
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what differs between two states of distributions.

    + came, - went, ^ newer, v older, ~ other versions beside the newest.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.snapshots.diff(older, newer, 100_000)
    if as_json:
        output.json(body)
        return
    for row in body["changes"]:
        versions = " -> ".join(word for word in (" ".join(row["from_versions"]), " ".join(row["to_versions"])) if word)
        output.line(f"{_SIGNS.get(row['change'], '?')} {one_line(row['name'])} {row['arch']}  {one_line(versions)}")
    for sign, risks in (("fixes", body["vulnerabilities"]["fixed"]), ("brings", body["vulnerabilities"]["introduced"])):
        for risk in risks:
            output.line(f"{sign} {one_line(risk['id'])} ({risk['severity']}) in {one_line(risk['name'])}")
    counts = ", ".join(f"{count} {kind}" for kind, count in body["counts"].items() if count)
    output.note(counts or "no difference")
