"""Passwords: typed without an echo or read from a pipe, never from the command line."""

from __future__ import annotations

import sys

import typer

from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode

_MOST_CHARACTERS = 1024


def need_terminal(what: str, hint: str) -> None:
    """Refuse to ask where nobody can answer."""
    if not sys.stdin.isatty():
        raise CommandFailed(f"nobody is there to ask for {what}", "no_terminal", ExitCode.INVALID, hint)


def known_password(*, from_pipe: bool) -> str:
    """One that exists: asked for once."""
    return _password(from_pipe=from_pipe, again=False)


def new_password(*, from_pipe: bool) -> str:
    """One to be: asked for twice."""
    return _password(from_pipe=from_pipe, again=True)


def _password(*, from_pipe: bool, again: bool) -> str:
    if from_pipe:
        if sys.stdin.isatty():
            raise CommandFailed(
                "no password was piped in", "no_password", ExitCode.INVALID, "leave --password-stdin out"
            )
        password = sys.stdin.readline(_MOST_CHARACTERS + 2).rstrip("\r\n")
    else:
        need_terminal("the password", "pipe it in and give --password-stdin")
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=again, err=True))
    if not password:
        raise CommandFailed("the password is empty", "no_password", ExitCode.INVALID)
    return password
