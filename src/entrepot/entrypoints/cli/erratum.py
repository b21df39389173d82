"""``erratum``: why there is an update."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from entrepot.client.errata import Notice
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, NoWaitOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line
from entrepot.entrypoints.cli.versions import versions_of

DistributionArgument = Annotated[str, typer.Argument(metavar="DISTRIBUTION", help="Codename.")]
CodeArgument = Annotated[str, typer.Argument(metavar="CODE", help="As 'erratum ls' shows it.")]
PackagesArgument = Annotated[list[str], typer.Argument(metavar="NAME=VERSION...", help="What it is about.")]


class ErratumKindChoice(StrEnum):
    """Why there is an update."""

    SECURITY = "security"
    BUGFIX = "bugfix"
    ENHANCEMENT = "enhancement"
    NEWPACKAGE = "newpackage"


class SeverityChoice(StrEnum):
    """How bad it was."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    errata = Commands(no_args_is_help=True, help="Notices that tell machines why there is an update.")
    errata.command("ls")(ls)
    errata.command("show")(show)
    errata.command("add")(add)
    errata.command("rm")(rm)
    app.add_typer(errata, name="erratum")


def ls(
    ctx: typer.Context,
    distribution: DistributionArgument,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List the errata of a distribution, the newest first."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.errata.all(distribution)
    output.listing(
        body,
        body["errata"],
        ("CODE", "KIND", "SEVERITY", "ISSUED (UTC)", "TITLE"),
        lambda row: (row["code"], row["kind"], row["severity"], moment(row["issued_at"]), row["title"]),
        none="no errata",
    )


def show(
    ctx: typer.Context,
    distribution: DistributionArgument,
    code: CodeArgument,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show one erratum."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.errata.one(distribution, code)
    if as_json:
        output.json(body)
        return
    output.line(f"{body['code']}  {body['kind']}, {body['severity']}: {one_line(body['title'])}")
    output.line(f"issued {moment(body['issued_at'])} by {one_line(body['issued_by'])}")
    for cve in body["cves"]:
        output.line(f"fixes {one_line(cve)}")
    for package in body["packages"]:
        output.line(f"package {one_line(package['filename'])}")
    if body["description"]:
        output.line(body["description"])


def add(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    distribution: DistributionArgument,
    packages: PackagesArgument,
    cve: Annotated[list[str] | None, typer.Option("--cve", metavar="CVE", help="What it fixes; repeat.")] = None,
    kind: Annotated[ErratumKindChoice | None, typer.Option("--kind", help="security where a CVE is given.")] = None,
    severity: Annotated[SeverityChoice | None, typer.Option("--severity", help="How bad it was.")] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="One line.")] = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="More lines.")] = None,
    link: Annotated[list[str] | None, typer.Option("--link", metavar="URL", help="Where to read more.")] = None,
    code: Annotated[str | None, typer.Option("--code", metavar="CODE", help="Else the next one of the year.")] = None,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Tell machines why there is an update: dnf and zypper by updateinfo, others by errata.json of the suite.

    Needs the role maintainer.
    """
    output = Output(as_json=as_json)
    notice: Notice = {}
    if kind:
        notice["kind"] = kind
    if severity:
        notice["severity"] = severity
    if title:
        notice["title"] = title
    if description:
        notice["description"] = description
    notice["cves"], notice["links"] = cve or [], link or []
    with connect(ctx, url, output, wait=not no_wait) as client:
        body = client.errata.issue(distribution, versions_of(packages), code=code, **notice)
    output.done(body, f"issued {body['code']} in {one_line(body['distribution'])} ({body['kind']}, {body['severity']})")


def rm(
    ctx: typer.Context,
    distribution: DistributionArgument,
    code: CodeArgument,
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Withdraw an erratum; its packages stay."""
    output = Output(as_json=as_json)
    confirm(f"withdraw {one_line(code)} from {one_line(distribution)}", yes=yes)
    with connect(ctx, url, output) as client:
        body = client.errata.withdraw(distribution, code)
    output.done(body, f"withdrawn {one_line(body['code'])}")
