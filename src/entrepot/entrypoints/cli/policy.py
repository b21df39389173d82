"""``policy``: what findings, uncertainty, licences and age lead to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from entrepot.client.api import Client
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.settings import leaves, merged, parse, text, within
from entrepot.entrypoints.cli.text import one_line

Distribution = Annotated[str, typer.Option("--dist", metavar="CODENAME", help="Of one distribution alone.")]
Pairs = Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Such as high=block or cooldown.days=7.")]
_ABOUT = ("distribution", "archive", "format", "own", "distributions")
_TABLES = ("concerns",)
_MOST_SHOWN = 500


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    policy = Commands(no_args_is_help=True, help="What findings, uncertainty, licences and age lead to.")
    policy.command("show")(show)
    policy.command("set")(set_)
    policy.command("reset")(reset)
    policy.command("preview")(preview)
    app.add_typer(policy, name="policy")


def show(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="[KEY]", help="One, or a section, such as cooldown.")] = "",
    dist: Distribution = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show the policy: block, review, warn or allow.

    With --dist, a star is at what the distribution has otherwise.
    """
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        document = _read(client, dist)
    if as_json and not key:
        output.json(document)
        return
    own = document.get("own")
    otherwise = {name for name, _ in leaves(own)} if isinstance(own, dict) else set()
    found = [(name, value) for name, value in leaves(_rules(document)) if within(name, key)]
    if not found:
        raise CommandFailed(
            f"the policy has no key {one_line(key)}", "policy.unknown", ExitCode.NOT_FOUND, "'entrepot policy show'"
        )
    if as_json:
        output.json(dict(found))
    elif dist:
        rows = ((name, text(value), "*" if name in otherwise else "") for name, value in found)
        output.table(("KEY", "VALUE", "OTHERWISE"), rows)
    else:
        output.table(("KEY", "VALUE"), ((name, text(value)) for name, value in found))


def set_(
    ctx: typer.Context,
    pairs: Pairs,
    dist: Distribution = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Change the policy, all that is given or nothing.

    A value is JSON where it can be (true, 7, ["MIT"]), text else.  It is asked of whatever comes in from now on.
    """
    change = merged([_parsed(pair) for pair in pairs])
    _change(ctx, change, [name for name, _ in leaves(change)], dist, as_json=as_json, url=url)


def preview(
    ctx: typer.Context,
    pairs: Pairs,
    dist: Distribution = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what a change would do to what is published and to what waits; nothing is changed."""
    output = Output(as_json=as_json)
    change = merged([_parsed(pair) for pair in pairs])
    with connect(ctx, url, output) as client:
        found = client.policy.preview(change, distribution=dist or None, per_page=_MOST_SHOWN)
    if as_json:
        output.json(found)
        return
    shown = found["packages"]["items"]
    if shown:
        output.table(
            ("EFFECT", "NAME", "VERSION", "ARCH", "DISTRIBUTION", "BECAUSE OF"),
            (
                (row["effect"], row["name"], row["version"], row["arch"], row["distribution"], " ".join(row["codes"]))
                for row in shown
            ),
        )
    counts = ", ".join(f"{count} {effect.replace('_', ' ')}" for effect, count in found["counts"].items())
    output.line(f"{counts}; of {found['checked']} packages")
    if not found["complete"]:
        output.note("there are more packages than were looked at; name a distribution with --dist")


def reset(
    ctx: typer.Context,
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY...]", help="With --dist, none means all.")] = None,
    dist: Distribution = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Bring defaults back; with --dist, what holds everywhere."""
    if not keys and not dist:
        raise CommandFailed("say which keys", "usage", ExitCode.INVALID, "'entrepot policy show' lists them")
    change = merged([(_path(key), None) for key in keys or ()])
    _change(ctx, change, list(keys or ()), dist, as_json=as_json, url=url)


def _change(
    ctx: typer.Context, change: dict[str, object], names: list[str], dist: str, *, as_json: bool, url: str | None
) -> None:
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        document = _changed(client, change, dist)
    if as_json:
        output.json(document)
        return
    for name, value in leaves(_rules(document)):
        if any(within(name, one) for one in names):
            output.line(f"{name} = {text(value)}")


def _read(client: Client, dist: str) -> Mapping[str, object]:
    return client.policy.suite(dist) if dist else client.policy.show()


def _changed(client: Client, change: dict[str, object], dist: str) -> Mapping[str, object]:
    if not dist:
        return client.policy.change(change)
    return client.policy.change_suite(dist, change) if change else client.policy.remove_suite(dist)


def _rules(document: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in document.items() if key not in _ABOUT}


def _parsed(pair: str) -> tuple[list[str], object]:
    path, value = parse(pair, from_pipe=False)
    return _path(".".join(path)), value


def _path(key: str) -> list[str]:
    """Codes of concerns have dots of their own."""
    section, dot, rest = key.partition(".")
    return [section, rest] if dot and section in _TABLES else key.split(".")
