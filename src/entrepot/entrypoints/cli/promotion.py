"""``promotion``: promotions that wait for an administrator; ``migrate``: many of them at once."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from entrepot.client.answers_promotions import Unmoved
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, NoWaitOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import counted, moment, one_line
from entrepot.entrypoints.cli.walks import pages

_PER_PAGE = 200
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Package.")]
NumberArgument = Annotated[int, typer.Argument(metavar="ID", min=1, help="As 'promotion ls' numbers it.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why; kept with the decision.")]


class Status(StrEnum):
    """Where a promotion stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    promotions = Commands(no_args_is_help=True, help="Promotions that wait for an administrator.")
    promotions.command("ls")(ls)
    promotions.command("approve")(approve)
    promotions.command("reject")(reject)
    app.add_typer(promotions, name="promotion")
    app.command("migrate")(migrate)


def ls(
    ctx: typer.Context,
    status: Annotated[Status, typer.Option("--status", help="Which.")] = Status.PENDING,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 1000,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print numbers only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List what waits, or what was decided; the newest first."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        fetched = pages(lambda number: client.promotions.held(number, _PER_PAGE, status=status)["items"])
        rows = list(islice(fetched, limit))
    output.listing(
        {"total": len(rows), "status": status, "items": rows},
        rows,
        ("ID", "PACKAGE", "FROM", "TO", "STATUS", "ASKED BY", "WHEN (UTC)", "WHY"),
        lambda row: (
            row["id"],
            f"{row['package']}={row['version']}",
            row["from_dist"],
            row["to_dist"],
            row["status"],
            row["requested_by"],
            moment(row["requested_at"]),
            "; ".join(row["policy_verdict"]["reasons"]),
        ),
        ids=lambda row: str(row["id"]),
        none="nothing waits" if status is Status.PENDING else "no promotions",
    )


def approve(
    ctx: typer.Context,
    name: NameArgument,
    number: NumberArgument,
    reason: ReasonOption,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Let a promotion happen: when the command returns, clients of the target can install the package."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output, wait=not no_wait) as client:
        body = client.promotions.approve(name, number, reason)
    if as_json:
        output.json(body)
    else:
        output.verdict("approved", one_line(body["message"]))


def reject(
    ctx: typer.Context,
    name: NameArgument,
    number: NumberArgument,
    reason: ReasonOption,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """End a promotion; it can be asked for again."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.promotions.reject(name, number, reason)
    if as_json:
        output.json(body)
    else:
        what = f"{one_line(body['package'])} {one_line(body['version'])}"
        output.verdict("rejected", f"{what} does not go to {one_line(body['to_dist'])}")


def migrate(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="Distribution that has them.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Distribution of the same format that shall have them.")],
    packages: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Only these packages; else all.")
    ] = None,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Copy all packages of a distribution, or some, to another one.

    Each past the policy of a single promotion; the source keeps them. What cannot go does not stop the others, and the
    command ends with 7 then.
    """
    output = Output(as_json=as_json)
    if not packages:
        confirm(f"Copy all packages of {one_line(source)} to {one_line(target)}?", yes=yes)
    with connect(ctx, url, output, wait=not no_wait) as client:
        body = client.promotions.migrate(source, target, packages)
    if as_json:
        output.json(body)
    else:
        for row in (*body["errors"], *body["pending"]):
            output.verdict("waits" if row in body["pending"] else "failed", _unmoved(row))
        there = f"; {body['already_present']} were there" if body["already_present"] else ""
        output.line(f"copied to {one_line(target)}: {counted(body['migrated'], 'package file')}{there}")
    if body["errors"]:
        raise typer.Exit(ExitCode.NOT_COMPLETE)


def _unmoved(row: Unmoved) -> str:
    version = one_line(row.get("version", ""))
    number = row.get("pending_promotion_id")
    asked = f" (promotion {number})" if number else ""
    return f"{one_line(row['name'])}{f' {version}' if version else ''}: {one_line(row['message'])}{asked}"
