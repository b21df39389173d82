"""``advisory``: where the knowledge of faults comes from, and how old it is."""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from entrepot.client.answers_feeds import Feed
from entrepot.client.api import Client
from entrepot.client.errors import BadFile
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import moment, one_line

NameOption = Annotated[
    str, typer.Option("--name", metavar="FEED", help="The feed it belongs to; without it, named after the file.")
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Take a file that is older than what is there, or has lost most of it.")
]


class FeedKinds(StrEnum):
    """What is in a file."""

    OSV = "osv"
    KEV = "kev"
    EPSS = "epss"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    advisories = Commands(no_args_is_help=True, help="Security advisories: import, refresh, state.")
    advisories.command("import")(import_)
    advisories.command("refresh")(refresh)
    advisories.command("status")(status)
    app.add_typer(advisories, name="advisory")


def import_(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="PATH|URL", help="A file, a folder, or where a file can be fetched.")],
    name: NameOption = "",
    kind: Annotated[FeedKinds, typer.Option("--kind", help="What is in it.")] = FeedKinds.OSV,
    force: ForceOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Send advisories to the server, or have it fetch them from now on.

    A file or folder of this machine is sent once: an archive of OSV records, records, the KEV catalogue, a table of
    EPSS.  A URL becomes a feed of the settings, which the server asks again and again.  Needs the role admin.
    """
    output = Output(as_json=as_json)
    remote = what.startswith(("http://", "https://"))
    feed = name or _named(what)
    with connect(ctx, url, output) as client:
        if remote:
            _add(client, feed, kind, what)
            begun: Any = client.feeds.refresh([feed], force=force)
        else:
            with _packed(Path(what)) as path:
                begun = client.feeds.send(feed, path, kind=kind.value, force=force)
    if as_json:
        output.json(begun)
    else:
        output.verdict("begun", f"the import of feed {feed}; 'entrepot advisory status' shows how it goes")


def refresh(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[FEED]...", help="All, without any.")] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Import feeds from their locations now."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        begun = client.feeds.refresh(names or [], force=force)
    if as_json:
        output.json(begun)
        return
    for job in begun["jobs"]:
        output.verdict("begun", f"the import of feed {job['feed']}")
    if not begun["jobs"]:
        output.note("no feed has a location; see 'entrepot settings get advisories'")


def status(ctx: typer.Context, as_json: JsonOption = False, url: UrlOption = None) -> int:
    """Show how whole and how old what is known is; exit code 7 while anything of it is not complete."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        found = client.feeds.status()
    if as_json:
        output.json(found)
    elif not found["feeds"]:
        output.note("there are no feeds: nothing is known of any package")
    else:
        rows = [_row(feed) for feed in found["feeds"]]
        output.table(("feed", "kind", "state", "entries", "newest", "asked", "note"), rows)
    return ExitCode.OK if found["complete"] else ExitCode.NOT_COMPLETE


def _row(feed: Feed) -> tuple[object, ...]:
    state = "old" if feed["complete"] and feed["stale"] else feed["state"]
    note = feed["failure"] or ("being imported" if feed["job_id"] else "")
    asked = (moment(feed["newest_at"]), moment(feed["checked_at"]))
    return (feed["name"], feed["kind"], state, feed["count"], *asked, one_line(note))


def _add(client: Client, name: str, kind: FeedKinds, location: str) -> None:
    """A feed of the settings, new or with another location."""
    settings = client.settings.all().get("advisories")
    feeds: list[Any] = list(settings.get("feeds", [])) if isinstance(settings, dict) else []
    given = {"name": name, "kind": kind.value, "location": location, "enabled": True}
    kept = [feed for feed in feeds if feed.get("name") != name]
    known: dict[str, Any] = next((feed for feed in feeds if feed.get("name") == name), {})
    client.settings.change({"advisories": {"feeds": [*kept, {**known, **given}]}})


def _named(what: str) -> str:
    """``Debian`` of ``https://host/Debian/all.zip``, ``epss`` of ``epss.csv.gz``."""
    parts = [part for part in what.partition("?")[0].rstrip("/").split("/") if part]
    last = parts[-1].split(".")[0] if parts else ""
    word = parts[-2] if last == "all" and len(parts) > 1 else last
    return re.sub(r"[^a-z0-9._-]+", "-", word.lower()).strip("-._")[:64] or "advisories"


@contextmanager
def _packed(path: Path) -> Iterator[Path]:
    """A folder as one archive of the records in it."""
    if not path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "advisories.zip")
        count = 0
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as made:
            for place, folders, files in os.walk(path):
                folders.sort()
                for name in sorted(files):
                    if name.endswith(".json"):
                        found = Path(place, name)
                        made.write(found, found.relative_to(path).as_posix())
                        count += 1
        if not count:
            raise BadFile(f"{path} has no .json files", code="file.empty")
        yield archive
