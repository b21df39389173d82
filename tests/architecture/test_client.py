"""The client has a method for every operation that the API describes, with all that the operation takes.

Every method is called once with everything it can be given, and a server writes down what it was asked.
"""

from __future__ import annotations

import inspect
import io
import json
import re
import subprocess
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.cli.scripted import Asked, ScriptedServer, reply, scripted_server
from typing_extensions import is_typeddict

from entrepot.client.api import Client, Selection
from entrepot.client.audit import AuditConditions
from entrepot.client.errors import BadAnswer
from entrepot.entrypoints.api.answers import ANSWERS

DESCRIPTION = Path(__file__).parents[2] / "docs/reference/openapi.json"
DIALECTS = {"aptly", "dput", "gitea"}
BROWSERS = {
    ("GET", "/auth/oidc/login"),  # sends a browser on, with a cookie
    ("GET", "/auth/oidc/callback"),  # the provider sends the browser here
}
# Two spellings of one thing; the client sends the other one.
SPELLINGS = {"search": "q", "roles": "role", "from": "from_dist", "to": "to_dist"}
SELECTION = Selection("word", "word", "word", "word")
CONDITIONS = AuditConditions("word", "word", "word", "word", "word", "word", "2026-01-01", "2026-01-02")
NAMED = re.compile(r"``(GET|POST|PUT|PATCH|DELETE) (/[^`?]*)``")

Operation = tuple[str, str]


@dataclass(frozen=True)
class Method:
    """A method of a theme, and the operations that its docstring names."""

    label: str
    call: Callable[..., Any]
    operations: tuple[Operation, ...]


def plain(path: str) -> str:
    """Without the names of places, which may differ, and without a slash at the end."""
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/") or "/"


def described() -> dict[Operation, dict[str, Any]]:
    """Operations of the main API."""
    paths = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["paths"]
    return {
        (method.upper(), plain(path)): operation
        for path, found in paths.items()
        for method, operation in found.items()
        if method != "parameters" and not DIALECTS & set(operation["tags"])
    }


def methods(client: Client) -> list[Method]:
    """Those of all themes."""
    themes: dict[int, tuple[str, object]] = {}
    for name, theme in vars(client).items():
        if type(theme).__module__.startswith("entrepot.client.") and not name.startswith("_"):
            themes.setdefault(id(theme), (name, theme))
    found = []
    for name, theme in themes.values():
        for word, _ in inspect.getmembers(type(theme), inspect.isfunction):
            if word.startswith("_") and word != "__call__":
                continue
            call = getattr(theme, word)
            named = tuple((verb, plain(path)) for verb, path in NAMED.findall(inspect.getdoc(call) or ""))
            found.append(Method(f"{name}.{word}", call, named))
    return found


OPERATIONS = described()
with Client("http://127.0.0.1:9") as _known:
    METHODS = [method for method in methods(_known) if method.operations]


def test_every_operation_has_a_method_and_no_method_has_another_one() -> None:
    covered = {operation for method in METHODS for operation in method.operations}
    assert sorted(set(OPERATIONS) - covered - BROWSERS) == [], "these operations have no method"
    assert sorted(covered - set(OPERATIONS)) == [], "these methods name operations that are not there"
    assert set(OPERATIONS) >= BROWSERS


def test_the_description_shows_the_shapes_that_the_client_promises() -> None:
    promised = {
        operation: answer.__name__
        for method in METHODS
        for operation in method.operations
        if is_typeddict(answer := answer_type(method))
    }
    described = {(verb, plain(path)): kind.__name__ for verb, path, kind in shapes()}
    assert described == promised, "src/entrepot/entrypoints/api/answers.py says something else"


def shapes() -> Iterator[tuple[str, str, type]]:
    for operation, kind in ANSWERS.items():
        verb, _, path = operation.partition(" ")
        yield verb, path, kind


def answer_type(method: Method) -> Any:
    """What a method returns."""
    call = method.call if hasattr(method.call, "__func__") else type(method.call).__call__
    return get_type_hints(call)["return"]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as found:
        found.will(reply({}))
        yield found


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.label)
def test_a_method_sends_all_that_its_operation_takes(method: Method, server: ScriptedServer, tmp_path: Path) -> None:
    with Client(server.url, "token") as client:
        call = next(each.call for each in methods(client) if each.label == method.label)
        for arguments in samples(call, tmp_path, example_of(method), several=len(method.operations) > 1):
            asked = first_request(server, call, arguments)
            found = [each for each in method.operations if each[0] == asked.method and fits(each[1], asked.path)]
            assert found, f"it asked {asked.method} {asked.path}"
            operation = OPERATIONS[found[-1]]
            assert query_of(asked) == parameters_of(operation, "query"), "the query differs"
            assert parameters_of(operation, "header") <= set(asked.headers)
            assert body_of(asked) == fields_of(operation), "the body differs"


