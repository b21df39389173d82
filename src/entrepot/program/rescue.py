"""``entrepot rescue``: the way back for an administrator who cannot sign in, on the server itself."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.errors import BadSetting, InvalidRequest, NotFound, WeakPassword

if TYPE_CHECKING:
    from entrepot.settings import Settings

_NO_LOGIN = 0xFFFFFFFF


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rescue", rich_help_panel="Server")(rescue)


def rescue(
    username: Annotated[str, typer.Argument(metavar="USERNAME", help="An account of this server itself.")],
    data: Annotated[Path | None, typer.Option(help="Folder of database, blobs and keys (ENTREPOT_DATA).")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from a pipe.")] = False,
) -> None:
    """Give an account a new password and make it an active administrator, without its second factor.

    For whoever lost password, phone or recovery codes, when no other administrator can help.  Run it as the user that
    the server runs as, with the same settings; the server may run meanwhile.  Locks and sessions of the account end;
    its API tokens stay.  The audit log says who did it.
    """
    from entrepot.domain.model.actor import SYSTEM
    from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
    from entrepot.entrypoints.cli.passwords import new_password
    from entrepot.entrypoints.cli.text import one_line
    from entrepot.main import assemble, real_parts
    from entrepot.settings import load_settings

    settings = load_settings(data=data)
    need_installation(settings)
    application = assemble(settings, real_parts(settings))
    try:
        application.rescue.check(SYSTEM, username)
        password = new_password(from_pipe=password_stdin)
        done = application.rescue.rescue(SYSTEM, username, password, operating_user())
    except (NotFound, InvalidRequest, WeakPassword) as error:
        missing = isinstance(error, NotFound)
        exit_code = ExitCode.NOT_FOUND if missing else ExitCode.INVALID
        raise CommandFailed(error.detail, error.code, exit_code) from error
    finally:
        application.catalog.close()
    typer.echo(f"{one_line(username)} is an active administrator with a new password; all sessions have ended")
    if "second_factor" in done.changed:
        typer.echo("the second factor is off: set up a new one after signing in")
    if done.tokens:
        names = ", ".join(one_line(name) for name in done.tokens[:20])
        typer.echo(f"{len(done.tokens)} API token(s) of the account are still in force: {names}")


def need_installation(settings: Settings) -> None:
    """Refuse to make a new one: whoever mistypes a folder would rescue nobody in it."""
    secret = settings.secret_key_file or settings.data / "secret.key"
    database = Path(settings.catalog_url.removeprefix("sqlite:///"))
    embedded = settings.catalog_url.startswith("sqlite")
    if not secret.exists() or (embedded and not database.exists()):
        missing = secret if not secret.exists() else database
        raise BadSetting(
            f"there is no installation here: {missing} does not exist, or is not for you to see; "
            "give --data, or the settings of the server"
        )


def operating_user() -> str:
    """Who runs this process, and who signed in to the machine if that is somebody else; not from the environment."""
    names = [_name_of(os.getuid())]
    try:
        signed_in = int(Path("/proc/self/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        signed_in = _NO_LOGIN
    if signed_in not in (_NO_LOGIN, os.getuid()):
        names.append(f"signed in as {_name_of(signed_in)}")
    return ", ".join(names)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
