"""Reference pages that are made from the code: errors, settings, API.  ``python -m entrepot.testing.reference``.

The pages are committed; a test makes them anew and compares.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import httpx2
import structlog
from pydantic.fields import FieldInfo

from entrepot import errors
from entrepot.application import Application
from entrepot.client.errors import ClientError
from entrepot.client.transport import Answer, failure
from entrepot.entrypoints.api.problems import STATUS, problem
from entrepot.entrypoints.cli.app import make_app
from entrepot.entrypoints.cli.failures import exit_code_of, hint_for
from entrepot.entrypoints.cli.reference import commands_page
from entrepot.entrypoints.server import make_api
from entrepot.errors import EntrepotError, Kind
from entrepot.program import serve, verify, worker
from entrepot.settings import Settings

PROJECT = Path(__file__).parents[3]
FOLDER = PROJECT / "docs/reference"
_MADE = "<!-- Made by `make docs`; do not edit. -->\n"

# What to do, by kind; the two or three words beside each Kind in errors/base.py, said to a person.
REMEDIES: Mapping[Kind, str] = {
    Kind.INVALID: "Change the request; the sentence says which word is wrong.",
    Kind.UNPROCESSABLE: "Mend the package file and build it again; the sentence names the member and the fault.",
    Kind.UNAUTHENTICATED: "Sign in, and send the token with each request.",
    Kind.DENIED: "Ask an administrator for the role that the sentence names.",
    Kind.NOT_FOUND: "Check the name; a list shows what there is.",
    Kind.CONFLICT: "Read the present state again, then decide.",
    Kind.UNPREPARED: "Do first what the sentence names.",
    Kind.REFUSED: "Look at the findings; a maintainer may decide otherwise.",
    Kind.TOO_LARGE: "Send less, or raise the limit in the settings of the server.",
    Kind.LIMITED: "Wait as long as the `Retry-After` header says.",
    Kind.UPSTREAM: "Tell the owner of the repository that was read; nothing was changed here.",
    Kind.TIMED_OUT: "Look at the other service: its address in the settings, its state, the network between.",
    Kind.UNAVAILABLE: "Try again later; if it stays so, look at `entrepot health` and the log of the server.",
    Kind.FULL: "Make room where the server keeps its blobs; nothing that was acknowledged is lost.",
    Kind.CORRUPT: "Search the log of the server for the incident id and run `entrepot verify`.",
}


def leaves(base: type[EntrepotError] = EntrepotError) -> list[type[EntrepotError]]:
    """Every error that can be raised, as ``errors`` lists them."""
    found = [each for each in vars(errors).values() if inspect.isclass(each) and issubclass(each, base)]
    return [each for each in found if each is not base and not each.__subclasses__()]


def rendered(leaf: type[EntrepotError]) -> Answer:
    """What a client gets for an error of this class."""
    answer = problem(leaf("a sentence"))
    headers = httpx2.Headers(answer.raw_headers)
    return Answer(status=answer.status_code, headers=headers, content=bytes(answer.body))


def errors_page() -> str:
    """``errors.md``: one heading for each code."""
    lines = [
        "# Errors\n",
        _MADE,
        'Every answer that is not a success has a JSON body `{"detail": ..., "error": CODE, ...}`: a sentence for a',
        "person, a code for programs, and facts such as digests.  Codes stay the same from version to version;",
        "sentences may change.  The command line prints both and ends with the exit status.\n",
        "An error of the kind *corrupt*, or one that the program does not know, is shown as `internal` with an",
        "incident id, under which the log of the server has the rest.  Two answers come before any service is asked:",
        "`invalid_json` (400) and `validation_error` (422) say that the body or a parameter has the wrong form.\n",
        "The exit status is that of client commands; `serve`, `worker` and `verify` end with 1 for any of these.\n",
        "## Kinds\n",
        "| kind | HTTP status | what to do |",
        "|---|---|---|",
        *(f"| {kind.value} | {STATUS[kind]} | {REMEDIES[kind]} |" for kind in Kind),
        "",
    ]
    for leaf in sorted(leaves(), key=lambda each: each.code):
        client_error = cast("ClientError", failure(rendered(leaf)))
        hint = hint_for(client_error)
        lines += [
            f"## {leaf.code}\n",
            f"*{leaf.title}.*  {_flowing(inspect.getdoc(leaf) or '')}\n",
            f"- kind {leaf.kind.value}, HTTP {STATUS[leaf.kind]}, exit status {int(exit_code_of(client_error))}",
            f"- {REMEDIES[leaf.kind]}",
            *([f"- The command line adds: {hint}."] if hint else []),
            "",
        ]
    return "\n".join(lines)


def settings_page() -> str:
    """``settings.md``: one heading for each setting."""
    lines = [
        "# Settings\n",
        _MADE,
        "A flag of the command wins over the environment, the environment over the file `entrepot.toml` in the folder",
        "where the program is started, the file over the default.  In the file a setting is written in lower case and",
        "without `ENTREPOT_`: `max_upload_mb = 512`.  An unknown name in the file stops the program.\n",
    ]
    for name, given in Settings.model_fields.items():
        lines += [
            f"## {variable(name)}\n",
            f"{given.description}.\n",
            f"- default: {_default(given)}",
            *(f"- {bound}" for bound in _bounds(name, given)),
            "",
        ]
    lines += [
        "## For the client commands\n",
        "`ENTREPOT_URL` and `ENTREPOT_TOKEN` name the server and the session of `push`, `ls` and their like; they win",
        "over what `entrepot login` stored.\n",
    ]
    return "\n".join(lines)


def variable(name: str) -> str:
    """The name of a setting in the environment."""
    return "JWT_EXPIRE_MINUTES" if name == "jwt_expire_minutes" else f"ENTREPOT_{name.upper()}"


def _default(given: FieldInfo) -> str:
    value = given.default
    return "none" if value in {None, ""} else f"`{value}`"


def _bounds(name: str, given: FieldInfo) -> Iterator[str]:
    for rule in given.metadata:
        for attribute, words in (("ge", "at least"), ("le", "at most")):
            if getattr(rule, attribute, None) is not None:
                yield f"{words} {getattr(rule, attribute)}"
    values = cast("tuple[object, ...]", getattr(given.annotation, "__args__", ()))
    choices = [f"`{value}`" for value in values if isinstance(value, str)]
    if choices:
        yield f"one of {', '.join(choices)}"
    if name == "jwt_expire_minutes":
        yield "also `ENTREPOT_JWT_EXPIRE_MINUTES`"


def openapi() -> dict[str, Any]:
    """The description of the main API."""
    nobody = cast("Application", None)  # only requests need one
    api = make_api(nobody, max_upload_bytes=0, publish_wait_seconds=0, public_url="")
    return api.openapi()


def openapi_text() -> str:
    """``openapi.json``."""
    return json.dumps(openapi(), indent=1, sort_keys=True) + "\n"


def _needed(operation: dict[str, Any]) -> str:
    """Who may: a permission with the lowest role that carries it, whoever is signed in, or everybody."""
    if permissions := operation.get("x-permissions"):
        return f"{', '.join(f'`{code}`' for code in permissions)} ({operation['x-role']})"
    if {} in operation["security"] or not operation["security"]:
        return "open"
    return "signed in"


def api_page() -> str:
    """``api.md``: the routes in a table."""
    document = openapi()
    lines = [
        "# HTTP API\n",
        _MADE,
        "Every route is there three times: as written, below `/api` and below `/api/v1`; a slash at the end changes",
        "nothing.  [openapi.json](openapi.json) has parameters and bodies; a running server shows it at `/docs`.",
        "Requests carry `Authorization: Bearer TOKEN`; [errors](errors.md) have one form.  Content for package",
        "managers is below `/apt` and `/rpm` and needs no token.\n",
        "| method | path | what | permission |",
        "|---|---|---|---|",
    ]
    for path, item in sorted(document["paths"].items()):
        lines += [
            f"| {method.upper()} | `{path}` | {about['summary']} | {_needed(about)} |" for method, about in item.items()
        ]
    for path, item in sorted(document["paths"].items()):
        for method, about in item.items():
            lines += [f"\n## {method.upper()} {path}\n", about.get("description", about["summary"]).replace("``", "`")]
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """``cli.md``: every command."""
    program = make_app()
    for module in (serve, worker, verify):
        module.register(program)
    return commands_page(program, _MADE)


def _flowing(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


PAGES = {
    "errors.md": errors_page,
    "settings.md": settings_page,
    "api.md": api_page,
    "cli.md": cli_page,
    "openapi.json": openapi_text,
}


def main() -> None:
    """Write all pages."""
    # Rendering every error would log some of them as incidents.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
