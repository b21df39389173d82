"""``import`` and ``upstream``: packages of other people's repositories."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from entrepot.client.imports import ImportWords
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.progress import CountBar
from entrepot.entrypoints.cli.session import ArchOption, JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import PackageName, one_line, package_name, words

PackageArgument = Annotated[
    str, typer.Argument(metavar="NAME[=VERSION]", help="Package; without a version, the newest.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="SOURCE", help="Only from this source: its name or number.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("import")(import_)
    upstream = Commands(no_args_is_help=True, help="What the sources have.")
    upstream.command("search")(search)
    upstream.command("resolve")(resolve)
    app.add_typer(upstream, name="upstream")


def import_(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    package: PackageArgument,
    to: Annotated[str | None, typer.Option("--to", metavar="DIST", help="Distribution that it goes to.")] = None,
    source: FromOption = None,
    arch: ArchOption = None,
    group: Annotated[str | None, typer.Option("--group", metavar="NAME", help="Name for what comes together.")] = None,
    no_deps: Annotated[bool, typer.Option("--no-deps", help="Without what it needs.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Bring a package from a source, with all that it needs, through the same checks as an upload.

    Interrupting ends the watching, not the import: 'entrepot jobs' finds it again. The exit code is 0 when the package
    came in or was there, 3 when it waits for a person or was refused, 7 when it could not be had.
    """
    output = Output(as_json=as_json)
    wanted = _wanted(package)
    said: ImportWords = {"dependencies": not no_deps}
    if wanted.version:
        said["version"] = wanted.version
    if to is not None:
        said["distribution"] = to
    if arch is not None:
        said["arch"] = arch
    if group is not None:
        said["group"] = group
    last: dict[str, Any] = {}
    with connect(ctx, url, output) as client, CountBar(output) as bar:
        for event in client.imports.watch(wanted.name, source=source, **said):
            last = event.data
            bar.at(last)
            if as_json:
                output.json_line(last)
            elif last.get("type") == "event" and last.get("message"):
                output.line(one_line(str(last["message"])))
    if last.get("status") != "done":
        raise CommandFailed(
            one_line(str(last.get("message") or "it broke off")), "import.failed", ExitCode.NOT_COMPLETE
        )
    result = last["job"]["result"]
    if not as_json:
        _show(output, result)
    if result["status"] in ("pending_review", "rejected"):
        raise typer.Exit(ExitCode.REFUSED)


def search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Name of a package, or a part of it.")],
    source: FromOption = None,
    arch: ArchOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="At most so many.")] = 20,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Find packages of the sources; a version that several have is there once."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.imports.search(text, limit=limit, source=source, arch=arch)
    if as_json:
        output.json(body)
        return
    output.table(
        ("PACKAGE", "VERSION", "ARCH", "SOURCES", "DESCRIPTION"),
        (
            (row["name"], row["version"], row["arch"], words(row["sources"]), one_line(row["description"]))
            for row in body["results"]
        ),
    )


def resolve(
    ctx: typer.Context,
    package: PackageArgument,
    to: Annotated[str | None, typer.Option("--to", metavar="DIST", help="Distribution that it would go to.")] = None,
    source: FromOption = None,
    arch: ArchOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what an import would bring. The exit code is 3 when something that it needs is nowhere."""
    output = Output(as_json=as_json)
    wanted = _wanted(package)
    with connect(ctx, url, output) as client:
        body = client.imports.resolve(wanted.name, version=wanted.version, arch=arch, distribution=to, source=source)
    if as_json:
        output.json(body)
    else:
        output.table(
            ("PACKAGE", "VERSION", "ARCH", "FROM", "NEEDED BY"),
            (
                (
                    row["name"],
                    row["version"],
                    row["arch"],
                    "is here" if row["already_in_repo"] else row.get("source_id") or "",
                    row["required_by"] or "",
                )
                for row in body["packages"]
            ),
        )
        for each in body["unresolved"]:
            output.verdict("missing", one_line(each))
    if not body["success"]:
        raise typer.Exit(ExitCode.REFUSED)


def _wanted(text: str) -> PackageName:
    wanted = package_name(text)
    if not wanted.name or wanted.version == "":
        raise CommandFailed("a package has a name", "usage", ExitCode.INVALID, "give NAME or NAME=VERSION")
    return wanted


def _show(output: Output, result: dict[str, Any]) -> None:
    named = one_line(f"{result['name']} {result['version']} {result['arch']} in {result['distribution']}")
    more = f"; {len(result['imported'])} imported, {len(result['skipped'])} there already"
    output.verdict(str(result["status"]), named + more)
    for each in result["failed"]:
        output.verdict("failed", one_line(str(each["message"])))
