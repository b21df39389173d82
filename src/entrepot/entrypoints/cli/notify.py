"""``notify``: what became of mails and webhooks, and tries of them."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from entrepot.client.answers_overview import Delivery
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import moment, one_line
from entrepot.entrypoints.cli.walks import pages


class Channel(StrEnum):
    """Ways out."""

    WEBHOOK = "webhook"
    MAIL = "mail"


class State(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    notify = Commands(no_args_is_help=True, help="Mails and webhooks: delivery log, tries.")
    notify.command("ls")(ls)
    notify.command("redeliver")(redeliver)
    notify.command("test")(try_out)
    app.add_typer(notify, name="notify")


def ls(
    ctx: typer.Context,
    state: Annotated[State | None, typer.Option("--state", help="Only those.")] = None,
    channel: Annotated[Channel | None, typer.Option("--channel", help="Only this way out.")] = None,
    event: Annotated[str, typer.Option("--event", metavar="EVENT", help="Only about this event.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, metavar="N", help="At most so many.")] = 50,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print ids only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List messages of the last 30 days, the newest first."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        conditions = {"channel": channel, "state": state, "event": event}
        rows = pages(lambda number: client.notifications.deliveries(number, min(limit, 200), **conditions))
        found: list[Delivery] = list(islice(rows, limit))
    if as_json:
        output.json({"items": found, "total": len(found), "page": 1, "per_page": max(1, len(found)), "pages": 1})
    elif quiet:
        output.ids(row["id"] for row in found)
    elif not found:
        output.note("no messages")
    else:
        output.table(("ID", "WHEN (UTC)", "BY", "EVENT", "STATE", "TRIES", "TO, AND WHAT WAS WRONG"), map(_row, found))


def _row(row: Delivery) -> tuple[object, ...]:
    what = "; ".join(text for text in (row["recipient"], row["last_error"]) if text)
    return (
        row["id"],
        moment(row["created_at"]),
        row["channel"],
        row["event"] or "test",
        row["state"],
        row["attempts"],
        what,
    )


def redeliver(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="As 'notify ls' names them.")],
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Send messages again, whatever became of them."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        for ident in ids:
            body = client.notifications.redeliver(ident)
            if as_json:
                output.json(body)
            else:
                output.verdict(one_line(body["state"]), f"{one_line(body['id'])} to {one_line(body['recipient'])}")


def try_out(
    ctx: typer.Context,
    channel: Annotated[Channel, typer.Argument(metavar="webhook|mail", help="Which way out.")],
    to: Annotated[str | None, typer.Option("--to", metavar="URL|ADDRESS", help="Instead of those in force.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Send a test now, and say what came of it."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.settings.test_webhook(to) if channel is Channel.WEBHOOK else client.settings.test_email(to)
    output.done(body, one_line(body["message"]))
