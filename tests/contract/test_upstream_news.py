"""What is news of mirrors and sources: that it begins to go wrong, or wrong in another way, and that it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from entrepot.adapters.catalog.records import AuditEntry
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import SuiteOptions
from entrepot.domain.upstream.mirror import Mirror, MirrorId
from entrepot.domain.upstream.source import Root, Source, SourceId
from entrepot.errors import UpstreamDigest, UpstreamMissing
from entrepot.services.notify import UpstreamExpiry
from entrepot.services.notify.events import event_of, kind_of, title
from entrepot.services.upstream import streaks
from entrepot.services.upstream.mirrors.endings import Endings
from entrepot.testing.memory import ADMIN

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    found = SqlCatalog(f"sqlite:///{tmp_path}/c.db")
    yield found
    found.close()


def mirror_in(catalog: SqlCatalog) -> Mirror:
    source = Source(SourceId(0), "tools", "Tools", Format.DEB, "http://127.0.0.1/tools", "stable", ("main",))
    with catalog.write() as unit:
        number = unit.add_source(source)
        archive = unit.add_archive(Format.DEB, "tools")
        suite = unit.add_suite(archive, "stable", SuiteOptions(), NOW, verbatim=True)
        mirror = Mirror(MirrorId(0), "tools", number, suite.id)
        return replace(mirror, id=unit.add_mirror(mirror))


def entries(catalog: SqlCatalog) -> list[AuditEntry]:
    """Oldest first."""
    with catalog.read() as reading:
        return list(reversed(list(reading.audit_entries(500))))


def test_a_mirror_that_fails_is_news_once_and_so_is_its_recovery(catalog: SqlCatalog) -> None:
    mirror, endings = mirror_in(catalog), Endings(catalog, lambda: NOW)
    for error in (UpstreamMissing("a"), UpstreamMissing("a"), UpstreamDigest("b")):
        endings.failed(mirror, ADMIN, error)
    endings.unchanged(mirror, ADMIN)
    endings.unchanged(mirror, ADMIN)
    endings.failed(mirror, ADMIN, UpstreamMissing("c"))
    events = [event for entry in entries(catalog) if (event := event_of(entry)) is not None]
    assert [(event.kind, event.reason, event.more.get("failures")) for event in events] == [
        ("mirror_failed", "a", 1),
        ("mirror_failed", "b", 3),
        ("mirror_recovered", "", 3),
        ("mirror_failed", "c", 1),
    ]
    assert title(events[0]) == "mirror_failed: mirror tools in stable"


def test_a_source_is_news_when_it_failed_three_times_in_a_row(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        told = [
            streaks.failed(unit, "source/1", NOW, streaks.SOURCE_PATIENCE, otherwise=otherwise)
            for otherwise in (True, False, False, False, True)
        ]
        ends = [streaks.ended(unit, "source/1", NOW, streaks.SOURCE_PATIENCE) for _ in range(2)]
        streaks.failed(unit, "source/1", NOW, streaks.SOURCE_PATIENCE, otherwise=True)
        ends.append(streaks.ended(unit, "source/1", NOW, streaks.SOURCE_PATIENCE))
    assert told == [(1, False), (2, False), (3, True), (4, False), (5, True)]
    assert ends == [5, 0, 0], "once is none"


def test_the_end_of_what_an_upstream_has_signed_is_told_in_time_and_once(catalog: SqlCatalog) -> None:
    mirror = mirror_in(catalog)
    root = Root("0" * 64, NOW, valid_until=NOW + timedelta(days=7))
    with catalog.write() as unit:
        unit.note_mirror(mirror.id, replace(mirror.state, root=root))
        unit.note_source(mirror.source_id, replace(unit.source(mirror.source_id).state, root=root))
    told = []
    for day in range(10):
        before = len(entries(catalog))
        for _ in range(2):  # of two nodes
            UpstreamExpiry(catalog, lambda at=day: NOW + timedelta(days=at)).look()  # type: ignore[misc]
        told += [(day, len(entries(catalog)) - before)] * (len(entries(catalog)) > before)
    assert told == [(5, 2), (7, 2)], "of the mirror and of the source"
    assert {kind_of(entry) for entry in entries(catalog)} == {"upstream_expiring"}


@pytest.mark.parametrize(
    ("action", "result", "detail", "kind"),
    [
        ("SYNC", "FAILURE", {"source": "debian", "is_news": False}, None),
        ("SECURITY_SYNC", "FAILURE", {"source": "debian", "is_news": True}, "source_failed"),
        ("SYNC", "SUCCESS", {"source": "debian", "failures": 0}, None),
        ("SYNC", "SUCCESS", {"source": "debian", "failures": 4}, "source_recovered"),
        ("MIRROR_RUN", "START", {"mirror": "debian"}, None),
        ("BUNDLE_IMPORT", "START", {"bundle": "b"}, None),
        ("BUNDLE_IMPORT", "PARTIAL", {"bundle": "b"}, "bundle_received"),
        ("BUNDLE_IMPORT", "FAILURE", {"bundle": "b"}, "bundle_refused"),
    ],
)
def test_which_entries_are_events(action: str, result: str, detail: dict[str, str | bool | int], kind: str) -> None:
    assert kind_of(AuditEntry(action, result, ADMIN, NOW, detail=dict(detail))) == kind
