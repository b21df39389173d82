"""``status``: what is there, what happened, what waits."""

from __future__ import annotations

import typer

from entrepot.client.answers_overview import Summary
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import moment, one_line, size

_MOST_EVENTS = 8


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(ctx: typer.Context, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Show what is there, what waits and what happened last.

    'entrepot health' says how the server is, 'entrepot stats' what was downloaded.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.dashboard.summary()
    if as_json:
        output.json(body)
    else:
        _tell(output, body)


def _tell(output: Output, body: Summary) -> None:
    filled = [row for row in body["distributions"] if row["package_count"]]
    output.fields(
        {
            "packages": f"{body['packages_total']} ({body['versions_total']} files, {size(body['total_size_bytes'])})",
            "distributions": f"{len(body['distributions'])} ({len(filled)} with packages)",
            "came in today": body["imports_today"],
            "waits for review": body["pending_reviews"],
            "rejected": body["quarantined"],
        }
    )
    if filled:
        output.line()
        columns = ("DISTRIBUTION", "FORMAT", "PACKAGES")
        output.table(columns, ((row["codename"], row["format"], row["package_count"]) for row in filled))
    if body["alerts"]:
        output.line()
        for alert in body["alerts"]:
            output.verdict("waits", one_line(alert["message"]))
    if body["recent_activity"]:
        output.line()
        output.table(
            ("WHEN (UTC)", "WHAT", "WHO", "ABOUT", "RESULT"),
            (
                (
                    moment(event["timestamp"]),
                    event["action"],
                    event["user"],
                    " ".join(one_line(event[word] or "") for word in ("package", "version", "distribution")),
                    event["result"],
                )
                for event in body["recent_activity"][:_MOST_EVENTS]
            ),
        )
