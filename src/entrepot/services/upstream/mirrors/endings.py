"""What is noted of a mirror when a run of any kind has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.upstream.mirror import Mirror, MirrorState
from entrepot.domain.upstream.source import Root
from entrepot.errors import EntrepotError
from entrepot.services.upstream import streaks

_log = structlog.get_logger(__name__)


class Endings:
    """Notes it, so that people hear of a failure once, and of its end."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def failed(self, mirror: Mirror, actor: Actor, error: EntrepotError) -> None:
        """A run has ended so."""
        now = self._now()
        detail: dict[str, JsonValue] = {"mirror": mirror.name, "code": error.code, "reason": error.detail}
        with self._catalog.write() as unit:
            known, suite = unit.mirror(mirror.id).state, unit.suite(mirror.suite_id)
            detail["failures"], detail["is_news"] = streaks.failed(
                unit, subject_of(mirror), now, streaks.MIRROR_PATIENCE, otherwise=known.error_code != error.code
            )
            unit.note_mirror(mirror.id, replace(known, attempted_at=now, error=error.detail, error_code=error.code))
            unit.audit(AuditEntry("MIRROR_RUN", "FAILURE", actor, now, suite=suite.codename, detail=detail))
        _log.warning("mirror.refused", mirror=mirror.name, code=error.code, reason=error.detail)

    def unchanged(self, mirror: Mirror, actor: Actor, root: Root | None = None) -> None:
        """A run has found nothing new; ``root`` is what it looked at."""
        now = self._now()
        with self._catalog.write() as unit:
            known, suite = unit.mirror(mirror.id).state, unit.suite(mirror.suite_id)
            state = replace(known, root=root or known.root, checked_at=now, attempted_at=now, error="", error_code="")
            unit.note_mirror(mirror.id, state)
            if failures := _recovered(unit, mirror, now):
                detail: dict[str, JsonValue] = {"mirror": mirror.name, "failures": failures}
                unit.audit(AuditEntry("MIRROR_RUN", "SUCCESS", actor, now, suite=suite.codename, detail=detail))

    def changed(
        self, unit: Writing, mirror: Mirror, actor: Actor, state: MirrorState, figures: dict[str, JsonValue]
    ) -> None:
        """A run has put something new in force, with these figures."""
        now, codename = self._now(), unit.suite(mirror.suite_id).codename
        unit.note_mirror(mirror.id, replace(state, checked_at=now, changed_at=now, attempted_at=now))
        detail = {"mirror": mirror.name, **figures, "notes": list(state.notes)}
        detail["failures"] = _recovered(unit, mirror, now)
        unit.audit(AuditEntry("MIRROR_RUN", "SUCCESS", actor, now, suite=codename, detail=detail))


def _recovered(unit: Writing, mirror: Mirror, now: datetime) -> int:
    return streaks.ended(unit, subject_of(mirror), now, streaks.MIRROR_PATIENCE)


def subject_of(mirror: Mirror) -> str:
    """Of its failures."""
    return f"mirror/{mirror.id}"
