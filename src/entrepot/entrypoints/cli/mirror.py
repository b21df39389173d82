"""``mirror``: suites that follow an upstream, with its own signature or with ours."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from entrepot.client.answers_mirrors import MirrorRow
from entrepot.client.api import Client
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.progress import CountBar
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line, size, words

NameArgument = Annotated[str, typer.Argument(metavar="MIRROR", help="Its name, as 'mirror ls' shows it.")]
FilterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        "-f",
        metavar="KEY=VALUE",
        help="name=GLOB, regex=PATTERN, exclude=GLOB, section=GLOB, priority=WORD, component=NAME, arch=NAME, "
        "newest=COUNT; may be repeated.",
    ),
]
DependenciesOption = Annotated[bool, typer.Option("--with-dependencies", help="And whatever these need.")]
_LISTS = {
    "name": "names",
    "exclude": "exclude",
    "section": "sections",
    "priority": "priorities",
    "component": "components",
    "arch": "architectures",
}
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Watch the run until it ends.")]


POLICIES = {False: "immediate", True: "on_demand"}


class OnBadChoice(StrEnum):
    """What a package that is no good does to a run."""

    FAIL = "fail"
    SKIP = "skip"
    HOLD = "hold"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    mirrors = Commands(
        no_args_is_help=True, help="Copies of other repositories, byte for byte or chosen and signed here."
    )
    mirrors.command("ls")(ls)
    mirrors.command("add")(add)
    mirrors.command("preview")(preview)
    mirrors.command("packages")(packages)
    mirrors.command("change")(change)
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
        OnBadChoice, typer.Option("--on-bad", help="A package is missing or no good: fail, skip it, or have it wait.")
    ] = OnBadChoice.FAIL,
    resigned: Annotated[
        bool, typer.Option("--resigned", help="Choose packages, ask the gate, and sign the index here.")
    ] = False,
    keep_removed: Annotated[
        bool, typer.Option("--keep-removed", help="What is gone upstream stays (with --resigned).")
    ] = False,
    wanted: FilterOption = None,
    with_dependencies: DependenciesOption = False,
    on_demand: Annotated[
        bool, typer.Option("--on-demand", help="Fetch a package when the first machine asks for it.")
    ] = False,
    begin: Annotated[bool, typer.Option("--run/--no-run", help="Begin the first run now.")] = True,
    sources: Annotated[bool, typer.Option("--sources", help="Source packages of apt, too.")] = False,
    installer: Annotated[bool, typer.Option("--installer", help="Images of the Debian installer, too.")] = False,
    wait: WaitOption = True,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Mirror a source: add it, run it, and watch the first run."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        row = client.mirrors.add(
            name,
            source,
            archive=archive,
            codename=codename,
            every_hours=every,
            on_bad=on_bad.value,
            kind="resigned" if resigned else None,
            filter=_filter(wanted, with_dependencies=with_dependencies) or None,
            keep_removed=keep_removed or None,
            download_policy="on_demand" if on_demand else None,
            sources=sources or None,
            installer=installer or None,
        )
        job = client.mirrors.run(name)["job_id"] if begin else None
        if as_json:
            output.json({**row, "job_id": job})
        else:
            output.note(f"added: {row['name']}; machines find it at {row['path']} when the first run has ended")
        if wait and job is not None:
            _watch(client, job, output)


def preview(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="What to choose from; see 'source ls'.")],
    wanted: FilterOption = None,
    with_dependencies: DependenciesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what a filter would take of a source as it was synchronised last; nothing is fetched."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        found = client.mirrors.preview(source, _filter(wanted, with_dependencies=with_dependencies))
    if as_json:
        output.json(found)
        return
    output.fields(
        {
            "packages": found["packages"],
            "size": size(found["bytes"]),
            "named": f"{found['named']}: {', '.join(map(one_line, found['examples'][:10]))}",
            "needed by them": f"{found['needed']}: {', '.join(map(one_line, found['needed_examples'][:10]))}",
            "met by nobody": "\n".join(map(one_line, found["unresolved"])) or None,
        }
    )


def packages(
    ctx: typer.Context,
    mirror: NameArgument,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help="wanted, ready, placed, there, held, refused or bad."),
    ] = None,
    page: Annotated[int, typer.Option("--page", min=1, metavar="NUMBER", help="A hundred to a page.")] = 1,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List what a mirror that is signed here has chosen, and why some of it is not shown."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.mirrors.packages(mirror, state=state, page=page)
    if as_json:
        output.json(body)
        return
    rows = (
        (one["name"], one["version"], one["arch"], one["state"], one_line(one["reason"] or "")) for one in body["items"]
    )
    output.table(("NAME", "VERSION", "ARCH", "STATE", "WHY"), rows)
    if body["pages"] > page:
        output.note(f"{body['total']} in all; the next page: --page {page + 1}")


def change(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    mirror: NameArgument,
    every: Annotated[
        int | None, typer.Option("--every", min=0, max=8784, metavar="HOURS", help="How often it runs; 0: by hand.")
    ] = None,
    on_bad: Annotated[OnBadChoice | None, typer.Option("--on-bad", help="What a bad package does to a run.")] = None,
    keep_removed: Annotated[
        bool | None, typer.Option("--keep-removed/--drop-removed", help="What becomes of what is gone upstream.")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="No filter any more.")] = False,
    wanted: FilterOption = None,
    with_dependencies: DependenciesOption = False,
    on_demand: Annotated[
        bool | None,
        typer.Option("--on-demand/--immediate", help="Fetch packages when asked for, or all; --immediate begins now."),
    ] = None,
    sources: Annotated[
        bool | None, typer.Option("--sources/--no-sources", help="Source packages of apt, from the next run on.")
    ] = None,
    installer: Annotated[
        bool | None, typer.Option("--installer/--no-installer", help="Images of the Debian installer, likewise.")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Change a mirror; options of the filter replace all of it, and count from the next run on."""
    output = Output(as_json=as_json)
    chosen = _filter(wanted, with_dependencies=with_dependencies)
    with connect(ctx, url, output) as client:
        row = client.mirrors.change(
            mirror,
            every_hours=every,
            on_bad=None if on_bad is None else on_bad.value,
            filter=chosen if chosen or everything else None,
            keep_removed=keep_removed,
            download_policy=None if on_demand is None else POLICIES[on_demand],
            sources=sources,
            installer=installer,
        )
    if as_json:
        output.json(row)
    elif row["job_id"]:
        output.note(f"changed: {row['name']}; it runs: entrepot job watch {row['job_id']}")
    else:
        output.note(f"changed: {row['name']}")


