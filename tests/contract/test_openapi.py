"""The API does what its own description says, whatever is asked: no 5xx, no status or form that is not described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.contract.people import Office, open_office

from entrepot.testing.reference import openapi

pytestmark = pytest.mark.xdist_group("openapi")

DOCUMENT = openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
FOUND: list[Any] = [one.ok() for one in SCHEMA.get_all_operations()]  # type: ignore[union-attr]
OPERATIONS = {f"{one.method.upper()} {one.path}": one for one in FOUND}
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance, response_headers_conformance]
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
# They go on until somebody leaves; strangers are asked about them.
ENDLESS = {
    f"{method.upper()} {path}"
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if "text/event-stream" in operation["responses"].get("200", {}).get("content", {})
}
COUNT = 5
load_all_checks()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from references(one)


def test_every_reference_of_the_description_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            assert step in found, reference
            found = found[step]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("openapi"), ENTREPOT_PUBLISH_WAIT_SECONDS="5") as found:
        yield found


@pytest.fixture(scope="module")
def secret(office: Office) -> str:
    """Of a token with every right; it cannot be logged out."""
    return str(office.token(role="admin")["token"])


def ask(office: Office, operation: Any, headers: dict[str, str], count: int, mode: GenerationMode) -> None:
    """Some requests that the description allows, or does not."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=QUIET,
    )
    def asking(case: Any) -> None:
        answer = case.call(base_url=office.server.url, headers=headers, timeout=60)
        assert answer.status_code < 500 or answer.status_code in {502, 503, 504}, answer.content
        case.validate_response(answer, checks=CHECKS)

    asking()


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ENDLESS])
def test_an_administrator_is_answered_as_described(office: Office, secret: str, name: str) -> None:
    operation, headers = OPERATIONS[name], {"Authorization": f"Bearer {secret}"}
    ask(office, operation, headers, COUNT, GenerationMode.POSITIVE)
    if operation.query or operation.body:
        ask(office, operation, headers, COUNT, GenerationMode.NEGATIVE)


@pytest.mark.parametrize("name", OPERATIONS)
def test_strangers_are_answered_as_described(office: Office, name: str) -> None:
    ask(office, OPERATIONS[name], {}, 2, GenerationMode.POSITIVE)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_who_may_and_what_may_come(name: str) -> None:
    method, path = name.split(" ")
    operation = DOCUMENT["paths"][path][method.lower()]
    assert operation["summary"]
    assert operation["tags"]
    assert "security" in operation
    statuses = set(operation["responses"])
    assert any(status[0] in "23" for status in statuses)
    assert "500" in statuses
    for one in operation["security"]:
        assert set(one) <= set(DOCUMENT["components"]["securitySchemes"])
    if operation["security"] and {} not in operation["security"]:
        assert {"401", "403"} <= statuses
    if "requestBody" in operation:
        assert {"400", "413"} <= statuses
    for status, response in operation["responses"].items():
        found = response
        if "$ref" in response:
            found = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
        assert found["description"]
        assert status == "204" or status[0] == "3" or found["content"]
