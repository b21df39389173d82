"""``source``: repositories of other people that packages are imported from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from entrepot.client.sources import SourceWords
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line, words

NameArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="Name or number, as 'source ls' shows it.")]
KeyOption = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="Armored keys, one of which has to sign the index.")
]
_MOST_KEY_BYTES = 4 << 20


class TypeChoice(StrEnum):
    """What kind of repository."""

    APT = "apt"
    RPM = "rpm"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    sources = Commands(no_args_is_help=True, help="Repositories of others, to import packages from.")
    sources.command("ls")(ls)
    sources.command("add")(add)
    sources.command("enable")(enable)
    sources.command("disable")(disable)
    sources.command("rm")(rm)
    sources.command("sync")(sync)
    app.add_typer(sources, name="source")


def ls(
    ctx: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are switched off.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List sources, and how each stands."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.sources.all()
    if as_json:
        output.json(body)
        return
    rows = [row for row in body["sources"] if all_ or row["enabled"]]
    if not rows:
        output.note("no source is switched on; 'entrepot source ls --all' shows those that come with the program")
        return
    output.table(
        ("SOURCE", "TYPE", "DISTRIBUTION", "COMPONENTS", "PACKAGES", "STATUS", "UP TO DATE (UTC)"),
        (
            (
                row["name"],
                row["type"],
                row["distribution"],
                words(row["components"]),
                row["pkg_count"],
                row["error_code"] or row["status"],
                moment(row["last_sync"]),
            )
            for row in rows
        ),
    )


def add(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and . _ + -")],
    where: Annotated[str, typer.Argument(metavar="URL", help="As in sources.list, or a baseurl.")],
    type_: Annotated[TypeChoice, typer.Option("--type", "-t", help="Kind of repository.")] = TypeChoice.APT,
    distribution: Annotated[
        str | None, typer.Option("--distribution", "-d", metavar="DIST", help="apt: its suite.", show_default=False)
    ] = None,
    component: Annotated[
        list[str] | None, typer.Option("--component", "-c", metavar="C", help="A component; several times for more.")
    ] = None,
    arch: Annotated[
        list[str] | None, typer.Option("--arch", "-a", metavar="ARCH", help="An architecture; several times for more.")
    ] = None,
    key: KeyOption = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Take its index without any signature.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Add a source; nothing is fetched before it is synchronised."""
    output = Output(as_json=as_json)
    said: SourceWords = {"allow_unsigned": unsigned}
    if distribution is not None:
        said["distribution"] = distribution
    if component:
        said["components"] = component
    if arch:
        said["architectures"] = arch
    if key is not None:
        said["gpg_key"] = _key(key)
    with connect(ctx, url, output) as client:
        row = client.sources.add(name, type_.value, where, **said)
    if as_json:
        output.json(row)
    else:
        output.note(f"added: {row['name']} ({row['id']}); next: entrepot source sync {row['name']}")


def enable(ctx: typer.Context, source: NameArgument, key: KeyOption = None, url: UrlOption = None) -> None:
    """Switch a source on, so that it is synchronised every night."""
    output = Output()
    said: SourceWords = {"enabled": True}
    if key is not None:
        said["gpg_key"] = _key(key)
    with connect(ctx, url, output) as client:
        output.note(f"switched on: {client.sources.change(source, **said)['name']}")


def disable(ctx: typer.Context, source: NameArgument, url: UrlOption = None) -> None:
    """Switch a source off."""
    output = Output()
    with connect(ctx, url, output) as client:
        output.note(f"switched off: {client.sources.change(source, enabled=False)['name']}")


def rm(ctx: typer.Context, source: NameArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Remove a source with what was listed from it; what was imported stays."""
    output = Output()
    with connect(ctx, url, output) as client:
        confirm(f"Remove the source {source}?", yes=yes)
        output.note(f"removed: {client.sources.remove(source)['source_id']}")


def sync(
    ctx: typer.Context,
    source: NameArgument,
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help="Also when most packages are gone.")] = False,
    url: UrlOption = None,
) -> None:
    """Bring the copy of a source's index up to date, and show how it goes."""
    output = Output()
    with connect(ctx, url, output) as client:
        last: dict[str, object] = {}
        shown = ""
        for event in client.sources.watch(source, accept_loss=accept_loss):
            last = event.data
            status, message = str(last.get("status")), str(last.get("message") or "")
            if status != shown or message:
                output.note(one_line(f"{status}: {message or last.get('count')}"))
            shown = status
    if last.get("status") != "done":
        code = str(last.get("code") or "job.failed")
        raise CommandFailed(one_line(str(last.get("message") or "it broke off")), code, ExitCode.REFUSED)


def _key(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_KEY_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        raise CommandFailed(
            f"{path} is no file with armored keys", "usage", ExitCode.INVALID, "make one with 'gpg --armor --export'"
        ) from None
