"""``settings``: what can be changed while the server runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.passwords import known_password
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import one_line

_ALONE = ("app_url", "repo_url", "trusted_workloads", "notification_rules")
_SECRET_ENDINGS = ("password", "secret", "token", "private_key")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    settings = Commands(no_args_is_help=True, help="Settings that can be changed while the server runs.")
    settings.command("show")(show)
    settings.command("set")(set_)
    settings.command("reset")(reset)
    app.add_typer(settings, name="settings")


def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One, or a section, such as email.")] = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show settings; secrets are masked."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        document = client.settings.all()
    if as_json and not name:
        output.json(document)
        return
    found = [(key, value) for key, value in leaves(nested(document)) if within(key, name)]
    if not found:
        raise CommandFailed(
            f"there is no setting {one_line(name)}", "setting.unknown", ExitCode.NOT_FOUND, "'entrepot settings show'"
        )
    if as_json:
        output.json(dict(found))
    elif len(found) == 1 and found[0][0] == name:
        output.line(text(found[0][1]))
    else:
        output.table(("SETTING", "VALUE"), ((key, text(value)) for key, value in found))


def set_(
    ctx: typer.Context,
    pairs: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Such as retention.package_days=90.")],
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the value of the one NAME= from standard input.")
    ] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Change settings, all of them or none.

    A value is JSON where it can be (true, 90, ["a", "b"]), text else. A secret is never given here: say NAME= and type
    it, or pipe it in with --secret-stdin.
    """
    output = Output(as_json=as_json)
    change = merged([parse(pair, from_pipe=secret_stdin) for pair in pairs])
    with connect(ctx, url, output) as client:
        document = client.settings.change(change)
    report(output, document, [key for key, _ in leaves(change)], as_json=as_json)


def reset(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Settings or sections.")],
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Bring defaults back."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        document = client.settings.change(merged([(name.split("."), None) for name in names]))
    report(output, document, names, as_json=as_json)


def report(output: Output, document: Mapping[str, object], names: list[str], *, as_json: bool) -> None:
    """The settings that were named, as they are now."""
    if as_json:
        output.json(document)
        return
    sections = nested(document)
    found = dict(leaves(sections)) | {key: value for key, value in document.items() if key not in sections}
    for name in names:
        for key, value in found.items():
            if within(key, name):
                output.line(f"{key} = {text(value)}")


def parse(pair: str, *, from_pipe: bool) -> tuple[list[str], object]:
    """A pair as the path of a name and its value."""
    name, sign, value = pair.partition("=")
    if not sign or not name:
        raise CommandFailed(f"{one_line(pair)[:80]} is no NAME=VALUE", "usage", ExitCode.INVALID)
    path = name.split(".")
    if path[-1].endswith(_SECRET_ENDINGS):
        if value:
            raise CommandFailed(
                f"{one_line(name)} is a secret and does not belong on the command line",
                "setting.secret",
                ExitCode.INVALID,
                f"say '{one_line(name)}=' and type it, or pipe it in with --secret-stdin",
            )
        return path, known_password(from_pipe=from_pipe)
    try:
        return path, json.loads(value)
    except ValueError:
        return path, value


def merged(changes: list[tuple[list[str], object]]) -> dict[str, object]:
    """One partial document of several paths with values."""
    found: dict[str, object] = {}
    for path, value in changes:
        there = found
        for part in path[:-1]:
            inner = there.setdefault(part, {})
            if not isinstance(inner, dict):
                raise CommandFailed(f"{'.'.join(path)} is set twice", "usage", ExitCode.INVALID)
            there = inner
        there[path[-1]] = value
    return found


def nested(document: Mapping[str, object]) -> dict[str, object]:
    """Without flat names: those whose value is said in a section as well."""
    sections = {key for key, value in document.items() if isinstance(value, dict)}
    flat = {key for key in sections if any(key.startswith(f"{section}_") for section in sections)}
    return {key: value for key, value in document.items() if key in sections - flat or key in _ALONE}


def leaves(document: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted names and values."""
    for key, value in document.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def within(key: str, name: str) -> bool:
    """Whether a setting is the one that is named, or in the section of that name."""
    return not name or key == name or key.startswith(f"{name}.")


def text(value: object) -> str:
    """As it can be given to ``set``."""
    return one_line(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
