"""``bundle``: states that are carried to a server which no network reaches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from entrepot.client.answers_bundles import BundleVolume
from entrepot.client.api import Client
from entrepot.domain.bundles.head import Head
from entrepot.domain.model.digest import Digest
from entrepot.entrypoints.cli.bundle_files import Part, Told, look, part_of, verify_volumes, volumes_of
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.progress import watched
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line, size

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_MOST_KEY_BYTES = 4 << 20
FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Volumes; one of several stands for all beside it.")
]
KeyOption = Annotated[
    Path | None, typer.Option("--key", "-k", metavar="FILE", help="Key of the server that made it (OpenPGP).")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    bundles = Commands(no_args_is_help=True, help="States on their way to a server that no network reaches.")
    bundles.command("create")(create)
    bundles.command("fetch")(fetch)
    bundles.command("verify")(verify)
    bundles.command("show")(show)
    bundles.command("import")(import_)
    bundles.command("ls")(ls)
    bundles.command("key")(key)
    bundles.command("rm")(rm)
    app.add_typer(bundles, name="bundle")


def create(
    ctx: typer.Context,
    states: Annotated[list[str], typer.Argument(metavar="STATE...", help="DIST, DIST@SNAPSHOT, DIST@env:NAME.")],
    folder: Annotated[Path, typer.Option("--to", "-o", metavar="FOLDER", help="Where to.")] = Path(),
    since: Annotated[
        str, typer.Option("--since", metavar="BUNDLE", help="Only what that bundle has not; 'latest' is the last one.")
    ] = "",
    volume_size: Annotated[
        str, typer.Option("--volume-size", metavar="SIZE", help="Most bytes of a file: 700M, 25G.")
    ] = "",
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="For people.")] = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Make a bundle of one or more states, and fetch its volumes.

    What was fetched is verified.  When it breaks off, 'bundle fetch' goes on.
    """
    output = Output(as_json=as_json)
    most = None if not volume_size else _bytes(volume_size)
    with connect(ctx, url, output) as client:
        job = client.bundles.make(states, base=since, volume_size=most, label=label)["job_id"]
        result = watched(client, job, output)
        for name in result.get("withheld") or ():
            output.note(f"left out, in quarantine: {one_line(name)}")
        _fetch(client, str(result["bundle"]), folder, output)


def fetch(
    ctx: typer.Context,
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="Its id, as 'bundle ls' shows it.")],
    folder: Annotated[Path, typer.Option("--to", "-o", metavar="FOLDER", help="Where to.")] = Path(),
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Fetch the volumes of a bundle, or what is missing of them, and verify them."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        _fetch(client, bundle, folder, output)


