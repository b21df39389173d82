"""``review``: packages that wait for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, JsonOption, NoWaitOption, UrlOption, connect
from entrepot.entrypoints.cli.text import one_line, package_name

PackageArgument = Annotated[str, typer.Argument(metavar="NAME=VERSION", help="As 'review ls' names it.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why; kept with the decision.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    reviews = Commands(no_args_is_help=True, help="Packages that wait for a person.")
    reviews.command("ls")(ls)
    reviews.command("approve")(approve)
    reviews.command("reject")(reject)
    app.add_typer(reviews, name="review")


def ls(
    ctx: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print NAME=VERSION only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List what waits, oldest first, and why."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.review_queue()
    rows = body["packages"]["items"]
    if as_json:
        output.json(body)
    elif quiet:
        output.ids(f"{row['name']}={row['version']}" for row in rows)
    elif not rows:
        output.note("nothing waits")
    else:
        output.table(
            ("PACKAGE", "ARCH", "FOR", "FROM", "WHY"),
            (
                (
                    f"{row['name']}={row['version']}",
                    row["arch"],
                    row["distribution"],
                    row["imported_by"],
                    "; ".join(row["reasons"]),
                )
                for row in rows
            ),
        )


def approve(
    ctx: typer.Context,
    package: PackageArgument,
    reason: ReasonOption,
    arch: ArchOption = None,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Let a package out: when the command returns, clients can install it."""
    _decide(ctx, package, "approve", reason, arch=arch, wait=not no_wait, as_json=as_json, url=url)


def reject(
    ctx: typer.Context,
    package: PackageArgument,
    reason: ReasonOption,
    arch: ArchOption = None,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Keep a package in for good: the same bytes may be pushed again, and wait again."""
    _decide(ctx, package, "reject", reason, arch=arch, wait=not no_wait, as_json=as_json, url=url)


def _decide(
    ctx: typer.Context,
    package: str,
    decision: str,
    reason: str,
    *,
    arch: str | None,
    wait: bool,
    as_json: bool,
    url: str | None,
) -> None:
    output = Output(as_json=as_json)
    wanted = package_name(package)
    if wanted.version is None:
        raise CommandFailed("a decision is about one version", "usage", ExitCode.INVALID, f"give {wanted.name}=VERSION")
    with connect(ctx, url, output, wait=wait) as client:
        body = client.decide(wanted.name, wanted.version, decision, reason, architecture=arch)
    if as_json:
        output.json(body)
    else:
        output.verdict("approved" if decision == "approve" else "rejected", one_line(str(body["message"])))
