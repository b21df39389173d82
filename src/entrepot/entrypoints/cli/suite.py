"""``suite``: the distributions of the server."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from entrepot.client.answers import Distribution
from entrepot.client.api import Client
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.setup import Tool, setup_commands, write_setup
from entrepot.entrypoints.cli.text import moment, one_line, size, words

FormatOption = Annotated[
    Literal["deb", "rpm"] | None, typer.Option("--format", "-f", help="Format of its packages.", show_default=False)
]
DistArgument = Annotated[str, typer.Argument(metavar="DIST", help="Codename, or ARCHIVE/CODENAME.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    suites = Commands(no_args_is_help=True, help="Distributions: list, add, publish anew, set up clients.")
    suites.command("ls")(ls)
    suites.command("show")(show)
    suites.command("states")(states)
    suites.command("add")(add)
    suites.command("rm")(rm)
    suites.command("init")(init)
    suites.command("set-up")(set_up)
    app.add_typer(suites, name="suite")


def ls(
    ctx: typer.Context,
    format_: FormatOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print codenames only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List distributions."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.distributions(format_)
    output.listing(
        body,
        body["distributions"],
        ("CODENAME", "FORMAT", "PACKAGES", "SIZE", "COMPONENTS", "LAST ARRIVAL (UTC)"),
        lambda row: (
            _short_name(row),
            row.get("format"),
            row.get("package_count"),
            size(row.get("total_size")),
            words(row.get("components")),
            moment(row.get("last_updated")),
        ),
        ids=_short_name,
    )


def show(
    ctx: typer.Context,
    dist: DistArgument,
    format_: FormatOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show one distribution."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        row = _find(client, dist, format_)
    if as_json:
        output.json(row)
        return
    output.fields(
        {
            "codename": row.get("codename"),
            "name": row.get("full_name"),
            "description": row.get("description"),
            "format": row.get("format"),
            "archive": row.get("archive"),
            "components": words(row.get("components")),
            "architectures": words(row.get("architectures")),
            "packages": row.get("package_count"),
            "size": size(row.get("total_size")),
            "last arrival": moment(row.get("last_updated"), zone=True),
            "client file": row.get("client_file"),
            "key": row.get("key_url"),
        }
    )


def states(
    ctx: typer.Context,
    dist: DistArgument,
    format_: FormatOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print references only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List the states that are kept, the newest first, with the addresses where machines find them.

    A snapshot keeps a state for longer: 'entrepot snapshot create DIST@TIME'.
    """
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        row = _find(client, dist, format_)
        body = client.suites.states(row["format"], row.get("archive", "main"), row["codename"])
    output.listing(
        body,
        body["states"],
        ("STATE", "PACKAGES", "UNTIL (UTC)", "ADDRESS"),
        lambda state: (
            state["reference"],
            state["packages"],
            moment(state["superseded_at"]) or "in force",
            state["url"],
        ),
        ids=lambda state: state["reference"],
        none="nothing is published yet",
    )


def add(  # noqa: PLR0913, PLR0917 - each is an option of the command
    ctx: typer.Context,
    dist: DistArgument,
    format_: Annotated[Literal["deb", "rpm"], typer.Option("--format", "-f", help="Format of its packages.")] = "deb",
    component: Annotated[
        list[str] | None, typer.Option("--component", "-c", metavar="C", help="A component; several times for more.")
    ] = None,
    arch: Annotated[
        list[str] | None, typer.Option("--arch", "-a", metavar="ARCH", help="An architecture; several times for more.")
    ] = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="One line.")] = None,
    ecosystem: Annotated[
        str | None, typer.Option("--ecosystem", metavar="NAME", help="As in advisories: Debian:12, or none.")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Add a distribution, or change one that exists; clients can use it at once.

    Needs the role admin.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.initialise(
            dist,
            format=format_,
            components=component,
            architectures=arch,
            description=description,
            ecosystem=ecosystem,
        )
    if as_json:
        output.json(body)
        return
    for row in body.get("results") or []:
        output.line(f"{one_line(row.get('codename'))}: {one_line(row.get('output', 'done'))}")
    output.note(f"'entrepot suite set-up {one_line(dist)}' shows how clients use it")


def rm(
    ctx: typer.Context,
    dist: DistArgument,
    force: Annotated[bool, typer.Option("--force", help="Also when it has packages.")] = False,
    format_: FormatOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Remove a distribution: machines find it no more.

    Refused while an environment, a snapshot, a mirror, a promotion or a package that waits hangs on it.  Needs the role
    admin.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        row = _find(client, dist, format_)
        name = f"{row['format']}/{row.get('archive', 'main')}/{row['codename']}"
        count = row.get("package_count") or 0
        holding = f", with {count} packages" if count and force else ""
        confirm(f"Remove {one_line(name)}{holding}? Machines that use it will get errors.", yes=yes)
        done = client.suites.remove(row["format"], row.get("archive", "main"), row["codename"], force=force)
    if as_json:
        output.json(done)
    else:
        output.note(f"removed: {one_line(done['distribution'])}")


def init(ctx: typer.Context, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Publish every distribution anew.

    Signs and checks fresh indices of what is there already; needs the role admin.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.initialise()
    if as_json:
        output.json(body)
        return
    for row in body.get("results") or []:
        word = "ok" if row.get("ok") else "failed"
        output.verdict(word, f"{one_line(row.get('codename'))}: {one_line(row.get('output', ''))}")


def set_up(
    ctx: typer.Context,
    dist: DistArgument,
    tool: Annotated[
        Tool | None, typer.Option("--for", help="Only the lines for this tool, fit for a shell.", show_default=False)
    ] = None,
    format_: FormatOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Print what to run on a client, once, as root."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        row = _find(client, dist, format_)
        archives = client.archives()["archives"]
    fingerprints = [
        one_line(fingerprint)
        for archive in archives
        if (archive.get("name"), archive.get("format")) == (row.get("archive", "main"), row.get("format"))
        for fingerprint in archive.get("fingerprints") or []
    ]
    commands = setup_commands(row, client.base_url)
    if as_json:
        body = {
            "codename": row["codename"],
            "format": row["format"],
            "fingerprints": fingerprints,
            "commands": commands,
        }
        output.json(body)
    else:
        write_setup(output, row, commands, fingerprints, tool)


def _short_name(row: Distribution) -> str:
    archive = row.get("archive", "main")
    return row["codename"] if archive == "main" else f"{archive}/{row['codename']}"


def _find(client: Client, dist: str, format_: str | None) -> Distribution:
    archive, slash, codename = dist.rpartition("/")
    found = [
        row
        for row in client.distributions(format_)["distributions"]
        if row.get("codename") == codename and row.get("archive", "main") == (archive if slash else "main")
    ]
    if not found:
        raise CommandFailed(
            f"there is no distribution {one_line(dist)!r}",
            "not_found",
            ExitCode.NOT_FOUND,
            "'entrepot suite ls' lists them",
        )
    if len(found) > 1:
        raise CommandFailed(
            f"there is a distribution {one_line(dist)} of each format", "ambiguous", ExitCode.INVALID, "give --format"
        )
    return found[0]
