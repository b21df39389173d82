"""The program: its commands, what every call has in common, and the one place where failures end."""

from __future__ import annotations

import secrets
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from entrepot import __version__
from entrepot.client.errors import ClientError
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode, explain
from entrepot.entrypoints.cli.lazy import LazyGroup
from entrepot.entrypoints.cli.text import one_line
from entrepot.errors import EntrepotError

_INTERRUPTED = 130


AuditVerification = Callable[[Path | None], Mapping[str, object]]
"""Verifies the log of the installation in a data folder: a report as the API has it.  Only the server's program can."""


@dataclass(slots=True)
class Invocation:
    """What was said before the command; filled in while the arguments are read."""

    url: str | None = None
    debug: bool = False
    verify_audit: AuditVerification | None = None


def _show_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"entrepot {__version__}\n")
        raise typer.Exit


def root(
    ctx: typer.Context,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Server, for client commands.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show where a failure comes from.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A Linux package repository server, and its client.

    Exit codes: 0 done, 1 unknown failure, 2 wrong usage or invalid file, 3 refused by policy, 4 conflict,
    5 not found, 6 not signed in or not allowed, 7 not complete (unreachable, busy, limited).
    """
    invocation = ctx.ensure_object(Invocation)
    invocation.url, invocation.debug = url, debug


def make_app() -> Commands:
    """A program with the client's commands; others can be registered."""
    made = Commands(cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False)
    made.callback()(root)
    return made


app = make_app()


def run(arguments: list[str], verify_audit: AuditVerification | None = None) -> int:
    """Run one command, say how it went, and return the exit code."""
    invocation = Invocation(verify_audit=verify_audit)
    try:
        outcome = app(arguments, prog_name="entrepot", standalone_mode=False, obj=invocation)
        sys.stdout.flush()
    except typer.TyperException as error:
        return _wrong_usage(error)
    except typer.Abort:
        sys.stderr.write("\nentrepot: cancelled\n")
        return _INTERRUPTED
    except (ClientError, CommandFailed) as error:
        _trace(invocation)
        lines, exit_code = explain(error)
        return _say(lines, exit_code)
    except EntrepotError as error:
        _trace(invocation)
        return _say([f"entrepot: {one_line(error.detail)} [{error.code}]"], ExitCode.UNKNOWN)
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.UNKNOWN
    except Exception as error:  # noqa: BLE001 - the boundary: a bug is shown as one, without internals
        return _bug(error, invocation)
    if outcome == _INTERRUPTED:
        return _say(["entrepot: interrupted"], outcome)
    return outcome if isinstance(outcome, int) else ExitCode.OK


def _wrong_usage(error: typer.TyperException) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # has no public name, and has shown the help already
        return ExitCode.INVALID
    command = getattr(getattr(error, "ctx", None), "command_path", "entrepot")
    lines = [f"entrepot: {one_line(error.format_message())} [usage]", f"  hint: '{command} --help' shows how"]
    return _say(lines, ExitCode.INVALID)


def _bug(error: Exception, invocation: Invocation) -> int:
    incident = secrets.token_hex(4)
    _trace(invocation)
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else "?"
    return _say(
        [
            f"entrepot: this is a bug: {type(error).__name__} in {place}; incident {incident} [internal]",
            "  hint: run it again as 'entrepot --debug ...' and report what it prints",
        ],
        ExitCode.UNKNOWN,
    )


def _trace(invocation: Invocation) -> None:
    if invocation.debug:
        traceback.print_exc()


def _say(lines: list[str], exit_code: int) -> int:
    sys.stdout.flush()
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return exit_code
