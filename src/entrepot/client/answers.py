"""Shapes of the API's answers.

Only fields that a caller may rely on are named; an answer may carry more, and is handed on whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypeVar, cast

from typing_extensions import TypedDict

from entrepot.client.errors import BadAnswer


class Token(TypedDict):
    """``POST /auth/token``.  Without a token a second factor is asked for."""

    access_token: str | None
    token_type: str
    expires_in: NotRequired[int]
    mfa_required: NotRequired[bool]
    mfa_token: NotRequired[str]


class Profile(TypedDict):
    """``GET /auth/me``."""

    username: str
    role: str
    roles: list[str]
    full_name: NotRequired[str]
    email: NotRequired[str]
    last_login: NotRequired[str | None]
    auth_source: NotRequired[str]
    permissions: NotRequired[list[str]]


class Upload(TypedDict):
    """``POST /upload/``.  Installable once ``status`` is ``published``; ``generation`` says since when."""

    status: str
    package: str
    version: str
    arch: str
    distribution: str
    archive: NotRequired[str]
    format: Literal["deb", "rpm"]
    filename: str
    size_bytes: int
    sha256: str
    duplicate: NotRequired[bool]
    indexed: NotRequired[bool]
    message: NotRequired[str]
    warnings: NotRequired[list[str]]
    pipeline: NotRequired[Mapping[str, str]]
    validation: NotRequired[Mapping[str, object]]
    generation: NotRequired[int | None]
    sources_url: NotRequired[str]
    install: NotRequired[object]


class UserRow(TypedDict):
    """An account."""

    username: str
    role: str
    roles: list[str]
    full_name: str
    email: str
    active: bool
    last_login: str | None


class Users(TypedDict):
    """``GET /auth/users``."""

    users: list[UserRow]
    total: int


class ApiTokenRow(TypedDict):
    """An API token without its secret."""

    id: str
    name: str
    role: str
    hint: NotRequired[str]
    distributions: NotRequired[list[str] | None]
    last_used: NotRequired[str | None]
    expires_at: NotRequired[str | None]
    revoked: NotRequired[bool]


class ApiTokens(TypedDict):
    """``GET /auth/api-tokens``."""

    tokens: list[ApiTokenRow]
    total: int


class NewApiToken(TypedDict):
    """``POST /auth/api-tokens``: the only answer with the secret."""

    id: str
    name: str
    role: str
    token: str


class Done(TypedDict):
    """What a change without a body of its own answers."""

    status: str


class Distribution(TypedDict):
    """One of ``GET /distributions/``."""

    codename: str
    format: Literal["deb", "rpm"]
    full_name: NotRequired[str]
    package_count: NotRequired[int]
    total_size: NotRequired[int]
    last_updated: NotRequired[str | None]
    components: NotRequired[list[str]]
    architectures: NotRequired[list[str]]
    archive: NotRequired[str]
    repo_url_path: NotRequired[str]
    description: NotRequired[str]
    ecosystem: NotRequired[str]
    client_file: NotRequired[str]
    key_url: NotRequired[str]


class Distributions(TypedDict):
    """``GET /distributions/``."""

    distributions: list[Distribution]


class DistributionPackage(TypedDict):
    """One file of a distribution; its size in bytes."""

    name: str
    version: str
    arch: str
    filename: str
    size: int


class DistributionPackages(TypedDict):
    """``GET /distributions/{codename}/packages``."""

    codename: str
    packages: list[DistributionPackage]
    total: int
    page: int
    per_page: int
    pages: int


class InitialisedSuite(TypedDict):
    """What became of one distribution."""

    codename: str
    format: Literal["deb", "rpm"]
    ok: bool
    output: str


class Initialised(TypedDict):
    """``POST /distributions/init``."""

    status: str
    results: list[InitialisedSuite]


class ArchiveRow(TypedDict):
    """One of ``GET /archives``."""

    name: str
    format: str
    fingerprints: list[str]
    key_url: str
    suites: list[str]


class Archives(TypedDict):
    """``GET /archives``."""

    archives: list[ArchiveRow]


class Health(TypedDict):
    """``GET /health``, also when the server is not well (503)."""

    status: str
    health: NotRequired[str]
    version: NotRequired[str]
    components: NotRequired[Mapping[str, str]]


Shape = TypeVar("Shape")


def shaped(body: Mapping[str, object], _shape: type[Shape], /, **fields: type) -> Shape:
    """The body as that shape, after the fields that every reader uses were seen to be of their kind.

    A list must hold objects, unless it is one of words; that is all the depth that is looked into.

    Raises:
        BadAnswer: naming the field.
    """
    for name, kind in fields.items():
        value = body.get(name)
        if not isinstance(value, kind):
            raise BadAnswer(f"the answer's field {name!r} is not a {kind.__name__}", code="bad_answer")
        if kind is list and not all(isinstance(item, dict) for item in cast("Sequence[object]", value)):
            raise BadAnswer(f"the answer's field {name!r} is not a list of objects", code="bad_answer")
    return cast("Shape", body)
