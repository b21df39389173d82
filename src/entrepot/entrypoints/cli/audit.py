"""``audit``: what was done, by whom; and whether the log still says so."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from entrepot.client.answers_overview import AuditRow
from entrepot.client.audit import AuditConditions
from entrepot.entrypoints.cli.audit_files import verify_file
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import moment, one_line

Text = Annotated[str, typer.Argument(metavar="[TEXT]", help="Part of package, user or detail.", show_default=False)]
Package = Annotated[str, typer.Option("--package", "-p", metavar="NAME", help="Only about this package.")]
User = Annotated[str, typer.Option("--user", "-u", metavar="NAME", help="Only by this user.")]
Action = Annotated[str, typer.Option("--action", metavar="ACTION", help="Only this action, such as upload.")]
Result = Annotated[str, typer.Option("--result", metavar="RESULT", help="Only this result, such as failure.")]
Dist = Annotated[str, typer.Option("--dist", "-d", metavar="DIST", help="Only in this distribution.")]
Since = Annotated[str, typer.Option("--since", metavar="TIME", help="From this day or time on, in UTC.")]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Up to this day or time, in UTC.")]

_FORMATS: Mapping[str, Literal["csv", "json"]] = {".csv": "csv", ".json": "json"}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    audit = Commands(no_args_is_help=True, help="The audit log: list, export, verify.")
    audit.command("ls")(ls)
    audit.command("export")(export)
    audit.command("verify")(verify)
    app.add_typer(audit, name="audit")


def ls(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    text: Text = "",
    package: Package = "",
    user: User = "",
    action: Action = "",
    result: Result = "",
    dist: Dist = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, metavar="N", help="At most so many.")] = 50,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List entries, the newest first.

    A terminal shows the most important. In a pipe the columns are separated by tabs: time, action, result, user,
    address, package, version, distribution, detail as JSON.
    """
    output = Output(as_json=as_json)
    conditions = AuditConditions(
        text=text, package=package, user=user, action=action, result=result, distribution=dist, start=since, end=until
    )
    with connect(ctx, url, output) as client:
        found = list(client.audit.newest(conditions, limit))
    if as_json:
        output.json({"items": found, "total": len(found), "page": 1, "per_page": max(1, len(found)), "pages": 1})
        return
    if not found:
        output.note("no entries")
        return
    if output.console.is_terminal:
        output.table(("TIME (UTC)", "ACTION", "RESULT", "USER", "ABOUT"), map(_short, found))
        return
    output.table(
        ("TIME (UTC)", "ACTION", "RESULT", "USER", "FROM", "PACKAGE", "VERSION", "DISTRIBUTION", "DETAIL"),
        (
            (
                one_line(row.get("timestamp", ""))[:19].replace("T", " "),
                row.get("action", ""),
                row.get("result", ""),
                row.get("user", ""),
                row.get("ip", ""),
                row.get("package") or "",
                row.get("version") or "",
                row.get("distribution") or "",
                json.dumps(row["detail"], sort_keys=True) if row.get("detail") else "",
            )
            for row in found
        ),
    )


def _short(row: AuditRow) -> tuple[str, ...]:
    """What fits on a terminal: the package, else the detail."""
    about = " ".join(one_line(row.get(word) or "") for word in ("package", "version", "distribution"))
    detail = ", ".join(f"{name} {value}" for name, value in sorted((row.get("detail") or {}).items()))
    if not row.get("package"):
        about = f"{about.strip()} {detail}"
    return moment(row["timestamp"]), row["action"], row["result"], row["user"], about.strip()


def export(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New; .json or .csv, and .gz to compress.")],
    text: Annotated[str, typer.Option("--text", "-q", metavar="TEXT", help="Part of package, user or detail.")] = "",
    package: Package = "",
    user: User = "",
    action: Action = "",
    result: Result = "",
    dist: Dist = "",
    since: Since = "",
    until: Until = "",
    sign: Annotated[bool, typer.Option("--sign", help="Write its OpenPGP signature to FILE.asc.")] = False,
    url: UrlOption = None,
) -> None:
    """Take entries away as a file, oldest first."""
    output = Output()
    compress = file.suffix == ".gz"
    format_ = _FORMATS.get((file.with_suffix("") if compress else file).suffix)
    if format_ is None:
        raise CommandFailed("the file must end in .json or .csv, and .gz after it", "bad_file", ExitCode.INVALID)
    conditions = AuditConditions(
        text=text, package=package, user=user, action=action, result=result, distribution=dist, start=since, end=until
    )
    try:
        with connect(ctx, url, output) as client, file.open("xb") as target:
            try:
                done = client.audit.export(target, conditions, format_=format_, compress=compress, sign=sign)
            except BaseException:
                file.unlink()  # half an export looks like a whole one
                raise
        if done.signature is not None:
            Path(f"{file}.asc").write_bytes(done.signature)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}", "bad_file", ExitCode.INVALID) from None
    output.line(f"{done.count} entries in {file}")


def verify(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="An export; else the log of the installation here.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of database and keys (ENTREPOT_DATA).")] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="KEY", help="Public key that the checkpoint of an export is signed by.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Compare every entry with its hash, its number, its neighbours and what was signed; changes nothing.

    Without FILE this runs on the server, on its data folder and database; the server may be running.
    """
    offline = getattr(ctx.obj, "verify_audit", None)
    if file is not None:
        report: Mapping[str, object] = verify_file(file, key)
    elif offline is not None:
        report = offline(data)
    else:
        raise CommandFailed("this program has no server; name an exported file", "no_server", ExitCode.INVALID)
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        _tell(Output(), report)
    if report["fault_count"]:
        raise typer.Exit(ExitCode.UNKNOWN)


def _tell(output: Output, report: Mapping[str, object]) -> None:
    faults = report["faults"]
    for fault in faults if isinstance(faults, list) else []:
        output.line(one_line(fault["message"]))
    notes = report["notes"]
    for note in notes if isinstance(notes, list) else []:
        output.note(one_line(note))
    sealed = f", sealed up to {report['sealed_upto']}" if "sealed_upto" in report else ""
    found = report["fault_count"]
    output.line(f"{report['entries']} entries checked{sealed}: {f'{found} fault(s)' if found else 'in order'}")
