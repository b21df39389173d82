"""The page behind the link in a mail: a new password for whoever forgot theirs."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from entrepot.entrypoints.api.context import Address, App
from entrepot.entrypoints.api.limits import LimitedByAddress
from entrepot.entrypoints.web.page import page
from entrepot.errors import EntrepotError

router = APIRouter(include_in_schema=False)

_MOST_BYTES = 16 << 10
# Takes the token out of the address bar and the history, too.
_SCRIPT = (
    "const t=new URLSearchParams(location.hash.slice(1)).get('token');"
    "if(t){document.getElementById('token').value=t;document.getElementById('by-hand').hidden=true;"
    "history.replaceState(null,'',location.pathname)}"
)


@router.get("/reset-password")
def form() -> HTMLResponse:
    """The same for everybody; the token is behind the '#' and never sent with this request."""
    return _form("", "")


@router.post("/reset-password/form", dependencies=[Depends(LimitedByAddress("reset_password"))])
async def submit(request: Request, app: App, address: Address) -> HTMLResponse:
    """Set the password."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return _form("", "That was too much text.", 413)
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
    token, new = fields.get("token", "").strip()[:256], fields.get("new_password", "")[:1024]
    if new != fields.get("again", "")[:1024]:
        return _form(token, "The two passwords are not the same.", 400)
    try:
        await run_in_threadpool(app.resets.use, token, new, address)
    except EntrepotError as error:
        return _form(token, error.detail, 400)
    done = "<div class='card'><p>Sign in with your new password; all your sessions have ended.</p></div>"
    return page("Your password is changed", "The link is used up", done)


def _form(token: str, problem: str, status: int = 200) -> HTMLResponse:
    alarm = f"<p class='alarm' role='alert'>{escape(problem)}</p>" if problem else ""
    hidden = " hidden" if token else ""
    body = (
        f"{alarm}<form method='post' action='/reset-password/form'>"
        f"<div id='by-hand'{hidden}><label for='token'>Code from the link</label>"
        f"<input id='token' name='token' autocomplete='off' value='{escape(token, quote=True)}' required>"
        "<p class='hint'>The part of the link behind <code>token=</code></p></div>"
        "<label for='new_password'>New password</label><input id='new_password' name='new_password' type='password' "
        "autocomplete='new-password' required aria-describedby='rule'>"
        "<p class='hint' id='rule'>8 characters or more, an upper-case letter, a digit</p>"
        "<label for='again'>The same again</label><input id='again' name='again' type='password' "
        "autocomplete='new-password' required><button>Set the password</button></form>"
    )
    return page("A new password", "For whoever forgot theirs", body, status, script=_SCRIPT)
