"""One real server for all client tests of a worker; each test has distributions of its own in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from entrepot.testing.maintainer import Maintainer
from entrepot.testing.server import Server, running_server

_numbers = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def maintainer(server: Server) -> Iterator[Maintainer]:
    with server.client() as client:
        yield Maintainer(client)


@pytest.fixture
def new_suite(maintainer: Maintainer) -> Callable[..., str]:
    """Create a distribution with a name that nothing else has: ``new_suite("rpm", components=[...])``."""

    def create(format_: str = "deb", **options: object) -> str:
        return maintainer.create(f"suite{next(_numbers)}", format_, **options)

    return create
