"""The whole application in this process, with parts that cost nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.adapters.storage.memory import MemoryBlobStore
from entrepot.application import Application
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.entrypoints.worker.dispatch import Dispatch
from entrepot.main import Parts, assemble, wall_clock
from entrepot.program.serving import make_front
from entrepot.settings import load_settings
from entrepot.testing.databases import lay_schema

SECRET = b"a secret of the tests, thirty-two bytes or more"


@dataclass(frozen=True, slots=True)
class InProcess:
    """The services, and the HTTP application over them."""

    application: Application
    front: object


@contextmanager
def installed(folder: Path, idle: Collection[GoalKind] = ()) -> Iterator[InProcess]:
    """For the time of the block; goals of the kinds in ``idle`` wait for ever."""
    settings = load_settings(data=folder, key_algorithm="ed25519", rate_limits="all=1000000/minute")
    lay_schema(folder / "entrepot.db")
    catalog, queue = SqlCatalog(settings.catalog_url), MemoryQueue()
    parts = Parts(catalog, MemoryBlobStore(), MemoryKeyring(wall_clock), queue, SECRET, wall_clock)
    application = assemble(settings, parts)
    application.suites.prepare()
    dispatch = Dispatch(application)

    def pursue(goal: Goal) -> None:
        if goal.kind not in idle:
            dispatch(goal)

    queue.start(pursue)
    try:
        yield InProcess(application, make_front(application, settings))
    finally:
        queue.stop()
        catalog.close()


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """Distributions out of the box are there and will be published; nobody has an account."""
    with installed(tmp_path_factory.mktemp("in-process")) as found:
        yield found
