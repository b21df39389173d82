"""``why``: what a package needs, and why it can or cannot be installed."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.client.answers_versions import Dependencies, Dependency
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, DistOption, JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import one_line, package_name


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why")(why)


def why(
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(metavar="NAME[=VERSION]", help="Package; without a version, the newest.")],
    dist: DistOption = None,
    arch: ArchOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what a package needs, what satisfies it, and why it cannot be installed.

    All that it needs, directly or through others, with what takes care of it in the same distribution. The exit code is
    3 when the distribution alone is not enough: a client can still have the rest from its operating system.
    """
    output = Output(as_json=as_json)
    wanted = package_name(package)
    if not wanted.name or wanted.version == "":
        raise CommandFailed("a package has a name", "usage", ExitCode.INVALID, "give NAME or NAME=VERSION")
    with connect(ctx, url, output) as client:
        body = client.versions.dependencies(wanted.name, version=wanted.version, architecture=arch, distribution=dist)
    if as_json:
        output.json(body)
    else:
        _show(output, body)
    if body["install_blocked"]:
        raise typer.Exit(ExitCode.REFUSED)


def _show(output: Output, body: Dependencies) -> None:
    word = "blocked" if body["install_blocked"] else "ok"
    named = one_line(f"{body['package']} {body['version']} {body['arch']} in {body['distribution']}")
    needed = len(body["dependencies"])
    output.verdict(word, f"{named}: {needed} {'dependency' if needed == 1 else 'dependencies'}")
    if needed:
        output.line()
        output.table(("NEEDS", "STATUS", "BY", "NEEDED BY"), [_row(each) for each in body["dependencies"]])
    if body["reasons"]:
        output.line()
        for reason in body["reasons"]:
            output.verdict("blocked", one_line(reason))


def _row(each: Dependency) -> tuple[str, str, str, str]:
    chain = each["required_by"]
    by = "; ".join(each.get("provided_by", []))
    if each["available_internally"]:
        return each["relation"], "ok", by, chain[-1] if chain else ""
    unfit = "; ".join(each.get("unfit", []))
    return each["relation"], "missing", f"not {unfit}" if unfit else "", chain[-1] if chain else ""