def verify(
    files: FilesArgument,
    key: KeyOption = None,
    any_key: Annotated[bool, typer.Option("--any-key", help="Believe the key that comes along.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Verify all bytes of a bundle.  No server is needed."""
    output = Output(as_json=as_json)
    if (key is None) is not any_key:
        hint = "give --key FILE, or --any-key to believe whatever key comes along"
        raise CommandFailed("say whose signature the bundle must have", "usage", ExitCode.INVALID, hint)
    volumes = volumes_of(files)
    with _bar(output, "verifying", sum(path.stat().st_size for path in volumes if path.is_file())) as told:
        checked = verify_volumes(volumes, None if key is None else _key(key), told)
    signed = f"signed by {', '.join(checked.signers)}"
    if as_json:
        output.json({**_head_words(checked.head), "files_found": checked.files, "missing": checked.missing})
    else:
        output.note(f"{checked.files} files, {size(checked.size_bytes)} in {checked.volumes} volumes fit; {signed}")
        if any_key:
            output.note("that key came along with the bundle: nobody here has vouched for it")
    if checked.missing:
        output.note(f"{checked.missing} files are in other volumes")
        raise typer.Exit(ExitCode.NOT_COMPLETE)


def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Any volume.")],
    packages: Annotated[bool, typer.Option("--packages", help="List what its states hold.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a bundle says of itself; nothing is verified.  No server is needed."""
    output, head = Output(as_json=as_json), look(file)
    manifest = head.manifest
    if as_json:
        output.json(_head_words(head))
        return
    output.fields(
        {
            "bundle": manifest.id,
            "label": manifest.label or None,
            "made": f"{manifest.created_at:%Y-%m-%d %H:%M:%S} UTC",
            "chain": f"{manifest.chain}, number {manifest.number}",
            "builds on": manifest.base or None,
            "carries": f"{manifest.file_count} files, {size(manifest.size_bytes)}",
            "states": "\n".join(
                f"{state.reference}: {state.path_name}, {state.entry_count} files" for state in manifest.states
            ),
        }
    )
    if packages:
        output.table(
            ("STATE", "NAME", "VERSION", "ARCH", "BYTES", "DECIDED BY"),
            (
                (
                    state.reference,
                    entry.name or entry.path,
                    entry.version,
                    entry.architecture,
                    entry.size_bytes,
                    one_line(str(entry.told.get("decided_by") or "")),
                )
                for state in manifest.states
                for entry in head.entries(state)
            ),
        )


def import_(
    ctx: typer.Context,
    files: FilesArgument,
    into: Annotated[
        list[str] | None, typer.Option("--into", metavar="STATE=DIST", help="Into another distribution.")
    ] = None,
    new: Annotated[bool, typer.Option("--create", help="Make distributions and mirrors that are not there.")] = False,
    snapshot: Annotated[str, typer.Option("--snapshot", metavar="NAME", help="Keep what came under a name.")] = "",
    older: Annotated[bool, typer.Option("--older", help="Also when something newer was imported before.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Send a bundle to this server, and import it.

    What arrived before is not sent again.  Every package passes the checks of the server; machines see everything at
    once, when all of it is there.
    """
    output = Output(as_json=as_json)
    targets = _targets(into or [])
    volumes = volumes_of(files)
    with connect(ctx, url, output) as client:
        bundle = _send(client, volumes, output)
        begun = client.bundles.take_in(bundle, into=targets, create=new, snapshot=snapshot, older=older)
        result = watched(client, begun["job_id"], output)
    if as_json:
        output.json(result)
    counts = {name: value for name, value in result.items() if isinstance(value, int)}
    output.note(", ".join(f"{value} {name}" for name, value in counts.items()))
    for line in result.get("not_taken") or ():
        output.note(f"not taken: {one_line(line)}")
    if result.get("not_taken"):
        raise typer.Exit(ExitCode.REFUSED)


def ls(ctx: typer.Context, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """List bundles that were made here or came here, newest first."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.bundles.all(per_page=200)
    if as_json:
        output.json(body)
        return
    output.table(
        ("BUNDLE", "STATUS", "BUILDS ON", "STATES", "FILES", "SIZE", "MADE (UTC)"),
        (
            (
                row["id"],
                row["status"],
                row["base"] or "",
                one_line(", ".join(state["reference"] for state in row["states"])),
                row["files"],
                size(row["bytes"]),
                moment(row["made_at"]),
            )
            for row in body["items"]
        ),
    )


def key(ctx: typer.Context, url: UrlOption = None) -> None:
    """Print the key that signs the bundles of this server, for those that take them in."""
    output = Output()
    with connect(ctx, url, output) as client:
        typer.echo(client.bundles.key(), nl=False)


def rm(
    ctx: typer.Context,
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="Its id.")],
    yes: YesOption = False,
    url: UrlOption = None,
) -> None:
    """Forget a bundle; what was imported from it stays."""
    output = Output()
    with connect(ctx, url, output) as client:
        confirm(f"Forget bundle {bundle}? No increment can build on it any more.", yes=yes)
        output.note(f"forgotten: {client.bundles.remove(bundle)['id']}")


def _fetch(client: Client, bundle: str, folder: Path, output: Output) -> None:
    row = client.bundles.one(bundle)
    with _bar(output, "fetching", sum(volume["bytes"] for volume in row["volumes"])) as told:
        paths = [_one_volume(client, row["id"], volume, folder, told) for volume in row["volumes"]]
    verify_volumes(paths, client.bundles.key().encode())
    if output.as_json:
        output.json({**row, "paths": [str(path) for path in paths]})
    else:
        for path in paths:
            output.line(str(path))


def _one_volume(client: Client, bundle: str, volume: BundleVolume, folder: Path, told: Told) -> Path:
    path = folder / Path(volume["name"]).name
    if path.exists() and path.stat().st_size == volume["bytes"]:
        told(volume["bytes"])
        return path
    part = path.with_name(f"{path.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = part.stat().st_size if part.exists() else 0
        told(there)
        with part.open("ab") as file:
            if there < volume["bytes"]:
                client.bundles.fetch(bundle, volume["number"], file, start=there, told=told)
        part.replace(path)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}", "bad_file", ExitCode.INVALID) from error
    return path


def _send(client: Client, volumes: list[Path], output: Output) -> str:
    """The head first, which tells what is missing; then that."""
    head = look(volumes[0])
    only = Part(volumes[0], part_of(volumes[0], lambda _: False).head, ())
    answer = client.bundles.send(only)
    missing = _missing(head, answer["missing"]["bits"])
    with _bar(output, "sending", answer["missing"]["bytes"]) as told:
        for path in volumes:
            part = part_of(path, missing.__contains__, told)
            if part.places:
                answer = client.bundles.send(part)
    return answer["id"]


def _missing(head: Head, bits: str) -> set[Digest]:
    flags = bytes.fromhex(bits)
    return {
        digest
        for number, digest in enumerate(head.carried)
        if number // 8 < len(flags) and flags[number // 8] & 0x80 >> number % 8
    }


def _targets(into: list[str]) -> dict[str, str]:
    found = {}
    for one in into:
        state, mark, distribution = one.rpartition("=")
        if not mark or not state or not distribution:
            raise CommandFailed(f"--into {one}: write STATE=DIST", "usage", ExitCode.INVALID)
        found[state] = distribution
    return found


def _bytes(text: str) -> int:
    number, unit = text.rstrip("bBiIkKmMgGtT"), text.lower().rstrip("b").rstrip("i")[-1:]
    if not number.isdigit():
        raise CommandFailed(f"--volume-size {text}: write a number and K, M, G or T", "usage", ExitCode.INVALID)
    return int(number) * _UNITS.get("" if unit.isdigit() else unit, 1)


def _key(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_KEY_BYTES)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}", "no_files", ExitCode.INVALID) from error


def _head_words(head: Head) -> dict[str, Any]:
    manifest = head.manifest
    return {
        "id": manifest.id,
        "label": manifest.label,
        "chain": manifest.chain,
        "number": manifest.number,
        "base": manifest.base or None,
        "made_at": manifest.created_at.isoformat(),
        "files": manifest.file_count,
        "bytes": manifest.size_bytes,
        "requires": list(manifest.requires),
        "states": [
            {
                "reference": state.reference,
                "distribution": state.path_name,
                "content": state.content.value,
                "files": state.entry_count,
            }
            for state in manifest.states
        ],
    }


@contextmanager
def _bar(output: Output, what: str, total: int) -> Iterator[Told]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
    )
    shown = output.errors.is_terminal and not output.quiet
    with Progress(*columns, console=output.errors, disable=not shown, transient=True, expand=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)