def _filter(wanted: list[str] | None, *, with_dependencies: bool) -> dict[str, object]:
    """Of what was given on the command line."""
    lists: dict[str, list[str]] = {}
    found: dict[str, object] = {"with_dependencies": True} if with_dependencies else {}
    for each in wanted or ():
        key, _, value = each.partition("=")
        if key in _LISTS and value:
            lists.setdefault(_LISTS[key], []).append(value)
        elif key == "regex" and value:
            found["regex"] = value
        elif key == "newest" and value.isdecimal():
            found["newest"] = int(value)
        else:
            raise typer.BadParameter(f"{each[:80]!r} is none of {', '.join(_LISTS)}, regex and newest with a value")
    return {**found, **lists}


def _told(wanted: dict[str, Any]) -> str | None:
    """A filter on one line."""
    parts = (f"{name}: {words(value) or value}" for name, value in wanted.items())
    return one_line("; ".join(parts)) or None


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
            "kind": row["kind"],
            "filter": _told(row["filter"]),
            "status": row["status"],
            "job": row["job_id"],
            "files": row["files"],
            "bytes": row["bytes"],
            "stored": _stored(row),
            "held": row["held"] or None,
            "refused": row["refused"] or None,
            "no good": row["bad"] or None,
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
    accept_bad: Annotated[
        bool, typer.Option("--accept-bad", help="Also without files that are no good (--on-bad hold).")
    ] = False,
    wait: WaitOption = True,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Bring a mirror up to date now, and show how it goes."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        begun = client.mirrors.run(mirror, accept_loss=accept_loss, accept_bad=accept_bad)
        if as_json:
            output.json(begun)
        if wait:
            _watch(client, begun["job_id"], output)
        elif not as_json:
            output.note(f"running: entrepot job watch {begun['job_id']}")


def rm(ctx: typer.Context, mirror: NameArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Remove a mirror; one that is byte for byte with its distribution, the other's stays as it is.

    The source stays.
    """
    output = Output()
    with connect(ctx, url, output) as client:
        confirm(f"Remove the mirror {mirror}? Where it is byte for byte, machines find nothing any more.", yes=yes)
        output.note(f"removed: {client.mirrors.remove(mirror)['name']}")


def _stored(row: MirrorRow) -> str:
    """How much of what is listed does not need the upstream any more."""
    if row["stored_files"] == row["files"]:
        return "all"
    return f"{row['stored_files']} files, {row['stored_bytes']} bytes; the rest needs the upstream when it is asked for"


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
