"""The frame of every page: one small style for light and dark, wide and narrow."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2530;--soft:#5b6875;--paper:#fbfaf7;--card:#fff;--line:#dcd8cf;--sea:#0b5f7a;
--alarm:#a12622}
@media(prefers-color-scheme:dark){:root{--ink:#e8e6e1;--soft:#a3adb6;--paper:#12181d;--card:#1a2229;--line:#313b44;
--sea:#6fc3dd;--alarm:#f0938f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:46rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
header{border-bottom:3px double var(--line);margin-bottom:1.75rem}
h1{font-size:1.6rem;margin:0 0 .25rem;letter-spacing:.01em}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
header p{margin:0 0 1rem;color:var(--soft)}
a{color:var(--sea)}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.75rem 1rem;overflow-x:auto}
form,.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1.25rem}
label{display:block;font-weight:600;margin:.9rem 0 .25rem}
label:first-of-type{margin-top:0}
input{width:100%;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:6px;
padding:.5rem .65rem}
input:focus-visible,button:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid var(--sea);
outline-offset:2px}
button{margin-top:1.25rem}
button,a.button{font:inherit;font-weight:600;color:var(--paper);background:var(--sea);border:0;border-radius:6px;
padding:.6rem 1.1rem;cursor:pointer}
a.button{display:inline-block;text-decoration:none}
[hidden]{display:none!important}
.card+.card{margin-top:1rem}.card>p:first-child{margin-top:0}.card>p:last-child{margin-bottom:0}
.word{font-family:ui-monospace,monospace;font-size:1.5rem;letter-spacing:.08em;margin:.5rem 0}
.hint{color:var(--soft);font-size:.9rem;margin:.25rem 0 0}
.alarm{color:var(--alarm);font-weight:600}
h3{font-size:1rem;margin:1rem 0 .25rem}
ul{margin:.25rem 0;padding-left:1.25rem}
nav.themes{display:flex;flex-wrap:wrap;gap:.25rem .9rem;margin:1.25rem 0}
.operation{border-bottom:1px solid var(--line);padding:.45rem 0;overflow-wrap:anywhere}
.operation summary{cursor:pointer}
.operation[open]{padding-bottom:1.25rem}
.verb{display:inline-block;min-width:5rem;font-weight:700;color:var(--sea)}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def page(
    title: str, subtitle: str, body: str, status: int = 200, *, script: str = "", asks: bool = False
) -> HTMLResponse:
    """A page; ``body`` is HTML whose texts the caller has escaped.

    ``script`` runs at its end, and nothing else does; with ``asks`` it may send requests to this server.
    """
    policy = _POLICY + (f"; script-src '{_source_of(script)}'" if script else "") + ("; connect-src 'self'" * asks)
    body += f"<script>{script}</script>" if script else ""
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Entrepot</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>{body}</main></body></html>"
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": policy})


def _source_of(script: str) -> str:
    """As a content security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
