"""``import`` and ``upstream``: packages of other people's repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from entrepot.client.answers_imports import Recipe
from entrepot.client.imports import BatchWords, ImportWords
from entrepot.entrypoints.cli.commands import Commands, Group
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.progress import CountBar
from entrepot.entrypoints.cli.session import ArchOption, JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import PackageName, one_line, package_name, words

_MOST_CHARACTERS = 512_000
"""The server takes 500 kB; of a longer file enough for it to say so."""

PackageArgument = Annotated[
    str, typer.Argument(metavar="NAME[=VERSION]", help="Package; without a version, the newest.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="SOURCE", help="Only from this source: its name or number.")
]

_PACKAGE = "package"
IMPORT_HELP = (
    "Bring a package from a source, with all that it needs, through the same checks as an upload.\n\n"
    "'entrepot import NAME' is short for 'entrepot import package NAME'."
)
_VERDICTS = {"available": "ok", "importable": "can be had", "unknown": "missing"}


class _PackageFirst(Group):
    """Whatever is no command of this group is a package."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """With the command that is meant."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [_PACKAGE, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    imports = Commands(cls=_PackageFirst, no_args_is_help=True, help=IMPORT_HELP)
    imports.command(_PACKAGE)(import_)
    imports.command("dockerfile")(dockerfile)
    app.add_typer(imports, name="import")
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


def dockerfile(
    ctx: typer.Context,
    file: Annotated[typer.FileText, typer.Argument(metavar="FILE", help="Dockerfile; '-' reads standard input.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="DIST", help="Distribution to look in, instead of the image's own.")
    ] = None,
    bring: Annotated[bool, typer.Option("--bring", help="Import what can be had.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show which packages a Dockerfile installs, and where each can be had; nothing of it is run.

    The exit code is 3 when a package is neither here nor in a source, and with --bring when one did not come in.
    """
    output = Output(as_json=as_json)
    failed: list[Mapping[str, Any]] = []
    said: BatchWords = {} if to is None else {"distribution": to}
    with connect(ctx, url, output) as client:
        body = client.imports.recipe(file.read(_MOST_CHARACTERS), distribution=to)
        if not as_json:
            _show_recipe(output, body)
        for batch in body["import_batches"] if bring else ():
            done = client.imports.batch(batch["packages"], **said)
            failed += [row for row in done["results"] if row["status"] in ("error", "rejected")]
            for row in () if as_json else done["results"]:
                text = f"{row['name']} {row['version']}: {row['message'] or 'came in'}"
                output.verdict(row["status"], one_line(text))
    if as_json:
        output.json(body)
    if body["unknown"] or failed:
        raise typer.Exit(ExitCode.REFUSED)


def _show_recipe(output: Output, body: Recipe) -> None:
    output.table(
        ("PACKAGE", "VERSION", "FOR", "STAGE", "STATUS", "FROM"),
        (
            (
                one_line(row["name"]),
                row["version"] or "",
                row["distribution"] or row["pkg_manager"],
                one_line(row["stage"]),
                _VERDICTS.get(row["status"], row["status"]),
                "" if (info := row["upstream_info"]) is None else f"{info['source_id']} {info['version']}",
            )
            for row in body["packages_found"]
        ),
    )
    for each in body["unresolved"]:
        output.verdict("unresolved", one_line(f"{each['command']}: {each['text']}"))


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
