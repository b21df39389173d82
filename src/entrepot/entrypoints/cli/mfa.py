"""``mfa``: your own second factor."""

from __future__ import annotations

import io
from typing import Annotated

import segno
import typer

from entrepot.client.answers_people import RecoveryCodes
from entrepot.client.api import Client
from entrepot.entrypoints.cli.commands import Commands
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.passwords import known_password
from entrepot.entrypoints.cli.session import JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import moment, one_line

CodeArgument = Annotated[str, typer.Argument(metavar="CODE", help="Six digits from the app, or a recovery code.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    factor = Commands(no_args_is_help=True, help="Your own second factor: codes of an app at sign-in.")
    factor.command("status")(status)
    factor.command("setup")(setup)
    factor.command("confirm")(confirm)
    factor.command("codes")(codes)
    factor.command("disable")(disable)
    app.add_typer(factor, name="mfa")


def status(ctx: typer.Context, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Show whether it is on."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.second_factor.state()
    if as_json:
        output.json(body)
        return
    shown: dict[str, object] = {"second factor": "on" if body["mfa_enabled"] else "off"}
    if body["mfa_enabled"]:
        shown |= {"since": moment(body["mfa_since"], zone=True), "recovery codes left": body["recovery_codes_left"]}
    elif body["pending"]:
        shown["begun"] = "waits for 'entrepot mfa confirm CODE'"
    output.fields(shown)


def setup(ctx: typer.Context, url: UrlOption = None) -> None:
    """Switch it on: scan the picture with an app, then type its code.

    Elsewhere than on a terminal the secret is printed, and 'entrepot mfa confirm CODE' is the second step.
    """
    output = Output()
    with connect(ctx, url, output) as client:
        begun = client.second_factor.begin()
        if not output.console.is_terminal:
            output.fields({"secret": begun["secret"], "address": begun["otpauth_uri"]})
            output.note("confirm it with 'entrepot mfa confirm CODE'")
            return
        output.line(_picture(begun["otpauth_uri"]))
        output.line(f"Scan it with an authenticator app, or type this secret: {one_line(begun['secret'])}")
        _confirm(client, typer.prompt("Code that the app shows", err=True), output, as_json=False)


def _picture(address: str) -> str:
    found = io.StringIO()
    segno.make(address, micro=False, error="l").terminal(out=found, border=2, compact=True)
    return found.getvalue().rstrip("\n")


def confirm(ctx: typer.Context, code: CodeArgument, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Switch it on with a first code, and print the recovery codes, which are shown this once."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        _confirm(client, code, output, as_json=as_json)


def _confirm(client: Client, code: str, output: Output, *, as_json: bool) -> None:
    body = client.second_factor.confirm(code.strip())
    _tell(output, body, "the second factor is on", as_json=as_json)


def codes(ctx: typer.Context, code: CodeArgument, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Make new recovery codes in place of the old ones."""
    output = Output(as_json=as_json)
    with connect(ctx, url, output) as client:
        body = client.second_factor.renew_recovery_codes(code.strip())
    _tell(output, body, "the old recovery codes are worth nothing", as_json=as_json)


def _tell(output: Output, body: RecoveryCodes, what: str, *, as_json: bool) -> None:
    if as_json:
        output.json(body)
        return
    output.note(f"{what}; keep these recovery codes apart from your phone, each is good once:")
    output.ids(body["recovery_codes"])


def disable(
    ctx: typer.Context,
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="Where another system keeps the password.")
    ] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from a pipe.")] = False,
    url: UrlOption = None,
) -> None:
    """Switch it off, with your password.

    'entrepot user mfa-reset NAME' is for somebody else whose phone is gone.
    """
    output = Output()
    password = "" if code else known_password(from_pipe=password_stdin)
    with connect(ctx, url, output) as client:
        client.second_factor.disable(password, code=code)
    output.line("sign-in asks for the password only")
