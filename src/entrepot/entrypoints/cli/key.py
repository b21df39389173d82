"""``key``: the archives' public signing keys."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.client.answers import ArchiveRow
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import words

_TOP = {"deb": "apt", "rpm": "rpm"}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    keys = Commands(no_args_is_help=True, help="Public signing keys.")
    keys.command("ls")(ls)
    keys.command("show")(show)
    app.add_typer(keys, name="key")


def ls(
    ctx: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print fingerprints only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List archives and the fingerprints of their keys."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.archives()
    if as_json:
        output.json(body)
    elif quiet:
        output.ids(fingerprint for row in body["archives"] for fingerprint in row.get("fingerprints") or [])
    else:
        output.table(
            ("ARCHIVE", "FINGERPRINT", "SUITES"),
            ((full_name(row), words(row.get("fingerprints")), words(row.get("suites"))) for row in body["archives"]),
        )


def show(
    ctx: typer.Context,
    archive: Annotated[str, typer.Argument(metavar="ARCHIVE", help="As 'key ls' names it: apt/main, or main.")],
    url: UrlOption = None,
) -> None:
    """Print the public key of an archive, ASCII-armored.

    Clients get it with their source file already; 'entrepot suite set-up' shows how.
    """
    output = Output()
    with connect(ctx, url, output) as client:
        row = _chosen(client.archives()["archives"], archive)
        text = client.public_key("deb" if row["format"] == "deb" else "rpm", row["name"])
    for line in text.rstrip("\n").split("\n"):
        output.line("".join(char for char in line if char.isprintable()))


def full_name(row: ArchiveRow) -> str:
    """As in URLs, and unlike the bare name never of two meanings."""
    return f"{_TOP.get(row.get('format', ''), '?')}/{row.get('name')}"


def _chosen(rows: list[ArchiveRow], archive: str) -> ArchiveRow:
    found = [row for row in rows if archive in {full_name(row), row.get("name")}]
    if not found:
        raise CommandFailed(
            f"there is no archive {archive!r}", "not_found", ExitCode.NOT_FOUND, "'entrepot key ls' lists them"
        )
    if len(found) > 1:
        names = " or ".join(full_name(row) for row in found)
        raise CommandFailed(f"{archive} is several archives", "ambiguous", ExitCode.INVALID, f"say {names}")
    return found[0]
