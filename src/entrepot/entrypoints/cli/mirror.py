"""``mirror``: suites that show what an upstream shows, with its own signature."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from entrepot.client.api import Client
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.progress import CountBar
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line

NameArgument = Annotated[str, typer.Argument(metavar="MIRROR", help="Its name, as 'mirror ls' shows it.")]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Watch the run until it ends.")]


class OnBadChoice(StrEnum):
    """What a package that is no good does to a run."""

    FAIL = "fail"
    SKIP = "skip"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    mirrors = Commands(no_args_is_help=True, help="Copies of other repositories, byte for byte.")
    mirrors.command("ls")(ls)
    mirrors.command("add")(add)
    mirrors.command("status")(status)
    mirrors.command("run")(run)
    mirrors.command("rm")(rm)
    app.add_typer(mirrors, name="mirror")


def ls(ctx: typer.Context, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """List mirrors, and how each stands."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.mirrors.all()
    if as_json:
        output.json(body)
    elif not body["mirrors"]:
        output.note("no mirrors; 'entrepot mirror add' makes one of a source")
    else:
        output.table(
            ("MIRROR", "TYPE", "DISTRIBUTION", "SOURCE", "FILES", "STATUS", "UP TO DATE (UTC)"),
            (
                (
                    row["name"],
                    row["type"],
                    row["distribution"],
                    row["source"],
                    row["files"],
                    row["error_code"] or row["status"],
                    moment(row["last_good_run"]),
                )
                for row in body["mirrors"]
            ),
        )


def add(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and . + ~ -")],
    source: Annotated[str, typer.Option("--source", "-s", metavar="SOURCE", help="What to follow; see 'source ls'.")],
    archive: Annotated[
        str | None, typer.Option("--archive", metavar="ARCHIVE", help="Its place in addresses; NAME if unsaid.")
    ] = None,
    codename: Annotated[
        str | None, typer.Option("--codename", metavar="CODENAME", help="rpm: its place within the archive.")
    ] = None,
    every: Annotated[
        int, typer.Option("--every", min=0, max=8784, metavar="HOURS", help="How often it runs; 0: by hand only.")
    ] = 24,
    on_bad: Annotated[
        OnBadChoice, typer.Option("--on-bad", help="A package is missing upstream: fail, or skip it.")
    ] = OnBadChoice.FAIL,
    wait: WaitOption = True,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Mirror a source: add it, run it, and watch the first run."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        row = client.mirrors.add(
            name, source, archive=archive, codename=codename, every_hours=every, on_bad=on_bad.value
        )
        job = client.mirrors.run(name)["job_id"]
        if as_json:
            output.json({**row, "job_id": job})
        else:
            output.note(f"added: {row['name']}; machines find it at {row['path']} when the first run has ended")
        if wait:
            _watch(client, job, output)


def status(ctx: typer.Context, mirror: NameArgument, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Show how a mirror stands."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        row = client.mirrors.one(mirror)
    if as_json:
        output.json(row)
        return
    output.fields(
        {
            "mirror": row["name"],
            "source": row["source"],
            "distribution": row["distribution"],
            "path": row["path"],
            "status": row["status"],
            "job": row["job_id"],
            "files": row["files"],
            "bytes": row["bytes"],
            "state of upstream": moment(row["upstream_time"], zone=True),
            "last run": moment(row["last_run"], zone=True),
            "up to date": moment(row["last_good_run"], zone=True),
            "error": row["error"],
            "notes": "\n".join(one_line(note) for note in row["notes"]) or None,
        }
    )


def run(
    ctx: typer.Context,
    mirror: NameArgument,
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help="Also when most packages are gone.")] = False,
    wait: WaitOption = True,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Bring a mirror up to date now, and show how it goes."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        begun = client.mirrors.run(mirror, accept_loss=accept_loss)
        if as_json:
            output.json(begun)
        if wait:
            _watch(client, begun["job_id"], output)
        elif not as_json:
            output.note(f"running: entrepot job watch {begun['job_id']}")


def rm(ctx: typer.Context, mirror: NameArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Remove a mirror with its distribution; the source stays."""
    output = Output()
    with connect(ctx, url, output) as client:
        confirm(f"Remove the mirror {mirror}? Machines find nothing there any more.", yes=yes)
        output.note(f"removed: {client.mirrors.remove(mirror)['name']}")


def _watch(client: Client, job: str, output: Output) -> None:
    last: dict[str, Any] = {}
    with CountBar(output) as bar:
        for event in client.jobs.follow(job):
            last = event.data
            bar.at(last)
            if last.get("type") == "event" and last.get("message"):
                output.note(one_line(last["message"]))
    if last.get("status") != "done":
        raise typer.Exit(ExitCode.NOT_COMPLETE)
