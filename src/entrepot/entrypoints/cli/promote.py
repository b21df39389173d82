"""``promote``: from one distribution to another."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.client.answers_promotions import Promotion
from entrepot.entrypoints.cli.failures import ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, NoWaitOption, UrlOption, connect
from entrepot.entrypoints.cli.text import one_line, package_name


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("promote")(promote)


def promote(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(metavar="NAME[=VERSION]", help="Without a version, the newest.")],
    source: Annotated[str, typer.Argument(metavar="FROM", help="Distribution that has it.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Distribution of the same format that shall have it.")],
    arch: Annotated[str | None, typer.Option("--arch", "-a", metavar="ARCH", help="Only this architecture.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when a person has to decide first.")] = False,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Copy a package from one distribution to another.

    When the command returns, clients of the target can install it.  The source keeps it.
    """
    output = Output(as_json=as_json)
    wanted = package_name(package)
    with connect(ctx, url, output, wait=not no_wait) as client:
        body = client.promote(wanted.name, source, target, version=wanted.version, architecture=arch)
    if as_json:
        output.json(body)
    else:
        _tell(output, body, source, target)
    if body["status"] == "pending_review" and strict:
        raise typer.Exit(ExitCode.REFUSED)


def _tell(output: Output, body: Promotion, source: str, target: str) -> None:
    for row in body.get("promoted") or []:
        name, version, arch = (one_line(row.get(part, "")) for part in ("name", "version", "arch"))
        output.verdict("promoted", f"{name} {version} {arch} from {one_line(source)} to {one_line(target)}")
    if body["status"] != "ok":
        output.verdict(one_line(body["status"]), one_line(body.get("message", "")))
