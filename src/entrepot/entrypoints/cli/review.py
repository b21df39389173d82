"""``review``: packages that wait for a person, and what people decided about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import islice
from typing import Annotated, Any

import typer

from entrepot.client.answers_decisions import DecisionRecord
from entrepot.client.reviews import Terms
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import (
    ArchOption,
    JsonOption,
    NoWaitOption,
    UrlOption,
    YesOption,
    confirm,
    connect,
)
from entrepot.entrypoints.cli.text import PackageName, counted, moment, one_line, package_name
from entrepot.entrypoints.cli.walks import pages

_PER_PAGE = 200
PackageArgument = Annotated[str, typer.Argument(metavar="NAME=VERSION", help="As 'review ls' names it.")]
NumberArgument = Annotated[int, typer.Argument(metavar="ID", min=1, help="As 'review decisions' numbers it.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why; kept with the decision.")]
DaysOption = Annotated[int | None, typer.Option("--days", min=1, max=3650, metavar="N", help="How long it holds.")]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="YYYY-MM-DD", help="The day (UTC) on which it ends; instead of --days.")
]
DigestOption = Annotated[
    str | None, typer.Option("--sha256", metavar="HEX", help="The file that was looked at; any other one is refused.")
]
CveOption = Annotated[
    list[str] | None, typer.Option("--cve", metavar="ID", help="Accept this finding only; may be repeated.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="WHO", help="A user, or group:NAME; without it nobody looks after it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    reviews = Commands(no_args_is_help=True, help="Packages that wait for a person.")
    reviews.command("ls")(ls)
    reviews.command("approve")(approve)
    reviews.command("except")(except_)
    reviews.command("reject")(reject)
    reviews.command("upgrade")(upgrade)
    reviews.command("assign")(assign)
    reviews.command("quarantine")(quarantine)
    reviews.command("decisions")(decisions)
    reviews.command("revoke")(revoke)
    app.add_typer(reviews, name="review")


def ls(
    ctx: typer.Context,
    assigned: Annotated[
        str | None, typer.Option("--assigned", metavar="WHO", help="mine, unassigned, a user, or group:NAME.")
    ] = None,
    severity: Annotated[str | None, typer.Option("--severity", metavar="WORD", help="This bad or worse.")] = None,
    dist: Annotated[str | None, typer.Option("--dist", "-d", metavar="NAME", help="For this distribution.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 1000,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print NAME=VERSION only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List what waits, the worst first, and why."""
    output = Output(as_json=as_json, quiet=quiet)
    seen: dict[str, Any] = {}
    with connect(ctx, url, output) as client:

        def page(number: int) -> Mapping[str, Any]:
            body = client.reviews.queue(number, _PER_PAGE, severity=severity, distribution=dist, assigned=assigned)
            seen.setdefault("body", body)
            return body["packages"]

        rows = list(islice(pages(page), limit))
    output.listing(
        {**seen["body"], "packages": {**seen["body"]["packages"], "items": rows}},
        rows,
        ("PACKAGE", "ARCH", "FOR", "WORST", "DUE (UTC)", "WHOSE", "FROM", "WHY"),
        lambda row: (
            f"{row['name']}={row['version']}",
            row["arch"],
            row["distribution"],
            row["worst_severity"] or "-",
            moment(row["sla"]["expires_at"]) if row["sla"]["has_sla"] else "-",
            row["assigned_to"] or "-",
            row["imported_by"],
            "; ".join(row["reasons"]),
        ),
        ids=lambda row: f"{row['name']}={row['version']}",
        none="nothing waits",
    )


