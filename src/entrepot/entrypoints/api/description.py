"""The OpenAPI document: what routes say of themselves, completed by what follows from how they are made.

A guard means 401 and 403, a limit 429, a place in the path 404, a body 413 and so on.  What a route declares itself
wins.  ``x-permissions`` are those that an operation asks for, ``x-role`` is the lowest role of the program with them.
``tests/contract/test_openapi.py`` asks a real application and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.answers import forms
from entrepot.entrypoints.api.context import current_actor, visitor
from entrepot.entrypoints.api.limits import Limit, LimitedByAddress
from entrepot.entrypoints.api.routes import routes_of

Part = dict[str, Any]

_DIALECTS = ("gitea", "aptly", "dput")
_QUIET = ("/health/live",)
_RECEIVING = (
    "/upload",
    "/security/feeds/{name}",
    "/incoming",
    "/packages/{owner}",
    "/api/files",
    "/api/repos",
    "/bundles/import",
)
_RECEIVED_WHOLE = ("/upload", "/incoming", "/packages/{owner}")
_OUTCOMES = {
    "200": "The same file is there already",
    "201": "Published: clients can install it.  Or held: a person decides",
    "202": "Stored; it is still being inspected or published, or waits for a person",
}
_TAGS = {
    "auth": "Sign-in, accounts, sessions and API tokens",
    "packages": "What is published, and what waits",
    "upload": "Packages come in",
    "promotions": "Packages from distribution to distribution",
    "security": "Held packages and decisions",
    "sbom": "Lists of software: CycloneDX and SPDX",
    "distributions": "Distributions and archives",
    "settings": "What administrators change while the server runs",
    "audit": "Who did what, and whether the log still says so",
    "dashboard": "Figures and events, as they happen",
    "downloads": "What was downloaded",
    "environments": "Names under which machines see snapshots",
    "errata": "Why there is an update, and how fast it spreads",
    "groups": "Accounts that share a role",
    "import": "Sources, what they have, and packages from them",
    "jobs": "Long work: how far it is, and its end",
    "license": "For programs that ask: there is none to buy",
    "logs": "Lines of the server's log",
    "mirrors": "Distributions that are fed from a source",
    "notifications": "Mails and webhooks, and whether they arrived",
    "provenance": "Keys that distributions trust, signatures and attestations",
    "retention": "Which versions stay",
    "roles": "Permissions in bundles",
    "suites": "Suites by their whole names, their options, and the states that are kept",
    "snapshots": "States of distributions that are kept, and what differs",
    "templates": "Texts of mails",
    "health": "Is it well?  For monitoring",
    "gitea": "Uploads as to Gitea and Forgejo",
    "aptly": "A part of the API of aptly",
    "dput": "Uploads with dput",
}
_RETRY = {"Retry-After": {"description": "Seconds, at least 1", "schema": {"type": "integer", "minimum": 1}}}
_RATES = {
    f"X-RateLimit-{name}": {"description": text, "schema": {"type": "integer"}}
    for name, text in (
        ("Limit", "How many requests there may be"),
        ("Remaining", "How many there may still be at once"),
        ("Reset", "When the present window ends, in seconds since 1970"),
    )
}
_CHALLENGE = {"WWW-Authenticate": {"description": "Bearer, or Basic for other programs", "schema": {"type": "string"}}}
_EXAMPLES: Mapping[int, tuple[str, Part, Part]] = {
    400: ("Something in the request has no meaning here", {}, {"detail": "unknown format", "error": "invalid_request"}),
    401: ("Sign in first", _CHALLENGE, {"detail": "sign in first", "error": "not_signed_in"}),
    403: (
        "The role is too low",
        {},
        {"detail": "admin role required", "error": "permission_denied", "permission": "suite.write"},
    ),
    404: ("There is no such thing", {}, {"detail": "no package is named hello", "error": "not_found"}),
    409: ("The present state does not allow it", {}, {"detail": "the name is taken", "error": "already_exists"}),
    413: ("The body is too large", {}, {"detail": "send at most 64 KiB", "error": "body_too_large"}),
    414: ("The address is too long", {}, {"detail": "the head of the request is too large", "error": "head_too_large"}),
    422: ("A field is missing or of another type, or a file is refused", {}, {}),
    429: (
        "Too many requests",
        {**_RETRY, **_RATES},
        {
            "detail": {
                "error": "rate_limit_exceeded",
                "message": "too many requests; there may be 20/minute, try again in 42 s",
                "limit": "20/minute",
                "retry_after": 42,
            },
            "error": "rate_limit_exceeded",
        },
    ),
    500: (
        "A fault of the server; its log has the rest under the incident",
        {},
        {"detail": "internal error; incident 5e0c6d2f9a41b7c3", "error": "internal"},
    ),
    503: (
        "Database, store or signing key cannot be used now",
        _RETRY,
        {"detail": "the database cannot be used now; try again in a moment", "error": "catalog.unavailable"},
    ),
    507: ("No space is left", {}, {"detail": "no space is left where packages are stored", "error": "store.full"}),
}
_PROBLEM: Part = {
    "type": "object",
    "description": "Every answer that is not a success; facts about the case may stand beside these two.",
    "required": ["detail", "error"],
    "properties": {
        "detail": {
            "description": "A sentence for a person, or an object where there is more to say",
            "anyOf": [{"type": "string"}, {"type": "object"}, {"type": "array", "items": {"type": "object"}}],
        },
        "error": {"type": "string", "description": "A code for programs; it stays the same from version to version"},
    },
}
_INVALID: Part = {
    "type": "object",
    "required": ["detail"],
    "properties": {
        "detail": {
            "anyOf": [
                {"type": "string"},
                {"type": "object"},
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["type", "loc", "msg"],
                        "properties": {
                            "type": {"type": "string"},
                            "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                            "msg": {"type": "string"},
                            "input": {},
                        },
                    },
                },
            ]
        },
        "error": {"type": "string"},
    },
    "example": {
        "detail": [{"type": "missing", "loc": ["body", "username"], "msg": "Field required", "input": None}],
        "error": "validation_error",
    },
}


def install(app: FastAPI) -> None:
    """Have the document made here, once."""

    def document() -> Part:
        if app.openapi_schema is None:
            app.openapi_schema = described(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def described(app: FastAPI) -> Part:
    """The whole document."""
    found: Part = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    components = found.setdefault("components", {})
    answers, schemas = forms()
    components.setdefault("schemas", {}).update({**schemas, "Problem": _PROBLEM, "Invalid": _INVALID})
    components["responses"] = {f"Problem{status}": _problem(status) for status in _EXAMPLES}
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A session, or an API token (repod_...)"},
        "basic": {"type": "http", "scheme": "basic", "description": "For programs that know nothing else"},
    }
    for route in routes_of(app):
        for method in route.methods or ():
            operation = found["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _complete(operation, route, method)
                components["schemas"].update(_taken_out(operation))
                _form(operation, answers.get(f"{method} {route.path_format}"))
    for schema in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(schema, None)
    tags = {tag for item in found["paths"].values() for one in item.values() for tag in one.get("tags", ())}
    ordered = sorted(tags, key=lambda tag: (tag in _DIALECTS, tag))
    found["tags"] = [{"name": tag, "description": _TAGS.get(tag, tag.capitalize())} for tag in ordered]
    found["servers"] = [
        {"url": prefix, "description": text}
        for prefix, text in (("/", "Here"), ("/api", "The same"), ("/api/v1", "The same"))
    ]
    return found


def _complete(operation: Part, route: APIRoute, method: str) -> None:
    responses = operation["responses"]
    if "422" in responses and "HTTPValidationError" in str(responses["422"]):
        del responses["422"]
    for status in sorted(_statuses(route, method, operation)):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})
    if method in {"POST", "PUT"} and route.path.startswith(_RECEIVED_WHOLE):
        for outcome, text in _OUTCOMES.items():
            responses.setdefault(outcome, {"description": text})
    for code, response in responses.items():
        if "$ref" not in response and "content" not in response and code != "204" and code[0] != "3":
            schema: Part = {"type": "object"}
            if code >= "400":
                schema = {"$ref": f"#/components/schemas/{'Invalid' if code == '422' else 'Problem'}"}
            response["content"] = {"application/json": {"schema": schema}}
    kind = _guard(route)
    if kind == "guarded":
        operation["security"] = [{"bearer": []}, {"basic": []}] if _is_dialect(operation) else [{"bearer": []}]
        needed = _permissions(route)
        if needed:
            operation["x-permissions"] = [permission.code for permission in needed]
            operation["x-role"] = max((permission.role for permission in needed), key=lambda role: role.level).value
    elif kind == "visited":
        operation["security"] = [{}, {"bearer": []}]
    else:
        operation["security"] = []
    operation["responses"] = dict(sorted(responses.items()))


def _taken_out(operation: Part) -> Part:
    """What the schemas of a body define for themselves; such definitions have their place among the components."""
    found: Part = {}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        own = content.get("schema", {})
        found |= own.get("$defs", {})
        content["schema"] = {name: part for name, part in own.items() if name != "$defs"}
    return found


def _form(operation: Part, form: Part | None) -> None:
    """Say what a success looks like, where the route itself says only that it is an object."""
    for code, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json")
        if form is not None and code < "300" and content is not None and _is_any_object(content["schema"]):
            content["schema"] = form


def _is_any_object(schema: Part) -> bool:
    return not schema.keys() - {"type", "title", "additionalProperties"} and schema.get("type", "object") == "object"


def _statuses(route: APIRoute, method: str, operation: Part) -> Iterator[int]:
    """What may come, from how the route is made."""
    yield from (400, 500)
    guarded, has_body = _guard(route) == "guarded", "requestBody" in operation
    changes = method not in {"GET", "HEAD"}
    if route.path not in _QUIET:
        yield 503
    limits = [call for call in _calls(route.dependant) if isinstance(call, Limit)]
    if guarded:
        yield from (401, 403)
    elif any(isinstance(limit, LimitedByAddress) for limit in limits):
        yield 401  # what is guessed at is a credential
    if "{" in route.path or changes:
        yield 404
    if changes:
        yield 409
    if has_body or changes:
        yield 413
    if has_body or operation.get("parameters"):
        yield from (414, 422)
    if _is_dialect(operation) or limits:
        yield 429
    if route.path.startswith(_RECEIVING) and changes:
        yield from (422, 507)


def _guard(route: APIRoute) -> str:
    calls = list(_calls(route.dependant))
    if current_actor in calls or _permissions(route):
        return "guarded"
    return "visited" if visitor in calls else "open"


def _permissions(route: APIRoute) -> list[Permission]:
    """Those that the guards of a route ask for, each once."""
    found = (getattr(call, "permission", None) for call in _calls(route.dependant))
    return list(dict.fromkeys(one for one in found if isinstance(one, Permission)))


def _calls(dependant: Any) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one.call
        yield from _calls(one)


def _is_dialect(operation: Part) -> bool:
    return any(tag in _DIALECTS for tag in operation.get("tags", ()))


def _problem(status: int) -> Part:
    text, headers, example = _EXAMPLES[status]
    schema = "Invalid" if status == 422 else "Problem"
    content: Part = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if example:
        content["example"] = example
    return {
        "description": text,
        **({"headers": headers} if headers else {}),
        "content": {"application/json": content},
    }
