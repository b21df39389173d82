"""Sign-in at the identity provider of a server, with a browser."""

from __future__ import annotations

import base64
import hashlib
import secrets
import sys
import webbrowser

from entrepot.client.answers import Token
from entrepot.client.api import Client
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.loopback import Loopback
from entrepot.entrypoints.cli.output import Output

_WAIT_SECONDS = 600


def sign_in(client: Client, output: Output, *, browser: bool) -> Token:
    """A session of whoever signs in at the provider and says that this command line is theirs.

    The code that comes back is worth nothing without the verifier, which leaves this process only towards the server.
    """
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    digest = hashlib.sha256(challenge.encode()).hexdigest().upper()
    with Loopback() as loopback:
        address = f"{client.base_url}/auth/oidc/login?challenge={challenge}&port={loopback.port}"
        opened = browser and _opened(address)
        output.note(f"{'your browser opens' if opened else 'open in a browser'}: {address}")
        output.note(f"the page has to show these letters: {digest[:4]}-{digest[4:8]}")
        typed = sys.stdin.isatty()
        if typed:
            output.note("if the browser is on another machine, paste the code that it shows:")
        code = loopback.wait(_WAIT_SECONDS, typed=typed)
    if not code:
        raise CommandFailed("nobody signed in", "no_code", ExitCode.AUTH, "run it again, and open the address")
    return client.account.take_session(code, verifier)


def _opened(address: str) -> bool:
    """Only with a window: a browser in this terminal would be in the way."""
    try:
        found = webbrowser.get()
        windowed = not isinstance(found, webbrowser.GenericBrowser) or isinstance(found, webbrowser.BackgroundBrowser)
        return windowed and found.open(address)
    except (webbrowser.Error, OSError):
        return False
