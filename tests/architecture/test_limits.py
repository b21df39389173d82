"""Every route of contract table 1.1 has its limit, and it is counted after the guard."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from tests.architecture.calls import CALLS
from tests.architecture.conftest import InProcess

from entrepot.domain.model.configuration import RATE_GROUPS
from entrepot.entrypoints.api.context import Requiring
from entrepot.entrypoints.api.limits import Limit, Limited, LimitedByAddress
from entrepot.entrypoints.api.routes import routes_of
from entrepot.errors import BadSetting

# The first that fits; a route that sends something and fits none has no limit.
TABLE = (
    ("POST", r"/auth/token", ("auth_token",)),
    ("POST", r"/auth/forgot-password", ("forgot_password",)),
    ("POST", r"/(auth/reset-password|reset-password/form)", ("reset_password",)),
    ("POST", r"/auth/mfa/authenticate", ("mfa_authenticate",)),
    ("POST", r"/setup(/form)?", ("auth_token",)),
    ("GET|POST", r"/auth/oidc/(login|callback|session)", ("oidc",)),
    ("POST", r"/auth/token-exchange", ("token_exchange",)),
    ("POST|PUT", r"/upload(/.*)?", ("upload",)),
    ("POST", r"/import/fetch", ("import", "import_fetch")),
    ("POST", r"/import/packages", ("import", "import_packages")),
    ("POST", r"/import/batch", ("import", "import_batch")),
    ("POST", r"/import/sync(/start)?", ("import", "import_sync")),
    ("POST", r"/import(/.*)?", ("import",)),
    ("PATCH|DELETE", r"/import/sources/.*", ("import",)),
    ("POST|PATCH|DELETE", r"/mirrors(/.*)?", ("import",)),
    ("POST", r"/bundles(/.*)?", ("import",)),
    ("POST", r"/distributions(/.*)?", ("distributions",)),
    ("POST", r"/artifacts/\{name\}/promote", ("promote",)),
    ("POST", r"/artifacts/\{name\}/promote/.*", ("promotion_decision",)),
)


def wanted(method: str, path: str) -> tuple[str, ...]:
    """The groups of a route."""
    for methods, pattern, groups in TABLE:
        if method in methods.split("|") and re.fullmatch(pattern, path):
            return groups
    return ()


def dependencies(route: Any) -> list[Any]:
    """What is called before the route, in order."""
    return [one.call for one in route.dependant.dependencies]


def test_every_route_has_the_limits_of_the_table_and_no_other(in_process: InProcess) -> None:
    found = {
        (method, route.path): tuple(
            sorted(group for one in dependencies(route) if isinstance(one, Limit) for group in one.groups)
        )
        for route in routes_of(cast("Any", in_process.front)._api)
        for method in set(route.methods or ()) - {"HEAD"}
    }
    assert len(found) > 30
    assert found == {key: tuple(sorted(wanted(*key))) for key in found}


def test_a_limit_is_counted_after_the_guard_and_before_anything_else(in_process: InProcess) -> None:
    roles = {(call.method, call.route): call.role for call in CALLS}
    for route in routes_of(cast("Any", in_process.front)._api):
        calls = dependencies(route)
        places = [number for number, one in enumerate(calls) if isinstance(one, Limit)]
        if not places:
            continue
        assert len(places) == 1, f"{route.path}: name all groups in one limit"
        guards = [number for number, one in enumerate(calls) if isinstance(one, Requiring)]
        for method in route.methods or ():
            is_open = roles[method, route.path] is None
            assert isinstance(calls[places[0]], LimitedByAddress if is_open else Limited), route.path
            assert guards == ([] if is_open else list(range(places[0]))), f"{route.path}: the guard, then the limit"


def test_a_limit_that_nobody_knows_cannot_be_declared() -> None:
    for groups in ((), ("cake",), ("upload", "cake")):
        with pytest.raises(BadSetting, match="no such rate limit"):
            Limited(*groups)


def test_every_limit_of_the_settings_is_in_the_table() -> None:
    assert {group for _, _, groups in TABLE for group in groups} == set(RATE_GROUPS)
