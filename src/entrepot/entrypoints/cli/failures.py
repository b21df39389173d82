"""Failures in a terminal's words: one line, a hint, an exit code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum

from entrepot.client.errors import (
    BadAnswer,
    BadInput,
    ClientError,
    Conflict,
    Limited,
    Missing,
    NotAllowed,
    NotSignedIn,
    RefusedByPolicy,
    ServerFault,
    TooLarge,
    Unavailable,
    Unreachable,
)
from entrepot.entrypoints.cli.text import one_line


class ExitCode(IntEnum):
    """What the command's exit status means; scripts may rely on it."""

    OK = 0
    UNKNOWN = 1
    INVALID = 2
    REFUSED = 3
    CONFLICT = 4
    NOT_FOUND = 5
    AUTH = 6
    NOT_COMPLETE = 7


class CommandFailed(Exception):
    """A command cannot go on, for a reason that no request has."""

    def __init__(self, detail: str, code: str, exit_code: ExitCode, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.exit_code = exit_code
        self.hint = hint


_EXIT_CODES: Mapping[type[ClientError], ExitCode] = {
    BadInput: ExitCode.INVALID,
    NotSignedIn: ExitCode.AUTH,
    NotAllowed: ExitCode.AUTH,
    Missing: ExitCode.NOT_FOUND,
    Conflict: ExitCode.CONFLICT,
    RefusedByPolicy: ExitCode.REFUSED,
    TooLarge: ExitCode.NOT_COMPLETE,
    Limited: ExitCode.NOT_COMPLETE,
    Unavailable: ExitCode.NOT_COMPLETE,
    Unreachable: ExitCode.NOT_COMPLETE,
    BadAnswer: ExitCode.NOT_COMPLETE,
    ServerFault: ExitCode.UNKNOWN,
}
_HINTS_BY_CODE: Mapping[str, str] = {
    "duplicate_conflict": "a version never changes once it came in: raise the version and build again",
    "unknown_distribution": "'entrepot suite ls' lists them, 'entrepot suite add' makes one",
    "wrong_format": "'entrepot suite ls' shows which distribution takes which format",
    "sign_in_failed": "check the name and the password; several failures in a row lock the account for a while",
    "body_too_large": "the server's setting ENTREPOT_MAX_UPLOAD_MB is the limit",
    "store.full": "the server's storage needs room; nothing that was there is lost",
    "package.digest": "the file changed on its way or is damaged: build or fetch it again",
}
_HINTS: Mapping[type[ClientError], str] = {
    NotSignedIn: "sign in with 'entrepot login', or set ENTREPOT_TOKEN",
    NotAllowed: "'entrepot whoami' shows your role; an administrator can give you another",
    Missing: "'entrepot ls' lists packages, 'entrepot suite ls' distributions",
    RefusedByPolicy: "'entrepot show NAME=VERSION' shows the findings; a maintainer can decide otherwise",
    Unavailable: "try again later; 'entrepot health' shows what the server lacks",
    Unreachable: "is the server running, and is the address right?",
    BadAnswer: "check the address of the server: 'entrepot health --url URL'",
    ServerFault: "this is a fault of the server; its log has more under the request id",
}
# What "there is no ..." is followed by, and the command that lists such things.
_ABSENT = re.compile(
    r"(?:there is )?no (?:such )?(user|group|role|live API token|package|mail template|archive|promotion|delivery)\b"
)
_LISTS: Mapping[str, str] = {
    "user": "user ls",
    "group": "group ls",
    "role": "role ls",
    "live API token": "token ls",
    "package": "ls",
    "mail template": "template ls",
    "archive": "key ls",
    "promotion": "promotion ls --status all",
    "delivery": "notify ls",
}


def exit_code_of(error: ClientError) -> ExitCode:
    """The exit code of a failed request."""
    found = [code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)]
    return found[0] if found else ExitCode.UNKNOWN


def hint_for(error: ClientError) -> str:
    """What to do about a failed request; empty when the error says it all."""
    if isinstance(error, Limited):
        wait = error.retry_after_seconds
        return f"try again in {wait} s" if wait else "try again later"
    absent = _ABSENT.match(error.detail) if isinstance(error, Missing) else None
    if absent:
        return f"'entrepot {_LISTS[absent[1]]}' shows what there is"
    if error.code in _HINTS_BY_CODE:
        return _HINTS_BY_CODE[error.code]
    found = [hint for kind, hint in _HINTS.items() if isinstance(error, kind)]
    return found[0] if found else ""


def explain(error: ClientError | CommandFailed) -> tuple[list[str], ExitCode]:
    """The lines for standard error, and the exit code."""
    lines = [f"entrepot: {one_line(error.detail)} [{one_line(error.code)}]"]
    if isinstance(error, CommandFailed):
        hint, exit_code = error.hint, error.exit_code
    else:
        hint, exit_code = hint_for(error), exit_code_of(error)
        if error.request_id and (error.status or 0) >= 500:
            lines.append(f"  request id: {one_line(error.request_id)}")
    if hint:
        lines.append(f"  hint: {hint}")
    return lines, exit_code
