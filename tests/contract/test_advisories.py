"""What the catalog keeps of advisories, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase, covering
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.advisories.advisory import Advisory, Exploitation
from entrepot.domain.advisories.osv import read_osv
from entrepot.testing.advisories import affected, osv

NOW = datetime(2026, 5, 3, 4, 5, 6, 789, tzinfo=UTC)
BOOKWORM, JAMMY = "Debian:12", "Ubuntu:22.04:LTS"


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def feed(catalog: SqlCatalog, name: str = "debian", kind: FeedKind = FeedKind.OSV) -> int:
    with catalog.write() as unit:
        return unit.hold_feed(name, kind).id


def put(catalog: SqlCatalog, number: int, *records: bytes) -> None:
    with catalog.write() as unit:
        unit.put_advisories(number, [(read_osv(record), "0" * 64) for record in records])


def known(catalog: SqlCatalog, *names: str, contexts: tuple[str, ...] = (BOOKWORM,)) -> dict[str, Advisory]:
    with catalog.read() as reading:
        return {each.id: each for each in reading.advisories(contexts, names)}


FIRST = osv("A-1", affected(BOOKWORM, "a", ("fixed", "1")), affected(BOOKWORM, "b"), affected(JAMMY, "a"))
SECOND = osv("A-2", affected(BOOKWORM, "a", versions=["3", "4"], urgency="low"), upstream=["CVE-2026-0001"])


def test_an_advisory_comes_back_with_what_was_asked_for(catalog: SqlCatalog) -> None:
    number = feed(catalog)
    put(catalog, number, FIRST, SECOND)
    found = known(catalog, "a", "zzz")
    assert set(found) == {"A-1", "A-2"}
    assert found["A-2"] == read_osv(SECOND)
    assert found["A-1"].affected == read_osv(FIRST).affected[:1]
    assert set(known(catalog, "b")) == {"A-1"}
    assert set(known(catalog, "a", contexts=(JAMMY,))) == {"A-1"}
    both = known(catalog, "a", "b", contexts=(BOOKWORM, JAMMY))["A-1"]
    assert {(entry.context, entry.name) for entry in both.affected} == {(BOOKWORM, "a"), (BOOKWORM, "b"), (JAMMY, "a")}
    assert known(catalog, "a", contexts=()) == {}
    assert known(catalog) == {}


def test_many_names_at_once(catalog: SqlCatalog) -> None:
    number = feed(catalog)
    put(catalog, number, *(osv(f"A-{each}", affected(BOOKWORM, f"p{each}")) for each in range(1200)))
    assert len(known(catalog, *(f"p{each}" for each in range(1500)))) == 1200


def test_a_new_text_replaces_the_old_one(catalog: SqlCatalog) -> None:
    number = feed(catalog)
    put(catalog, number, FIRST)
    put(catalog, number, osv("A-1", affected(BOOKWORM, "c"), modified="2026-06-01T00:00:00Z"))
    assert known(catalog, "a", "b") == {}
    assert set(known(catalog, "c")) == {"A-1"}


def test_withdrawn_and_dropped_ones_are_not_told(catalog: SqlCatalog) -> None:
    number = feed(catalog)
    put(catalog, number, FIRST, SECOND)
    put(catalog, number, osv("A-1", affected(BOOKWORM, "a"), withdrawn="2026-05-01T00:00:00Z"))
    assert set(known(catalog, "a")) == {"A-2"}
    with catalog.write() as unit:
        unit.drop_advisories(number, ["A-2", "A-9"])
    assert known(catalog, "a") == {}
    with catalog.read() as reading:
        assert set(reading.advisory_ages(number)) == {"A-1"}


def test_a_feed_that_drops_an_advisory_takes_nothing_from_another(catalog: SqlCatalog) -> None:
    one, other = feed(catalog, "one"), feed(catalog, "other")
    put(catalog, one, FIRST)
    put(catalog, other, FIRST)
    with catalog.write() as unit:
        unit.drop_advisories(one, ["A-1"])
    assert set(known(catalog, "a")) == {"A-1"}


def test_names_of_which_something_changed(catalog: SqlCatalog) -> None:
    number = feed(catalog)
    with catalog.read() as reading:
        assert reading.advisories_changed_since(0).names == []
        assert reading.advisory_position() == 0
    put(catalog, number, FIRST)
    put(catalog, number, SECOND)
    with catalog.read() as reading:
        everything = reading.advisories_changed_since(0)
        assert set(everything.names) == {(BOOKWORM, "a"), (BOOKWORM, "b"), (JAMMY, "a")}
        assert everything.position == reading.advisory_position()
        assert list(reading.advisories_changed_since(0, [JAMMY]).names) == [(JAMMY, "a")]
        assert reading.advisories_changed_since(everything.position).names == []
    put(catalog, number, osv("A-1", affected(BOOKWORM, "c")))
    with catalog.read() as reading:
        later = reading.advisories_changed_since(everything.position)
        assert set(later.names) == {(BOOKWORM, "a"), (BOOKWORM, "b"), (BOOKWORM, "c"), (JAMMY, "a")}
        assert later.position > everything.position
    with catalog.write() as unit:
        unit.drop_advisories(number, ["A-1"])
    with catalog.read() as reading:
        assert list(reading.advisories_changed_since(later.position).names) == [(BOOKWORM, "c")]


def test_changes_in_pages_miss_nothing(catalog: SqlCatalog) -> None:
    number = feed(catalog)
    for each in range(5):
        put(catalog, number, *(osv(f"A-{each}-{one}", affected(BOOKWORM, f"p{each}-{one}")) for one in range(7)))
    seen, position, more = set(), 0, True
    while more:
        with catalog.read() as reading:
            page = reading.advisories_changed_since(position, limit=10)
        assert page.position > position
        seen |= set(page.names)
        position, more = page.position, page.more
    assert len(seen) == 35


def test_the_state_of_a_feed_is_kept(catalog: SqlCatalog) -> None:
    number = feed(catalog)
    put(catalog, number, FIRST, SECOND, osv("A-3", affected(JAMMY, "z"), withdrawn="2026-05-01T00:00:00Z"))
    with catalog.write() as unit:
        state = unit.hold_feed("debian", FeedKind.OSV)
        assert (state.id, state.phase, state.complete) == (number, FeedPhase.NEVER, False)
        count, newest, contexts = unit.count_contexts(number)
        assert (count, contexts) == (3, {BOOKWORM: 2, JAMMY: 1})
        changed = replace(
            state,
            phase=FeedPhase.COMPLETE,
            count=count,
            newest_at=newest,
            imported_at=NOW,
            contexts=contexts,
            validators={"etag": '"x"'},
            digest="d" * 64,
        )
        unit.note_feed(changed)
    with catalog.read() as reading:
        assert reading.feed_state("debian") == changed
        assert reading.feed_states() == [changed]
        assert reading.feed_state("other") is None
    assert covering([changed], [BOOKWORM]) == [changed]
    assert covering([changed], ["Debian:11"]) == []


def test_exploitation_from_both_sides(catalog: SqlCatalog) -> None:
    exploited = Exploitation("CVE-2026-0001", True, NOW, NOW, "Apply updates.", ransomware=True)
    with catalog.write() as unit:
        unit.put_exploited([exploited])
        unit.put_probabilities([("CVE-2026-0001", 0.5, 0.9), ("CVE-2026-0002", 0.25, 0.75)])
    with catalog.write() as unit:
        assert unit.exploited() == {"CVE-2026-0001": replace(exploited, epss=0.5, epss_percentile=0.9)}
        assert unit.probabilities("", 1) == [("CVE-2026-0001", 0.5, 0.9)]
        assert unit.probabilities("CVE-2026-0001", 10) == [("CVE-2026-0002", 0.25, 0.75)]
        unit.put_exploited([replace(exploited, kev_action="More.")])
        unit.drop_exploited(["CVE-2026-0009"])
    with catalog.read() as reading:
        found = reading.exploitation(["CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003"])
        assert set(found) == {"CVE-2026-0001", "CVE-2026-0002"}
        assert found["CVE-2026-0001"].kev_action == "More."
        assert found["CVE-2026-0001"].epss == 0.5
        assert found["CVE-2026-0002"] == Exploitation("CVE-2026-0002", epss=0.25, epss_percentile=0.75)
    with catalog.write() as unit:
        unit.drop_exploited(["CVE-2026-0001"])
        unit.drop_probabilities(["CVE-2026-0002"])
    with catalog.read() as reading:
        found = reading.exploitation(["CVE-2026-0001", "CVE-2026-0002"])
        assert (found["CVE-2026-0001"].in_kev, found["CVE-2026-0001"].epss) == (False, 0.5)
        assert found["CVE-2026-0002"].epss is None
