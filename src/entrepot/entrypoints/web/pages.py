"""The pages there are so far: welcome, one-time set-up, and the description of the API."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from entrepot import __version__
from entrepot.entrypoints.api.context import Address, App
from entrepot.entrypoints.api.limits import LimitedByAddress
from entrepot.entrypoints.web.api_page import operations
from entrepot.entrypoints.web.page import page
from entrepot.entrypoints.web.signed_in import PLACE, SCRIPT
from entrepot.errors import EntrepotError

router = APIRouter(include_in_schema=False)

_MOST_BYTES = 16 << 10
_FIELDS = (
    ("admin_username", "User name", "text", "username", "3 to 64 letters, digits, dots, dashes or underscores"),
    ("admin_password", "Password", "password", "new-password", "8 characters or more, an upper-case letter, a digit"),
    ("admin_full_name", "Full name (may stay empty)", "text", "name", ""),
    ("admin_email", "Mail address (may stay empty)", "email", "email", ""),
)


@router.get("/")
def welcome(app: App) -> HTMLResponse:
    """What runs here, and where to go from it."""
    next_step = (
        "<p>Sign in with <code>entrepot login</code>, or see the <a href='/docs'>description of the API</a>.</p>"
        if app.access.setup_done()
        else "<p class='alarm'>No administrator exists yet. Open the set-up link that the server printed at its "
        "start.</p>"
    )
    body = (
        f"{PLACE}<div class='card'>{next_step}"
        "<p>The state of every component is at <a href='/health'>/health</a>.</p></div>"
        "<h2>Set up a client</h2><p>Each distribution has a ready client file, for example:</p>"
        "<pre>curl -fsSL HOST/apt/main/jammy.sources -o /etc/apt/sources.list.d/main-jammy.sources\n"
        "curl -fsSL HOST/rpm/main/almalinux9.repo -o /etc/yum.repos.d/main-almalinux9.repo</pre>"
    )
    return page("Entrepot", f"Package repository server, version {__version__}", body, script=SCRIPT, asks=True)


@router.get("/setup")
def setup_form(app: App, token: str = "") -> HTMLResponse:
    """The form behind the one-time link."""
    if app.access.setup_done():
        return _closed()
    return _form(token, {}, "")


@router.post("/setup/form", dependencies=[Depends(LimitedByAddress("auth_token"))])
async def setup_submit(request: Request, app: App, address: Address) -> HTMLResponse:
    """Create the first administrator."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return _form("", {}, "That was too much text.", 413)
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
    given = {name: fields.get(name, "")[:1024] for name, *_ in _FIELDS}
    token = fields.get("token", "")[:200]
    try:
        await run_in_threadpool(
            app.access.set_up,
            token,
            given["admin_username"],
            given["admin_password"],
            given["admin_email"],
            given["admin_full_name"],
            address,
        )
    except EntrepotError as error:
        return _form(token, given, error.detail, 400)
    done = (
        "<div class='card'><p>The first administrator exists, and this page is closed for ever.</p>"
        "<pre>entrepot login\nentrepot push ./hello_1.0_amd64.deb --to jammy</pre></div>"
    )
    return page("Ready", "Set-up is done", done)


def _closed() -> HTMLResponse:
    body = "<div class='card'><p>Nothing to do here.</p></div>"
    return page("Set-up is done", "The first administrator exists", body, 409)


def _form(token: str, given: dict[str, str], problem: str, status: int = 200) -> HTMLResponse:
    rows = []
    for name, label, kind, complete, hint in _FIELDS:
        value = "" if kind == "password" else escape(given.get(name, ""), quote=True)
        required = "" if "may stay empty" in label else " required"
        described = f" aria-describedby='{name}-hint'" if hint else ""
        rows.append(
            f"<label for='{name}'>{escape(label)}</label><input id='{name}' name='{name}' type='{kind}' "
            f"autocomplete='{complete}' value='{value}'{required}{described}>"
        )
        if hint:
            rows.append(f"<p class='hint' id='{name}-hint'>{escape(hint)}</p>")
    alarm = f"<p class='alarm' role='alert'>{escape(problem)}</p>" if problem else ""
    body = (
        f"{alarm}<form method='post' action='/setup/form'><input type='hidden' name='token' "
        f"value='{escape(token, quote=True)}'>{''.join(rows)}<button>Create the administrator</button></form>"
    )
    return page("Create the first administrator", "Once, with the link that the server printed", body, status)


@router.get("/docs")
def description(request: Request) -> HTMLResponse:
    """The API, from its own OpenAPI document."""
    intro = (
        "<div class='card'><p>Every path also works below <code>/api</code> and <code>/api/v1</code>. "
        "The machine-readable form is <a href='/openapi.json'>/openapi.json</a>; open a line to see what it takes and "
        "gives. A field with <code>?</code> may be absent.</p></div>"
    )
    return page("The API", f"Version {__version__}", intro + operations(request.app.openapi()))
