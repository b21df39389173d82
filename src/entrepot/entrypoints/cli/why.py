"""``why``: what a package needs, why it can or cannot be installed, and what let it in or keeps it out."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.client.answers_versions import Dependencies, Dependency, Explained
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, DistOption, JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import moment, one_line, package_name


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why")(why)


def why(
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(metavar="NAME[=VERSION]", help="Package; without a version, the newest.")],
    dist: DistOption = None,
    arch: ArchOption = None,
    gate: Annotated[
        bool, typer.Option("--gate", "-g", help="Tell what let NAME=VERSION in or keeps it out, instead.")
    ] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what a package needs, what satisfies it, and why it cannot be installed.

    All that it needs, directly or through others, with what takes care of it in the same distribution. The exit code is
    3 when the distribution alone is not enough: a client can still have the rest from its operating system.

    With --gate: who sent it when, what each check and rule said, who decided what, since when clients see it, and what
    keeps it out now. The exit code is 3 when clients cannot have it.
    """
    output = Output(as_json=as_json)
    wanted = package_name(package)
    if not wanted.name or wanted.version == "":
        raise CommandFailed("a package has a name", "usage", ExitCode.INVALID, "give NAME or NAME=VERSION")
    if gate:
        _gate(ctx, output, (wanted.name, wanted.version, dist, arch), url, as_json=as_json)
        return
    with connect(ctx, url, output) as client:
        body = client.versions.dependencies(wanted.name, version=wanted.version, architecture=arch, distribution=dist)
    if as_json:
        output.json(body)
    else:
        _show(output, body)
    if body["install_blocked"]:
        raise typer.Exit(ExitCode.REFUSED)


def _gate(
    ctx: typer.Context,
    output: Output,
    wanted: tuple[str, str | None, str | None, str | None],
    url: str | None,
    *,
    as_json: bool,
) -> None:
    name, version, dist, arch = wanted
    if version is None:
        raise CommandFailed("--gate is about one version", "usage", ExitCode.INVALID, "give NAME=VERSION")
    with connect(ctx, url, output) as client:
        body = client.versions.why(name, version, architecture=arch, distribution=dist)
    if as_json:
        output.json(body)
    else:
        _tell(output, body)
    if not body["visible"]:
        raise typer.Exit(ExitCode.REFUSED)


def _tell(output: Output, body: Explained) -> None:
    output.verdict("ok" if body["visible"] else "blocked", one_line(body["explanation"]))
    if body["own_rules"]:
        output.line(one_line(f"{body['distribution']} has rules of its own: {', '.join(body['own_rules'])}"))
    output.line()
    output.table(
        ("WHEN (UTC)", "WHAT", "RESULT", "BY", "TOLD"),
        [
            (moment(one["at"]), one["kind"], one["result"] or "-", one["by"] or "-", one["message"])
            for one in body["facts"]
        ],
    )


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