def approve(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    package: PackageArgument,
    reason: ReasonOption,
    cve: CveOption = None,
    sha256: DigestOption = None,
    arch: ArchOption = None,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Let a package out: when the command returns, clients can install it."""
    terms = Terms(arch=arch, sha256=sha256, cve_ids=cve)
    _decide(ctx, package, "approve", reason, terms, wait=not no_wait, as_json=as_json, url=url)


def except_(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    package: PackageArgument,
    reason: ReasonOption,
    days: DaysOption = None,
    until: UntilOption = None,
    cve: CveOption = None,
    sha256: DigestOption = None,
    arch: ArchOption = None,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Let a package out until a day; then it leaves the index by itself and waits again."""
    terms = Terms(arch=arch, sha256=sha256, cve_ids=cve, expires_in_days=_days(days, until))
    _decide(ctx, package, "exception", reason, terms, wait=not no_wait, as_json=as_json, url=url)


def reject(
    ctx: typer.Context,
    package: PackageArgument,
    reason: ReasonOption,
    arch: ArchOption = None,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Keep a package out: the same bytes are refused until the decision is revoked."""
    _decide(ctx, package, "reject", reason, Terms(arch=arch), wait=not no_wait, as_json=as_json, url=url)


def upgrade(
    ctx: typer.Context,
    package: PackageArgument,
    reason: ReasonOption,
    target: Annotated[
        str | None, typer.Option("--target", metavar="VERSION", help="This version or a later one; else any later one.")
    ] = None,
    arch: ArchOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Keep a package out until a newer version is published, which settles it."""
    terms = Terms(arch=arch, target_version=target)
    _decide(ctx, package, "upgrade_required", reason, terms, wait=True, as_json=as_json, url=url)


_VERDICTS = {"approve": "approved", "exception": "approved", "reject": "rejected", "upgrade_required": "rejected"}


def _decide(
    ctx: typer.Context,
    package: str,
    decision: str,
    reason: str,
    terms: Terms,
    *,
    wait: bool,
    as_json: bool,
    url: str | None,
) -> None:
    output = Output(as_json=as_json)
    wanted, version = _one_version(package)
    with connect(ctx, url, output, wait=wait) as client:
        body = client.reviews.decide(wanted.name, version, decision, reason, **terms)
    if as_json:
        output.json(body)
    else:
        output.verdict(_VERDICTS[decision], one_line(str(body["message"])))


def assign(
    ctx: typer.Context,
    package: PackageArgument,
    to: ToOption = None,
    arch: ArchOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Hand a package that waits to a user or a group."""
    output = Output(as_json=as_json)
    wanted, version = _one_version(package)
    with connect(ctx, url, output) as client:
        body = client.reviews.assign(wanted.name, version, to, architecture=arch)
    output.done(body, f"{one_line(str(wanted))} is looked after by {one_line(to) if to else 'nobody'}")


def quarantine(
    ctx: typer.Context,
    package: PackageArgument,
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why; kept with the decision.")] = "",
    arch: ArchOption = None,
    no_wait: NoWaitOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Take a package out of everybody's reach, wherever it is; 'review approve' releases it."""
    output = Output(as_json=as_json)
    wanted, version = _one_version(package)
    confirm(f"take {one_line(str(wanted))} out of every distribution?", yes=yes)
    with connect(ctx, url, output, wait=not no_wait) as client:
        body = client.reviews.quarantine(wanted.name, version, reason, architecture=arch)
    if as_json:
        output.json(body)
    else:
        output.verdict("quarantined", one_line(str(body["message"])))


def decisions(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    package: Annotated[str | None, typer.Argument(metavar="[NAME[=VERSION]]", help="About this one only.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Those that I or my groups look after.")] = False,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Those that nobody looks after.")] = False,
    ended: Annotated[bool, typer.Option("--ended", help="Those that are in force no longer, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 1000,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print numbers only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List what was decided, the newest first, and until when it holds."""
    output = Output(as_json=as_json, quiet=quiet)
    wanted = package_name(package) if package else None
    with connect(ctx, url, output) as client:

        def page(number: int) -> Mapping[str, Any]:
            if mine:
                return client.decisions.mine(number, _PER_PAGE)
            if unassigned:
                return client.decisions.unassigned(number, _PER_PAGE)
            return client.decisions.all(
                number,
                _PER_PAGE,
                package=wanted.name if wanted else None,
                version=wanted.version if wanted else None,
                status="all" if ended else "in_force",
            )

        rows: list[DecisionRecord] = list(islice(pages(page), limit))
    if as_json:
        output.json({"decisions": rows, "count": len(rows)})
    elif quiet:
        output.ids(str(row["id"]) for row in rows)
    elif not rows:
        output.note("no decisions")
    else:
        output.table(
            ("ID", "PACKAGE", "ARCH", "FOR", "STATUS", "BY", "UNTIL (UTC)", "WHOSE", "WHY"),
            (
                (
                    row["id"],
                    f"{row['package']}={row['version']}",
                    row["arch"],
                    row["distribution"],
                    row["status"],
                    row["decided_by"],
                    moment(row["expires_at"]) if row["expires_at"] else row["target_version"] or "-",
                    row["assigned_to"] or "-",
                    row["justification"],
                )
                for row in rows
            ),
        )
        output.note(counted(len(rows), "decision"))


def revoke(
    ctx: typer.Context,
    number: NumberArgument,
    reason: ReasonOption,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """End a decision now: the package leaves the index, if it had let it in, and waits again."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output, wait=not no_wait) as client:
        body = client.decisions.revoke(number, reason)
    if as_json:
        output.json(body)
    else:
        record = body["decision"]
        output.line(f"revoked {number}: {one_line(record['package'])} {one_line(record['version'])} waits again")


def _one_version(package: str) -> tuple[PackageName, str]:
    wanted = package_name(package)
    if wanted.version is None:
        raise CommandFailed("a decision is about one version", "usage", ExitCode.INVALID, f"give {wanted.name}=VERSION")
    return wanted, wanted.version


def _days(days: int | None, until: str | None) -> int | None:
    """How many days there are until a date; the server's own number where nothing is said."""
    if until is None:
        return days
    if days is not None:
        raise CommandFailed("--days and --until say the same thing", "usage", ExitCode.INVALID, "give one of them")
    try:
        found = (date.fromisoformat(until) - _today()).days
    except ValueError:
        raise CommandFailed(f"{until!r} is no date", "usage", ExitCode.INVALID, "write it like 2027-01-31") from None
    if found < 1:
        raise CommandFailed(f"{until} is not in the future", "usage", ExitCode.INVALID, "give a later day")
    return found


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251 - the day of whoever types
