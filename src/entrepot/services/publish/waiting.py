"""Waiting until a suite is published up to a revision, without holding a thread."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from entrepot.adapters.catalog.base import Catalog
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.suite import SuiteId
from entrepot.services.publish.service import Published, Publisher

_LOOK_SECONDS = 0.5


class Publications:
    """Who waits for which suite.  A switch that somebody tells of wakes at once; others are seen by looking."""

    def __init__(self, catalog: Catalog, publisher: Publisher) -> None:
        self._catalog = catalog
        self._waiting: dict[SuiteId, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        self._last: dict[SuiteId, Published] = {}
        self._counted: Callable[[SuiteId, int], None] | None = None
        publisher.on_switch(self.wake)

    def report(self, counted: Callable[[SuiteId, int], None]) -> None:
        """Have ``counted`` told, at once, whenever somebody more or less waits for a suite."""
        self._counted = counted

    def wake(self, published: Published) -> None:
        """Let those go on who wait for it; called by whoever made or heard of a switch, in any thread."""
        self._last[published.suite_id] = published
        for loop, event in list(self._waiting.get(published.suite_id, ())):
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(event.set)

    def waiting_count(self, suite_id: SuiteId) -> int:
        """Who waits for the suite in this process."""
        return len(self._waiting.get(suite_id, ()))

    async def until(self, suite_id: SuiteId, revision: int, seconds: float) -> Generation | None:
        """The generation in force once it shows ``revision`` or later; none when time ran out first."""
        deadline = time.monotonic() + seconds
        entry = (asyncio.get_running_loop(), asyncio.Event())
        self._waiting.setdefault(suite_id, []).append(entry)
        self._count(suite_id)
        # Who was told of a generation is told of the next one, too, and need not look at once.
        looks = suite_id not in self._last
        try:
            while True:
                entry[1].clear()
                left = deadline - time.monotonic()
                found = self._switched_here(suite_id, revision)
                if found is None and (looks or left <= 0):
                    found = await asyncio.to_thread(self._look, suite_id, revision)
                if found is not None or left <= 0:
                    return found
                looks = False
                try:
                    await asyncio.wait_for(entry[1].wait(), min(left, _LOOK_SECONDS))
                except TimeoutError:
                    looks = True
        finally:
            self._waiting[suite_id].remove(entry)
            self._count(suite_id)

    def _count(self, suite_id: SuiteId) -> None:
        if self._counted is not None:
            self._counted(suite_id, self.waiting_count(suite_id))

    def _switched_here(self, suite_id: SuiteId, revision: int) -> Generation | None:
        last = self._last.get(suite_id)
        return None if last is None or last.revision < revision else last.generation

    def _look(self, suite_id: SuiteId, revision: int) -> Generation | None:
        with self._catalog.read() as reading:
            suite = reading.suite(suite_id)
            if suite.published_revision < revision or suite.generation_id is None:
                return None
            return reading.generation(suite.generation_id)
