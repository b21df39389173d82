"""Sign-in at an identity provider, and tokens of CI platforms for short sessions."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse

from entrepot.entrypoints.api.account_words import role_fields, suites_in
from entrepot.entrypoints.api.bodies import bounded, content_type, described, json_of, parsed
from entrepot.entrypoints.api.context import Address, App
from entrepot.entrypoints.api.limits import LimitedByAddress
from entrepot.errors import InvalidRequest
from entrepot.services.access.provider import Answer, ProviderSession, Terminal

router = APIRouter(tags=["auth"])

_FORM = "application/x-www-form-urlencoded"
_COOKIE = "entrepot_oidc"
_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
_FAILURES: dict[int | str, dict[str, Any]] = {
    400: {"description": "No identity provider is configured, or the request makes no sense"},
    401: {"description": "Not begun in this browser, not accepted, or without a role here"},
    429: {"description": "Too many requests"},
    503: {"description": "The identity provider cannot be asked"},
}


class CodeRequest(BaseModel):
    """The code behind ``#sign-in=`` in the address that the browser was sent to."""

    model_config = ConfigDict(strict=True)

    code: str = Field(max_length=200, examples=["the one-time code"])
    verifier: str = Field(
        "", max_length=128, description="At a command line: the secret behind the challenge that it began with"
    )


class ExchangeRequest(BaseModel):
    """As RFC 8693 has it; only ``subject_token`` has to be there."""

    model_config = ConfigDict(strict=True)

    subject_token: str = Field(max_length=16_384, examples=["the JWT of the CI platform"])
    subject_token_type: str = Field(_JWT_TYPES[0], max_length=200)
    grant_type: str = Field(_GRANT, max_length=200)


def _base(request: Request, app: App) -> str:
    configured = app.configurations.current().app_url or str(request.app.state.public_url)
    return (configured or str(request.base_url)).rstrip("/")


Base = Annotated[str, Depends(_base)]


def _keep(answer: Response, value: str, base: str, seconds: int) -> None:
    # Lax: the provider sends the browser back to us, and the cookie has to come along.
    answer.set_cookie(
        _COOKIE, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=base.startswith("https://")
    )


@router.get(
    "/auth/oidc/login",
    summary="Sign in at the identity provider",
    status_code=302,
    response_class=RedirectResponse,
    responses={302: {"description": "To the provider; a cookie keeps what belongs to this browser"}, **_FAILURES},
    dependencies=[Depends(LimitedByAddress("oidc"))],
)
def begin(
    app: App,
    base: Base,
    challenge: Annotated[str, Query(pattern=r"^([A-Za-z0-9_-]{43})?$")] = "",
    port: Annotated[int, Query(ge=0, le=65_535)] = 0,
) -> Response:
    """Open this address in a browser.

    A command line gives `challenge`, the SHA-256 of a secret of its own as RFC 7636 has it, and the `port` of loopback
    that it listens on, or none. The browser then ends at a page that hands a code to the command line.
    """
    begun = app.provider.begin(base, Terminal(challenge, port) if challenge else None)
    answer = RedirectResponse(begun.url, 302)
    _keep(answer, begun.pending, base, 600)
    return answer


@router.get(
    "/auth/oidc/callback",
    summary="Come back from the identity provider",
    responses={
        200: {"description": "A session, for programs that ask for JSON", "content": {"application/json": {}}},
        302: {
            "description": "To /#sign-in=<code>, or for a command line to /auth/oidc/terminal#code=<code>&...; "
            "POST /auth/oidc/session takes the code once"
        },
        **_FAILURES,
    },
    dependencies=[Depends(LimitedByAddress("oidc"))],
)
def come_back(
    request: Request,
    app: App,
    address: Address,
    code: Annotated[str, Query(max_length=4000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
    iss: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """The provider sends the browser here.  No token is ever part of an address."""
    pending = request.cookies.get(_COOKIE, "")
    arrival = app.provider.finish(pending, Answer(code, state, error, iss), address)
    if arrival.terminal is None and "application/json" in request.headers.get("accept", ""):
        answer: Response = JSONResponse(_session(app.provider.open(arrival.account, address)))
        answer.delete_cookie(_COOKIE, path="/")
        return answer
    landing = app.provider.land(arrival)
    answer = RedirectResponse(landing.url, 302)
    if landing.browser:
        _keep(answer, landing.browser, arrival.base, 60)
    else:
        answer.delete_cookie(_COOKIE, path="/")
    return answer


async def _code(request: Request) -> CodeRequest:
    body = await bounded(request)
    # A form of another site could be sent along with our cookie; this type cannot.
    if content_type(request) != "application/json":
        raise InvalidRequest("send the body with Content-Type: application/json")
    return parsed(CodeRequest, json_of(body))


@router.post(
    "/auth/oidc/session",
    summary="Take the session after a sign-in at the identity provider",
    openapi_extra=described(CodeRequest),
    responses={401: _FAILURES[401], 429: _FAILURES[429]},
    dependencies=[Depends(LimitedByAddress("oidc"))],
)
def take(
    request: Request, response: Response, app: App, address: Address, given: Annotated[CodeRequest, Depends(_code)]
) -> dict[str, Any]:
    """A session for the one-time code; only the browser or command line that it is for can take it, and once."""
    session = app.provider.take(given.code, given.verifier or request.cookies.get(_COOKIE, ""), address)
    response.delete_cookie(_COOKIE, path="/")
    return _session(session)


def _session(session: ProviderSession) -> dict[str, Any]:
    return {"access_token": session.token, "token_type": "bearer", "expires_in": session.expires_in_seconds}


async def _exchange_request(request: Request) -> ExchangeRequest:
    body = await bounded(request)
    if content_type(request) == _FORM:
        return parsed(ExchangeRequest, dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20)))
    return parsed(ExchangeRequest, json_of(body))


@router.post(
    "/auth/token-exchange",
    summary="Exchange the token of a CI platform for a session",
    openapi_extra=described(ExchangeRequest, "application/json", _FORM),
    responses={
        400: {"description": "Another grant or kind of token"},
        401: {"description": "No trusted workload fits the token"},
        429: _FAILURES[429],
        503: {"description": "The keys of the platform cannot be had"},
    },
    dependencies=[Depends(LimitedByAddress("token_exchange"))],
)
async def exchange(
    app: App, address: Address, given: Annotated[ExchangeRequest, Depends(_exchange_request)]
) -> dict[str, Any]:
    """For jobs of the settings' ``trusted_workloads``: a session of some minutes, with their role and distributions."""
    if given.grant_type != _GRANT or given.subject_token_type not in _JWT_TYPES:
        raise InvalidRequest(f"only {_GRANT} with a subject_token_type of {' or '.join(_JWT_TYPES)}")
    session = await run_in_threadpool(app.workloads.exchange, given.subject_token, address)
    return {
        "access_token": session.token,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "bearer",
        "expires_in": session.expires_in_seconds,
        "username": session.actor.name,
        **role_fields(session.actor.roles, session.actor.custom),
        "distributions": suites_in(session.actor.scope),
    }
