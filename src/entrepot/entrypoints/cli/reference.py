"""``docs/reference/cli.md``: every command with its arguments and options, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_group

from entrepot.entrypoints.cli.commands import flowing
from entrepot.entrypoints.cli.failures import ExitCode
from entrepot.entrypoints.cli.lazy import COMMANDS, load

_MEANINGS = {
    ExitCode.OK: "done; also when a package waits for review, unless `--strict` was given",
    ExitCode.UNKNOWN: "a fault of the server or of this program, or the answer to a question was no",
    ExitCode.INVALID: "wrong usage, or a request or package file that is not valid",
    ExitCode.REFUSED: "refused by policy; with `--strict` also: a person has to decide first",
    ExitCode.CONFLICT: "what is there does not fit what was asked, such as a version with other content",
    ExitCode.NOT_FOUND: "there is no such package, version, distribution or archive",
    ExitCode.AUTH: "not signed in, or not allowed",
    ExitCode.NOT_COMPLETE: "unreachable, busy, limited, full, too large, or not yet published: try again later",
}
_FILE = "`$XDG_CONFIG_HOME/entrepot/config.toml`"


def commands_page(program: typer.Typer, made: str) -> str:
    """The page; ``made`` is the remark that it is not to be edited."""
    group = get_group(program)
    lines = [
        "# Command line\n",
        made,
        flowing(group.help) or "",
        "",
        "| exit code | meaning |",
        "|---|---|",
        *(f"| {code.value} | {_MEANINGS[code]} |" for code in ExitCode),
        "",
        "A failure is one line on standard error, `entrepot: SENTENCE [CODE]`, mostly with a hint below it; the codes",
        "are in [errors](errors.md).  An interrupt ends with 130.  In a pipe tables are separated by tabs and have no",
        "heading; `NO_COLOR` switches colours off.\n",
        "The server is the one of `--url`, else of `ENTREPOT_URL`, else the one that `entrepot login` stored in",
        f"{_FILE}; the session is that of `ENTREPOT_TOKEN`, else the stored one, which is sent to its own server only.",
    ]
    lines += _options(group, typer.Context(group, info_name="entrepot"))
    clients = {entry.name: entry for entry in COMMANDS}
    for name, listed in group.commands.items():
        lines += _section(load(clients[name]) if name in clients else listed, f"entrepot {name}")
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(command: Any, name: str) -> Iterator[str]:
    context = typer.Context(command, info_name=name)
    yield f"\n## {name}\n"
    yield (flowing(command.help) or "").replace("``", "`")
    inner = getattr(command, "commands", None)
    if inner is not None:
        for each, found in inner.items():
            yield from _section(found, f"{name} {each}")
        return
    arguments = [_argument(param) for param in command.params if param.param_type_name == "argument"]
    yield f"\n    {' '.join([name, '[OPTIONS]', *arguments])}"
    yield from _options(command, context)


def _options(command: Any, context: typer.Context) -> Iterator[str]:
    # The help option is every command's, and the completion options are Typer's own.
    own = [param for param in command.params if "completion" not in (param.name or "") and _help(param)]
    if not own:
        return
    yield "\n| | |"
    yield "|---|---|"
    for param in own:
        yield f"| {_spelling(param, context)} | {_help(param)}{_default(param)} |"


def _help(param: Any) -> str:
    return (getattr(param, "help", None) or "").replace("|", "\\|")


def _argument(param: Any) -> str:
    name = str(param.metavar or param.name.upper())
    return name if param.required or name.startswith("[") else f"[{name}]"


def _spelling(param: Any, context: typer.Context) -> str:
    if param.param_type_name == "argument":
        return f"`{_argument(param)}`".replace("|", "\\|")
    spelled = ", ".join(f"`{option}`" for option in [*param.opts, *param.secondary_opts])
    value = "" if param.is_flag else str(param.display_type_rich(context) or "").replace("|", "\\|")
    return f"{spelled} {value.strip('<>')}".rstrip()


def _default(param: Any) -> str:
    default = param.default
    if isinstance(default, bool) or not isinstance(default, int | str) or default == "" or param.required:
        return ""
    return f" Default: {getattr(default, 'value', default)}." if param.show_default else ""
