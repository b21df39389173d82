"""``jobs`` and ``job``: long work on the server."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from entrepot.client.answers_jobs import Job
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.progress import CountBar
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import moment, one_line

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="Its id, as 'entrepot jobs' shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("jobs")(jobs)
    group = Commands(no_args_is_help=True, help="One piece of long work: show, watch, cancel.")
    group.command("show")(show)
    group.command("watch")(watch)
    group.command("cancel")(cancel)
    app.add_typer(group, name="job")


def jobs(
    ctx: typer.Context,
    kind: Annotated[str | None, typer.Option("--kind", metavar="KIND", help="As sync or upload.")] = None,
    status: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help="running, done, error or cancelled.")
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what this account began.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=200, metavar="N", help="At most so many.")] = 50,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print ids only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List long work, newest first."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.jobs(kind=kind, status=status, mine=mine, per_page=limit)
    output.listing(
        body,
        body["items"],
        ("JOB", "KIND", "STATUS", "DONE", "BEGUN (UTC)", "BY", "WHAT"),
        lambda row: (
            row["job_id"],
            row["kind"],
            _status(row),
            _count(row),
            moment(row["started_at"]),
            row["begun_by"],
            row["label"],
        ),
        ids=lambda row: row["job_id"],
        none="no jobs",
    )


def show(ctx: typer.Context, job: JobArgument, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Show how far a job is, and its result."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        found = client.jobs.one(job)
    if as_json:
        output.json(found)
        return
    output.fields(
        {
            "job": found["job_id"],
            "kind": found["kind"],
            "what": found["label"],
            "status": _status(found),
            "done": _count(found),
            "errors": found["error_count"] or None,
            "begun": f"{moment(found['started_at'], zone=True)} by {found['begun_by']}",
            "ended": moment(found["finished_at"], zone=True),
            "error": found["error"],
            **{name: value for name, value in found["result"].items() if name not in {"error", "code"}},
        }
    )


def watch(ctx: typer.Context, job: JobArgument, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Follow a job until it ends; with --json one event a line.

    Interrupting ends the watching, not the job.  The exit code is 0 when the job is done, 7 when it failed or was
    cancelled.
    """
    output = Output(as_json=as_json)
    last: dict[str, Any] = {}
    with connect(ctx, url, output) as client, CountBar(output) as bar:
        for event in client.jobs.follow(job):
            last = event.data
            bar.at(last)
            if as_json:
                output.json_line(last)
            elif last.get("type") == "event" and last.get("message"):
                output.line(one_line(last["message"]))
    status = one_line(last.get("status", ""))
    if not as_json:
        output.verdict(status, one_line(last.get("message", "")))
    if status != "done":
        raise typer.Exit(ExitCode.NOT_COMPLETE)


def cancel(ctx: typer.Context, job: JobArgument, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Ask a job to end; it does where it leaves everything whole."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        found = client.jobs.cancel(job)
    if as_json:
        output.json(found)
    else:
        output.verdict(_status(found), found["label"])


def _status(job: Job) -> str:
    return "cancelling" if job["cancelling"] and job["status"] == "running" else job["status"]


def _count(job: Job) -> str:
    if job["total"] is None:
        return str(job["done_count"] or "")
    return f"{job['done_count']}/{job['total']}"
