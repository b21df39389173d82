"""The end of a run that signs anew: what is ready comes in, what nobody wants any more goes, and then it is shown.

A suite is not published while it is settled, so that no state is seen that is half the old and half the new one.
Every step may be repeated: after a crash the next run begins with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.choices import Choice, ChoiceState
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.suite import SuiteId
from entrepot.domain.upstream.mirror import Mirror, MirrorRun
from entrepot.services.upstream.mirrors.collecting import Feed
from entrepot.services.upstream.mirrors.filling import Tell
from entrepot.services.upstream.syncing import Cancelled

_PACKAGES_A_UNIT = 25
_ROWS_A_PAGE = 200
_STUCK = (ChoiceState.HELD, ChoiceState.REFUSED, ChoiceState.BAD)
_MOST_STUCK = 100_000


@dataclass(slots=True)
class Settled:
    """How many packages came and went."""

    placed: int = 0
    removed: int = 0


class Settling:
    """Settles one suite at a time."""

    def __init__(
        self,
        catalog: Catalog,
        feed: Feed,
        publish: Callable[[SuiteId], object],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._feed = feed
        self._publish = publish
        self._now = now

    def settle(self, run: MirrorRun, mirror: Mirror, number: int, tell: Tell) -> Settled:
        """Until the suite has what the run wants; whoever called ends it with ``Writing.end_settling``."""
        with self._catalog.write() as unit:
            unit.begin_settling(mirror.id, mirror.suite_id, number)
        done = Settled()
        while True:
            with self._catalog.read() as reading:
                batch = reading.choices(mirror.id, [ChoiceState.READY], number, _PACKAGES_A_UNIT)
            if not batch:
                break
            done.placed += sum(one.state is ChoiceState.PLACED for one in self._feed.place(run, batch))
            with contextlib.suppress(Cancelled):  # a suite is not left between two states
                tell("publishing", done.placed, "")
        done.removed = self._remove(run, mirror, number)
        return done

    def _remove(self, run: MirrorRun, mirror: Mirror, number: int) -> int:
        """What the run does not want leaves, unless what should take its place has not come in."""
        with self._catalog.read() as reading:
            stuck = reading.choices(mirror.id, _STUCK, number, _MOST_STUCK)
        names = {(one.key.name, one.key.architecture) for one in stuck}
        removed, after = 0, 0
        while True:
            with self._catalog.read() as reading:
                page = reading.left_choices(mirror.id, number, _ROWS_A_PAGE, after)
            if not page:
                return removed
            after = page[-1].number
            removed += self._remove_some(run, mirror, number, page, names)

    def _remove_some(
        self,
        run: MirrorRun,
        mirror: Mirror,
        number: int,
        page: Sequence[Choice],
        names: Collection[tuple[str, str]],
    ) -> int:
        placed = [one for one in page if one.state is ChoiceState.PLACED]
        stay = [one.number for one in placed if mirror.keep_removed or (one.key.name, one.key.architecture) in names]
        now, gone = self._now(), list[JsonValue]()
        with self._catalog.write() as unit:
            unit.want_left(number, stay)
            leaving = [one for one in placed if one.number not in set(stay) and one.package_id is not None]
            revision = unit.touch_suite(mirror.suite_id) if leaving else 0
            for one in leaving:
                if one.package_id is not None and unit.withdraw(mirror.suite_id, one.package_id, revision):
                    gone.append(str(one.key))
            unit.forget_choices([one.number for one in page if one.number not in set(stay)])
            if gone:
                detail: dict[str, JsonValue] = {"mirror": run.mirror, "job": run.job, "packages": gone}
                entry = AuditEntry(
                    "MIRROR_WITHDRAW", "SUCCESS", run.actor, now, suite=run.suite.codename, detail=detail
                )
                unit.audit(entry)
        return len(gone)

    def show(self, suite_id: SuiteId) -> None:
        """Publish it, now that it is whole."""
        self._publish(suite_id)
