"""``cve``, ``vulnerabilities`` and ``rescan``: what is known to be wrong with packages."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from entrepot.client.answers_findings import Cve, PackageFindings
from entrepot.client.api import Client
from entrepot.client.errors import Missing
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, DistOption, JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import counted, one_line

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the package.", show_default=False)]
Version = Annotated[str | None, typer.Argument(metavar="VERSION", help="Without one, the newest.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("cve")(cve)
    app.command("vulnerabilities")(vulnerabilities)
    app.command("rescan")(rescan)


def cve(
    ctx: typer.Context,
    name: Name,
    version: Version = None,
    dist: DistOption = None,
    arch: ArchOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what is known to be wrong with a package.

    Of one that was refused, what it was refused for.

    In a pipe the columns are separated by tabs: id, severity, CVSS, priority, exploited, fix, text.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        chosen = version or _newest_or_last(client, name)
        body = client.vulnerabilities.of(name, chosen, architecture=arch, distribution=dist)
    if as_json:
        output.json(body)
        return
    output.note(_headline(body))
    if body["cve_results"]:
        output.table(
            ("ID", "SEVERITY", "CVSS", "PRIORITY", "EXPLOITED", "FIX", "ABOUT"),
            (_row(one) for one in body["cve_results"]),
        )


def _row(one: Cve) -> tuple[object, ...]:
    return (
        one["id"],
        one["severity"].lower(),
        "" if one["cvss"] is None else one["cvss"],
        one["trurisk"],
        "yes" if one["in_kev"] else "",
        " ".join(one["fix_versions"]) or one["fix_state"],
        one["description"][:100],
    )


def _headline(body: PackageFindings) -> str:
    where = f"{body['package']} {body['version']} {body['arch']} in {body['distribution']}"
    return one_line(f"{where}: {body['result']}; {body['message']}")


def _newest_or_last(client: Client, name: str) -> str:
    """The newest that is there; where none is, the one that was sent last, as it may have been refused."""
    try:
        return _newest(client, name)
    except Missing:
        return "latest"


def _newest(client: Client, name: str) -> str:
    info = client.artifact(name).get("info")
    found = info.get("latest") if isinstance(info, dict) else None
    if not isinstance(found, str):
        raise CommandFailed(f"{name} has no version", "not_found", ExitCode.NOT_FOUND, "give a version")
    return found


def vulnerabilities(
    ctx: typer.Context,
    dist: DistOption = None,
    severity: Annotated[
        str | None,
        typer.Option("--severity", metavar="WORD", help="critical, high, medium, low, negligible or unknown."),
    ] = None,
    fix_state: Annotated[str | None, typer.Option("--fix", metavar="WORD", help="fixed, not-fixed or unknown.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 1000,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List known vulnerabilities of the packages, the worst first.

    In a pipe the columns are separated by tabs: id, severity, CVSS, priority, exploited, fix, number of packages, some.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        rows = client.vulnerabilities.each(severity=severity, fix_state=fix_state, distribution=dist)
        found = list(islice(rows, limit))
    if as_json:
        output.json({"items": found, "total": len(found)})
        return
    if not found:
        output.note("nothing is known; 'entrepot advisory status' tells what was compared")
        return
    output.table(
        ("ID", "SEVERITY", "CVSS", "PRIORITY", "EXPLOITED", "FIX", "PACKAGES", "SOME"),
        (
            (
                one["id"],
                one["severity"].lower(),
                "" if one["cvss"] is None else one["cvss"],
                one["trurisk"],
                "yes" if one["in_kev"] else "",
                one["fix_state"],
                one["affected_count"],
                " ".join(dict.fromkeys(each["name"] for each in one["affected_packages"][:3])),
            )
            for one in found
        ),
    )


def rescan(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Name of the package.", show_default=False)] = None,
    version: Version = None,
    dist: DistOption = None,
    arch: ArchOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Compare every package with the advisories, in the background.")
    ] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Ask every check again about a package, or compare everything again.

    With an antivirus scanner a job does it, and the command returns before it ends.
    """
    output = Output(as_json=as_json)
    if everything == (name is not None):
        raise CommandFailed("name a package, or give --all", "usage", ExitCode.INVALID, "entrepot rescan NAME")
    with connect(ctx, url, output) as client:
        if name is None:
            every = client.vulnerabilities.compare_again()
            output.json(every) if as_json else output.verdict("running", one_line(every["message"]))
            return
        chosen = version or _newest(client, name)
        body = client.vulnerabilities.rescan(name, chosen, architecture=arch, distribution=dist)
    if as_json:
        output.json(body)
    elif body["status"] == "running":
        output.verdict("running", one_line(f"{name} {chosen}: {body.get('job_id', '')}"))
    else:
        for check, said in body.get("checks", {}).items():
            output.verdict(one_line(said).partition(":")[0], one_line(f"{check}: {said.partition(': ')[2]}"))
        output.verdict(one_line(body.get("new_status", "")), counted(body.get("cve_count", 0), "vulnerability finding"))