def first_request(server: ScriptedServer, call: Callable[..., Any], arguments: Mapping[str, Any]) -> Asked:
    """What the server was asked; that its empty answer is a bad one does not matter."""
    del server.asked[:]
    try:
        answer = call(**arguments)
        if isinstance(answer, Iterator):
            list(answer)
    except BadAnswer:
        pass
    assert server.asked, "nothing was asked"
    return server.asked[0]


def fits(template: str, path: str) -> bool:
    """Whether a path is one of those that the template means; of several, the last one is the closest."""
    pattern = re.escape(template).replace(r"\{\}", "[^/]+")
    return re.fullmatch(f"{pattern}/?", urlsplit(path).path) is not None


def query_of(asked: Asked) -> set[str]:
    return {spelled(name) for name in parse_qs(urlsplit(asked.path).query, keep_blank_values=True)}


def parameters_of(operation: Mapping[str, Any], place: str) -> set[str]:
    return {spelled(each["name"]) for each in operation.get("parameters", []) if each["in"] == place}


def body_of(asked: Asked) -> set[str]:
    if not asked.body:
        return set()
    if asked.headers["content-type"] == "application/octet-stream":
        return set()
    if asked.headers["content-type"].startswith("multipart/"):
        return set(re.findall(r'; name="(\w+)"', asked.body.decode("latin-1")))
    return {spelled(name) for name in asked.json()}


def fields_of(operation: Mapping[str, Any]) -> set[str]:
    """Of the body; one without a list of fields, such as the settings, is free."""
    content = operation.get("requestBody", {}).get("content", {})
    for kind in ("application/json", "multipart/form-data"):
        if kind in content:
            schema = content[kind]["schema"]
            return {spelled(name) for name in schema.get("properties", schema.get("example", {}))}
    return set()


def spelled(name: str) -> str:
    return SPELLINGS.get(name, name)


def example_of(method: Method) -> Mapping[str, Any]:
    """Of a body without a list of fields."""
    for one in method.operations:
        content = OPERATIONS[one].get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in content.get("schema", {}):
            return dict(content["schema"]["example"])
    return {}


def samples(
    call: Callable[..., Any], folder: Path, example: Mapping[str, Any], *, several: bool
) -> list[dict[str, Any]]:
    """Arguments with everything given; one for each choice where a method stands for several operations."""
    hints = get_type_hints(call if inspect.ismethod(call) else type(call).__call__)
    given: list[dict[str, Any]] = [{}]
    for parameter in inspect.signature(call).parameters.values():
        hint = hints[parameter.name]
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            options = get_type_hints(get_args(hint)[0])
            given = [one | {name: sample(kind, folder, example) for name, kind in options.items()} for one in given]
        elif several and get_origin(hint) is Literal:
            given = [one | {parameter.name: choice} for one in given for choice in get_args(hint)]
        elif parameter.name not in {"progress", "told", "most_bytes", "declare_hash"}:
            given = [one | {parameter.name: sample(hint, folder, example)} for one in given]
    return given


def sample(hint: Any, folder: Path, example: Mapping[str, Any]) -> Any:
    """A value of a type, not an empty one."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return sample(inner[0], folder, example)
    if origin is Literal:
        return inner[0]
    if origin in (Sequence, list, typing.Sequence, Iterable):
        return [sample(inner[0], folder, example)]
    if origin is not None and issubclass(origin, Mapping):
        return example
    file = folder / "sample"
    file.write_bytes(b"bytes")
    known = {
        str: "word",
        int: 7,
        bool: True,
        bytes: b"bytes",
        Path: file,
        Selection: SELECTION,
        AuditConditions: CONDITIONS,
    }
    return io.BytesIO() if hint is BinaryIO else known[hint]


def test_the_client_is_light() -> None:
    heavy = ("pydantic", "fastapi", "starlette", "sqlalchemy", "typer", "rich", "cryptography")
    code = f"import sys, entrepot.client.api; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
