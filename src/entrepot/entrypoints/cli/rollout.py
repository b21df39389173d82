"""``rollout``: how fast an update spreads."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.client.answers_errata import RolloutState
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line
from entrepot.entrypoints.cli.versions import versions_of

DistributionArgument = Annotated[str, typer.Argument(metavar="DISTRIBUTION", help="Codename.")]
NumberArgument = Annotated[int, typer.Argument(metavar="ID", min=1, help="As 'rollout ls' numbers it.")]
PackagesArgument = Annotated[list[str], typer.Argument(metavar="NAME=VERSION...", help="What it is about.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    rollouts = Commands(no_args_is_help=True, help="Updates that reach the machines of apt little by little.")
    rollouts.command("ls")(ls)
    rollouts.command("begin")(begin)
    rollouts.command("pause")(pause)
    rollouts.command("resume")(resume)
    rollouts.command("finish")(finish)
    rollouts.command("stop")(stop)
    app.add_typer(rollouts, name="rollout")


def ls(
    ctx: typer.Context,
    distribution: DistributionArgument,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List the rollouts of a distribution, the newest first."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.rollouts.all(distribution)
    output.listing(
        body,
        body["rollouts"],
        ("ID", "STATE", "NOW", "NEXT STEP (UTC)", "PACKAGES"),
        lambda row: (
            row["id"],
            row["state"],
            f"{row['percentage']} %",
            moment(row["next_at"]),
            ", ".join(sorted({f"{one['name']}={one['version']}" for one in row["packages"]})),
        ),
        none="no rollouts",
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
        _tell(output, client.rollouts.begin(distribution, versions_of(packages), steps, hours))


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
        _tell(output, client.rollouts.pause(distribution, number))


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
        _tell(output, client.rollouts.resume(distribution, number))


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
        _tell(output, client.rollouts.finish(distribution, number))


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
        _tell(output, client.rollouts.stop(distribution, number))


def _tell(output: Output, body: RolloutState) -> None:
    output.done(body, f"rollout {body['id']} is {body['state']} at {body['percentage']} %")
