"""``trusted-key``: whom distributions trust to sign and to build packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entrepot.client.answers_provenance import TrustedKeyRow
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line

MOST_BYTES = 1 << 20
DistArgument = Annotated[str, typer.Argument(metavar="DIST", help="Distribution.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    keys = Commands(no_args_is_help=True, help="Keys that distributions trust: list, add, remove.")
    keys.command("list")(list_)
    keys.command("add")(add)
    keys.command("rm")(rm)
    app.add_typer(keys, name="trusted-key")


def list_(ctx: typer.Context, dist: DistArgument, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """List whom a distribution trusts."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.provenance.trusted_keys(dist)
    if as_json:
        output.json(body)
    else:
        _table(output, body["keys"])


def add(
    ctx: typer.Context,
    dist: DistArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The key.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call a public key or a root.")] = "",
    allow_weak: Annotated[bool, typer.Option("--allow-weak", help="Put up with SHA-1 and short keys.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Trust a key from now on.

    The file holds OpenPGP certificates, armored or not, a public key in PEM, or Sigstore's trusted_root.json.  A key
    that is there already is replaced.  Needs the role admin.
    """
    output = Output(as_json=as_json)
    data = _read(file)
    with connect(ctx, url, output) as client:
        body = client.provenance.trust_key(dist, data, name=name, allow_weak=allow_weak)
    if as_json:
        output.json(body)
        return
    for warning in body["warnings"]:
        output.note(f"put up with: {one_line(warning)}")
    _table(output, body["keys"])


def rm(
    ctx: typer.Context,
    dist: DistArgument,
    fingerprint: Annotated[str, typer.Argument(metavar="FINGERPRINT", help="As 'trusted-key list' shows it.")],
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Trust a key no longer.

    Packages that are published already stay so.  Needs the role admin.
    """
    output = Output(as_json=as_json)
    confirm(f"Trust {fingerprint} in {dist} no longer?", yes=yes)
    with connect(ctx, url, output) as client:
        body = client.provenance.distrust_key(dist, fingerprint)
    output.done(body, f"removed {one_line(body['fingerprint'])} from {one_line(body['codename'])}")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", "file.unreadable", ExitCode.INVALID) from error
    if len(data) > MOST_BYTES:
        raise CommandFailed(f"{file} has more than {MOST_BYTES >> 10} KiB", "file.too_large", ExitCode.INVALID)
    return data


def _table(output: Output, keys: list[TrustedKeyRow]) -> None:
    output.table(
        ("KIND", "FINGERPRINT", "NAME", "EXPIRES", "WEAK"),
        (
            (key["kind"], key["fingerprint"], one_line(key["name"]), moment(key["expires"]), "yes" * key["weak"])
            for key in keys
        ),
    )
