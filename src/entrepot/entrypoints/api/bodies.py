"""JSON bodies of requests by people: read after the caller is known, bounded, and strict about types.

The framework would parse a body of any size before it asks who sends it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from entrepot.entrypoints.api.context import Who
from entrepot.errors import BodyTooLarge, InvalidRequest

M = TypeVar("M", bound=BaseModel)

_MOST_BYTES = 64 << 10
IN_COMPONENTS = "#/components/schemas/{model}"
"""Where the description of the API keeps schemas that have a name."""


def content_type(request: Request) -> str:
    """Without parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def bounded(request: Request, most_bytes: int = _MOST_BYTES) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: it has more than 64 KiB, or than the route takes.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise BodyTooLarge(f"this request has a body of at most {most_bytes >> 10} KiB")
    return body


def json_of(body: bytes) -> object:
    """What a body says, if it says it in one way only: UTF-8, no name twice, no NaN.  Nothing is an empty object.

    Raises:
        RequestValidationError: it is not such JSON.
    """
    try:
        return json.loads(body.decode() or "{}", object_pairs_hook=_without_repetition, parse_constant=_not_json)
    except (ValueError, RecursionError):
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "not JSON"}]) from None


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _not_json("a name twice")


def _not_json(what: str) -> NoReturn:
    raise json.JSONDecodeError(what, "", 0)


def parsed(model: type[M], given: object) -> M:
    """What was sent, as a model.

    Raises:
        RequestValidationError: naming the fields; values are left out, since there are passwords among them.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"]), "input": None} for one in found]) from None


def json_body(model: type[M], most_bytes: int = _MOST_BYTES) -> Callable[..., Awaitable[M]]:
    """A dependency: the body of a signed-in caller's request."""

    async def read(request: Request, _who: Who) -> M:
        return await _json_as(model, request, most_bytes)

    return read


def open_json_body(model: type[M]) -> Callable[..., Awaitable[M]]:
    """A dependency: the body of anybody's request, for routes without a guard."""

    async def read(request: Request) -> M:
        return await _json_as(model, request)

    return read


async def _json_as(model: type[M], request: Request, most_bytes: int = _MOST_BYTES) -> M:
    body = await bounded(request, most_bytes)
    if body and content_type(request) != "application/json":
        raise InvalidRequest("send the body with Content-Type: application/json")
    return parsed(model, json_of(body))


def described(model: type[BaseModel], *types: str) -> dict[str, Any]:
    """``openapi_extra`` for a body that the framework does not see."""
    schema = model.model_json_schema(ref_template=IN_COMPONENTS)
    return {
        "requestBody": {
            "required": True,
            "content": {name: {"schema": schema} for name in types or ("application/json",)},
        }
    }
