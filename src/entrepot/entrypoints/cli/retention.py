"""``retention``: versions that are superfluous."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from entrepot.client.answers_upkeep import Collection, RetentionResult
from entrepot.client.api import Client
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, size


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retention")(retention)


def retention(
    ctx: typer.Context,
    preview: Annotated[bool, typer.Option("--preview", "-n", help="Only show what would go.")] = False,
    max_versions: Annotated[
        int | None,
        typer.Option("--max-versions", metavar="N", min=0, help="Go by number alone, and keep N; 0 keeps all."),
    ] = None,
    min_age_days: Annotated[
        int | None, typer.Option("--min-age-days", metavar="DAYS", min=0, help="Go by number alone; spare young ones.")
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Remove versions that the settings keep no longer, or show them.

    The newest version of each name, architecture and distribution stays, and so does what is pinned.  The bytes come
    back once no kept generation names them.  Needs the role admin.
    """
    output = Output(as_json=as_json)
    by_number = max_versions is not None or min_age_days is not None
    with connect(ctx, url, output) as client:
        result: Collection | RetentionResult
        if preview or not yes:
            would = _preview(client, max_versions, min_age_days, by_number=by_number)
            if preview:
                _show(output, would, as_json=as_json)
                return
            confirm(f"Remove {_count(would)} versions?  They are shown by --preview.", yes=False)
        if by_number:
            result = client.retention.collect_versions(max_versions, min_age_days)
            status = result.get("status")
        else:
            answer = client.retention.run()
            result, status = answer["result"], answer["status"]
    if status == "running":
        output.note("it is not done yet; 'entrepot retention --preview' shows what is left")
    _show(output, result, as_json=as_json)


def _preview(
    client: Client, max_versions: int | None, min_age_days: int | None, *, by_number: bool
) -> Collection | RetentionResult:
    if by_number:
        return client.retention.collection_preview(max_versions, min_age_days)
    return client.retention.overview()["preview"]


def _parts(body: Collection | RetentionResult) -> tuple[Collection, list[dict[str, object]], int, int]:
    """The part that goes by number; what goes by age; all that goes, and its bytes."""
    if "version_gc" not in body:
        return body, [], body["versions_deleted"], body["freed_bytes"]
    both = cast("RetentionResult", body)
    gone, aged = both["version_gc"], both["packages"]
    return gone, aged["packages"], gone["versions_deleted"] + aged["deleted"], both["total_freed_bytes"]


def _count(body: Collection | RetentionResult) -> int:
    return _parts(body)[2]


def _show(output: Output, body: Collection | RetentionResult, *, as_json: bool) -> None:
    if as_json:
        output.json(body)
        return
    gone, aged, count, freed = _parts(body)
    rows = [("number", row) for row in gone["details"]] + [("age", row) for row in aged]
    if rows:
        output.table(
            ("NAME", "VERSION", "ARCH", "DISTRIBUTION", "SIZE", "SINCE (UTC)", "BECAUSE OF"),
            (
                (
                    row.get("name"),
                    row.get("version"),
                    row.get("arch"),
                    row.get("distribution"),
                    size(row.get("size_bytes")),
                    moment(row.get("added_at")),
                    reason,
                )
                for reason, row in rows
            ),
        )
    verb = "would go" if gone["dry_run"] else "are gone"
    more = "" if gone["details_complete"] else f"; only {len(rows)} of them are listed"
    output.line(f"{count} versions {verb}{more}; {size(freed)} come back; {gone['versions_skipped']} were spared")
