"""``erratum``: why there is an update; ``rollout``: how fast it spreads."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from entrepot.client.answers_errata import RolloutState
from entrepot.client.errata import Notice
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, NoWaitOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line, package_name

DistributionArgument = Annotated[str, typer.Argument(metavar="DISTRIBUTION", help="Codename.")]
CodeArgument = Annotated[str, typer.Argument(metavar="CODE", help="As 'erratum ls' shows it.")]
NumberArgument = Annotated[int, typer.Argument(metavar="ID", min=1, help="As 'rollout ls' numbers it.")]
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
    rollouts = Commands(no_args_is_help=True, help="Updates that reach the machines of apt little by little.")
    rollouts.command("ls")(rollout_ls)
    rollouts.command("begin")(begin)
    rollouts.command("pause")(pause)
    rollouts.command("resume")(resume)
    rollouts.command("finish")(finish)
    rollouts.command("stop")(stop)
    app.add_typer(rollouts, name="rollout")


def _versions(packages: list[str]) -> list[str]:
    found = [package_name(spec) for spec in packages]
    for wanted in found:
        if not wanted.version:
            raise CommandFailed("a version is missing", "usage", ExitCode.INVALID, f"give {wanted.name}=VERSION")
    return [f"{wanted.name}={wanted.version}" for wanted in found]


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
    if as_json:
        output.json(body)
    elif not body["errata"]:
        output.note("no errata")
    else:
        output.table(
            ("CODE", "KIND", "SEVERITY", "ISSUED (UTC)", "TITLE"),
            (
                (row["code"], row["kind"], row["severity"], moment(row["issued_at"]), row["title"])
                for row in body["errata"]
            ),
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
        body = client.errata.issue(distribution, _versions(packages), code=code, **notice)
    if as_json:
        output.json(body)
    else:
        output.line(f"issued {body['code']} in {one_line(body['distribution'])} ({body['kind']}, {body['severity']})")


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
    if as_json:
        output.json(body)
    else:
        output.line(f"withdrawn {one_line(body['code'])}")


def rollout_ls(
    ctx: typer.Context,
    distribution: DistributionArgument,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List the rollouts of a distribution, the newest first."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.rollouts.all(distribution)
    if as_json:
        output.json(body)
    elif not body["rollouts"]:
        output.note("no rollouts")
    else:
        output.table(
            ("ID", "STATE", "NOW", "NEXT STEP (UTC)", "PACKAGES"),
            (
                (
                    row["id"],
                    row["state"],
                    f"{row['percentage']} %",
                    moment(row["next_at"]),
                    ", ".join(sorted({f"{one['name']}={one['version']}" for one in row["packages"]})),
                )
                for row in body["rollouts"]
            ),
        )


def begin(
    ctx: typer.Context,
    distribution: DistributionArgument,
    packages: PackagesArgument,
    step: Annotated[
        list[int] | None, typer.Option("--step", min=0, max=99, metavar="PERCENT", help="Repeat; else 10, 25, 50, 75.")
    ] = None,
    hours: Annotated[int, typer.Option("--hours", min=1, max=8760, metavar="N", help="That each step lasts.")] = 24,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Offer an update to a part of the machines first, and to more of them step by step."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        steps = step or ([10, 25, 50, 75] if hours != 24 else [])
        _print(output, client.rollouts.begin(distribution, _versions(packages), steps, hours), as_json=as_json)


def pause(
    ctx: typer.Context,
    distribution: DistributionArgument,
    number: NumberArgument,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Keep a rollout at the percentage of now."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        _print(output, client.rollouts.pause(distribution, number), as_json=as_json)


def resume(
    ctx: typer.Context,
    distribution: DistributionArgument,
    number: NumberArgument,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Let a rollout go on."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        _print(output, client.rollouts.resume(distribution, number), as_json=as_json)


def finish(
    ctx: typer.Context,
    distribution: DistributionArgument,
    number: NumberArgument,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Offer the update to all machines now."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        _print(output, client.rollouts.finish(distribution, number), as_json=as_json)


def stop(
    ctx: typer.Context,
    distribution: DistributionArgument,
    number: NumberArgument,
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Take the update out of the distribution; machines that have it keep it."""
    output = Output(as_json=as_json)
    confirm(f"take the packages of rollout {number} out of {one_line(distribution)}", yes=yes)
    with connect(ctx, url, output) as client:
        _print(output, client.rollouts.stop(distribution, number), as_json=as_json)


def _print(output: Output, body: RolloutState, *, as_json: bool) -> None:
    if as_json:
        output.json(body)
    else:
        output.line(f"rollout {body['id']} is {body['state']} at {body['percentage']} %")
