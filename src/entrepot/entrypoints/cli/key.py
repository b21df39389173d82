"""``key``: the archives' signing keys."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.client.answers import ArchiveRow
from entrepot.client.answers_upkeep import KeysChanged
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import one_line, words

_TOP = {"deb": "apt", "rpm": "rpm"}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    keys = Commands(no_args_is_help=True, help="Signing keys: list, show, rotate.")
    keys.command("ls")(ls)
    keys.command("show")(show)
    keys.command("rotate")(rotate)
    keys.command("retire")(retire)
    keys.command("extend")(extend)
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


ArchiveOption = Annotated[
    str, typer.Option("--archive", metavar="ARCHIVE", help="Only this one: apt/main, rpm/main, or main for both.")
]


def rotate(
    ctx: typer.Context,
    archive: ArchiveOption = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name in the new key.")] = "",
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS", help="Mail address in the new key.")] = "",
    expire: Annotated[str, typer.Option("--expire", metavar="TIME", help="90d, 6m, 2y; without it, never.")] = "",
    algorithm: Annotated[str, typer.Option("--algorithm", metavar="NAME", help="rsa4096 or ed25519.")] = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Make a new key beside the old one; from now on both sign.

    When the command returns, every distribution is signed by both, and clients that fetch the key get both.  Machines
    that know one of them go on as before.  Needs the role admin.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.keys.rotate(archive=archive, name=name, email=email, expire=expire, algorithm=algorithm)
    _tell(output, body, as_json=as_json)


def retire(
    ctx: typer.Context,
    archive: ArchiveOption = "",
    force: Annotated[bool, typer.Option("--force", help="Before both have signed for 30 days.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Take the older of two keys away.

    Machines that do not know the new one refuse the archive afterwards.  There is no way back but a backup.  Needs the
    role admin.
    """
    output = Output(as_json=as_json)
    confirm("Retire the old key?  Machines that know only that one are lost.", yes=yes)
    with connect(ctx, url, output) as client:
        body = client.keys.retire(archive, force=force)
    _tell(output, body, as_json=as_json)


def extend(
    ctx: typer.Context,
    expire: Annotated[str, typer.Argument(metavar="TIME", help="From now: 90d, 6m, 2y, or never.")],
    archive: ArchiveOption = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Give keys another end; they stay the same keys.

    Clients have to fetch them once more.  Needs the role admin.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.keys.extend(expire, archive)
    _tell(output, body, as_json=as_json)


def _tell(output: Output, body: KeysChanged, *, as_json: bool) -> None:
    if as_json:
        output.json(body)
        return
    for fingerprint in body["fingerprints"]:
        output.line(one_line(fingerprint))
    output.note(one_line(body["message"]))


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
