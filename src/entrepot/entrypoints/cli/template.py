"""``template``: texts of mails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entrepot.client.answers_overview import Texts
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, YesOption, confirm, connect
from entrepot.entrypoints.cli.text import moment, one_line

_MOST_BYTES = 1 << 16
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As 'template ls' names it.")]
SubjectOption = Annotated[str | None, typer.Option("--subject", metavar="TEXT", help="Subject of the mail.")]
TextOption = Annotated[Path | None, typer.Option("--text", metavar="FILE", help="File with the plain text.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="File with the HTML.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    templates = Commands(no_args_is_help=True, help="Texts of mails: show, change, preview, reset.")
    templates.command("ls")(ls)
    templates.command("show")(show)
    templates.command("set")(change)
    templates.command("preview")(preview)
    templates.command("reset")(reset)
    app.add_typer(templates, name="template")


def ls(
    ctx: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print names only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List texts, one for each event."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(ctx, url, output) as client:
        body = client.templates.all()
    output.listing(
        body,
        body["templates"],
        ("NAME", "CHANGED (UTC)", "BY", "SUBJECT"),
        lambda row: (row["name"], moment(row["changed_at"]), row["changed_by"] or "", row["subject"]),
        ids=lambda row: row["name"],
    )


def show(ctx: typer.Context, name: NameArgument, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Show the text that is in force."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.templates.one(name)
    if as_json:
        output.json(body)
    else:
        _tell(output, body)


def change(
    ctx: typer.Context,
    name: NameArgument,
    subject: SubjectOption = None,
    text: TextOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Change a text; it is tried with sample values first."""
    output = Output(as_json=as_json)
    if subject is None and text is None and html is None:
        raise CommandFailed("nothing to change", "usage", ExitCode.INVALID, "give --subject, --text or --html")
    plain, marked = _read(text), _read(html)
    with connect(ctx, url, output) as client:
        body = client.templates.change(name, subject=subject, text=plain, html=marked)
    output.done(body, f"changed {one_line(name)}")


def preview(
    ctx: typer.Context,
    name: NameArgument,
    subject: SubjectOption = None,
    text: TextOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show the mail with sample values, from these files or from what is in force; stores nothing."""
    output = Output(as_json=as_json)
    plain, marked = _read(text), _read(html)
    with connect(ctx, url, output) as client:
        body = client.templates.preview(name, subject=subject, text=plain, html=marked)
    if as_json:
        output.json(body)
    else:
        _tell(output, body)


def reset(
    ctx: typer.Context, name: NameArgument, yes: YesOption = False, as_json: JsonOption = False, url: UrlOption = None
) -> None:
    """Bring back the text that comes with the program."""
    output = Output(as_json=as_json)
    confirm(f"Forget your own text of {one_line(name)}?", yes=yes)
    with connect(ctx, url, output) as client:
        body = client.templates.reset(name)
    output.done(body, f"{one_line(name)} is as it comes with the program")


def _tell(output: Output, body: Texts) -> None:
    output.line(f"Subject: {one_line(body['subject'])}")
    output.line()
    for line in body["text"].split("\n"):
        output.line(one_line(line))


def _read(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise CommandFailed(f"{path} is larger than 64 KiB", "bad_file", ExitCode.INVALID)
        return content.decode()
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}", "bad_file", ExitCode.INVALID) from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{path} is not UTF-8", "bad_file", ExitCode.INVALID) from None
