"""Our errors in the main API's words: status, ``{"detail", "error", ...facts}``, headers."""

from __future__ import annotations

import secrets
from typing import cast

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from entrepot.application import Application
from entrepot.entrypoints.api.routes import allowed_methods
from entrepot.errors import EntrepotError, Kind, PermissionDenied

_log = structlog.get_logger(__name__)

STATUS: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNPROCESSABLE: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.DENIED: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.UNPREPARED: 424,
    Kind.REFUSED: 422,
    Kind.TOO_LARGE: 413,
    Kind.LIMITED: 429,
    Kind.UPSTREAM: 502,
    Kind.TIMED_OUT: 504,
    Kind.UNAVAILABLE: 503,
    Kind.FULL: 507,
    Kind.CORRUPT: 500,
}
_RETRY_SECONDS = 5
_CODES = {401: "not_signed_in", 404: "not_found", 405: "method_not_allowed"}


def problem(error: EntrepotError) -> JSONResponse:
    """The answer to one of our errors."""
    headers: dict[str, str] = {}
    detail: object = error.detail
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.kind is Kind.UNAVAILABLE:
        headers["Retry-After"] = str(_RETRY_SECONDS)
    if error.kind is Kind.LIMITED:
        headers["Retry-After"] = str(error.facts.get("retry_after", _RETRY_SECONDS))
        detail = {"error": error.code, "message": error.detail, **error.facts}
    if error.code == "duplicate_conflict":
        detail = {"error": error.code, "message": error.detail, **error.facts}
    if error.kind is Kind.CORRUPT:
        incident = _incident()
        _log.error("incident", incident=incident, error=error.code, detail=error.detail, facts=error.facts)
        return JSONResponse({"detail": f"internal error; incident {incident}", "error": "internal"}, 500)
    body = {"detail": detail, "error": error.code, **error.facts}
    return JSONResponse(body, STATUS[error.kind], headers)


def install(app: FastAPI) -> None:
    """Have every failure of a route rendered here and nowhere else."""

    @app.exception_handler(EntrepotError)
    def ours(request: Request, error: EntrepotError) -> Response:
        actor = getattr(request.state, "actor", None)
        if isinstance(error, PermissionDenied) and actor is not None:
            route = getattr(request.scope.get("route"), "path", request.url.path[:200])
            audit = cast("Application", app.state.application).audit
            audit.refusals.note(actor, f"{request.method} {route}", str(error.facts.get("permission") or ""))
        return problem(error)

    @app.exception_handler(RequestValidationError)
    def malformed(_request: Request, error: RequestValidationError) -> Response:
        errors = [
            {key: _shortened(value) for key, value in one.items() if key in ("type", "loc", "msg", "input")}
            for one in error.errors()
        ]
        if any(one.get("type") == "json_invalid" for one in errors):
            return JSONResponse({"detail": "the body is not valid JSON", "error": "invalid_json"}, 400)
        return JSONResponse({"detail": jsonable_encoder(errors), "error": "validation_error"}, 422)

    @app.exception_handler(HTTPException)
    def framework(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            methods = ", ".join(allowed_methods(request.app, request.scope["path"]))
            if request.method == "OPTIONS":
                return Response(status_code=204, headers={"Allow": methods})
            headers["Allow"] = methods
        code = _CODES.get(error.status_code, "invalid_request")
        return JSONResponse({"detail": error.detail, "error": code}, error.status_code, headers)

    @app.exception_handler(ClientDisconnect)
    def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=499)

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        incident = _incident()
        _log.error("incident", incident=incident, path=request.url.path, exc_info=error)
        return JSONResponse({"detail": f"internal error; incident {incident}", "error": "internal"}, 500)


def _incident() -> str:
    """The id of the request, which its answer and its other lines in the log carry too."""
    return str(structlog.contextvars.get_contextvars().get("request_id") or secrets.token_hex(8))


def _shortened(value: object) -> object:
    return value if not isinstance(value, str) or len(value) <= 200 else value[:200]
