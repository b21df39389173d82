"""The whole application in this process, with parts that cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.adapters.storage.memory import MemoryBlobStore
from entrepot.application import Application
from entrepot.entrypoints.worker.dispatch import Dispatch
from entrepot.main import Parts, assemble, wall_clock
from entrepot.program.serving import make_front
from entrepot.settings import load_settings

SECRET = b"a secret of the tests, thirty-two bytes or more"


@dataclass(frozen=True, slots=True)
class InProcess:
    """The services, and the HTTP application over them."""

    application: Application
    front: object


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """Distributions out of the box are there and will be published; nobody has an account."""
    folder: Path = tmp_path_factory.mktemp("in-process")
    settings = load_settings(data=folder, key_algorithm="ed25519", rate_limits="all=1000000/minute")
    catalog, queue = SqlCatalog(settings.catalog_url), MemoryQueue()
    parts = Parts(catalog, MemoryBlobStore(), MemoryKeyring(wall_clock), queue, SECRET, wall_clock)
    application = assemble(settings, parts)
    application.suites.prepare()
    queue.start(Dispatch(application))
    yield InProcess(application, make_front(application, settings))
    queue.stop()
    catalog.close()
