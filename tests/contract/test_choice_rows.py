"""Rows of mirrors that are signed here, on both databases: what is chosen, and what holds a suite back."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from entrepot.adapters.catalog.choices import CarriedDocument, ChoiceNews, ChoiceState, Listed
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.erratum import Erratum, ErratumKind
from entrepot.domain.model.finding import Severity
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import SuiteOptions
from entrepot.domain.upstream.listed import ListedPackage
from entrepot.domain.upstream.mirror import Mirror, MirrorId, MirrorKind, OnBad
from entrepot.domain.upstream.sieve import Filter
from entrepot.domain.upstream.source import Source, SourceId, SourceState
from entrepot.errors import LostRace

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
FILTER = Filter(names=("a*",), newest=2, with_dependencies=True)


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    opened = SqlCatalog(database_url)
    yield opened
    opened.close()


@pytest.fixture
def mirror(catalog: SqlCatalog) -> Mirror:
    with catalog.write() as unit:
        source = unit.add_source(Source(SourceId(0), "vendor", "Vendor", Format.DEB, "http://192.0.2.1/deb", "stable"))
        suite = unit.add_suite(unit.add_archive(Format.DEB, "vendor"), "stable", SuiteOptions(), NOW)
        unit.await_first_run(suite.id)
        wanted = Mirror(MirrorId(0), "vendor", source, suite.id, 6, OnBad.HOLD, kind=MirrorKind.RESIGNED, filter=FILTER)
        return unit.mirror(unit.add_mirror(wanted))


def listed(name: str, version: str = "1.0") -> Listed:
    key = PackageKey(Format.DEB, name, version, "amd64")
    return Listed(1, key, "main", "utils", "optional", f"pool/{name}.deb", 7, f"sha256:{digest_of(name.encode())}")


def test_a_filter_is_kept_and_changed(catalog: SqlCatalog, mirror: Mirror) -> None:
    with catalog.read() as reading:
        found = reading.mirror_called("vendor")
    assert found == mirror
    assert (found.kind, found.filter, found.keep_removed, found.on_bad) == (
        MirrorKind.RESIGNED,
        FILTER,
        False,
        OnBad.HOLD,
    )


def test_a_suite_is_held_back_until_its_run_has_ended(catalog: SqlCatalog, mirror: Mirror) -> None:
    with catalog.write() as unit:
        assert mirror.suite_id not in unit.unpublished_suites()
        number = unit.begin_run(mirror.id)
        unit.begin_settling(mirror.id, mirror.suite_id, number)
    with catalog.write() as unit:
        assert unit.suite(mirror.suite_id).settling == number
        unit.touch_suite(mirror.suite_id)
        assert mirror.suite_id not in unit.unpublished_suites()
        unit.end_settling(mirror.suite_id)
        assert mirror.suite_id in unit.unpublished_suites()
        unit.begin_run(mirror.id)
    with pytest.raises(LostRace), catalog.write() as unit:
        unit.begin_settling(mirror.id, mirror.suite_id, number)


def test_choices_go_from_run_to_run(catalog: SqlCatalog, mirror: Mirror) -> None:
    with catalog.write() as unit:
        first = unit.begin_run(mirror.id)
        unit.want_choices(mirror.id, first, [(listed("a"), False), (listed("b"), True), (listed("c"), False)], "rules")
        rows = {one.key.name: one for one in unit.choices(mirror.id, [ChoiceState.WANTED], first, 10)}
        assert [rows[name].needed for name in "abc"] == [False, True, False]
        step = {"name": "structure", "result": "clean"}
        unit.note_choices(
            [
                ChoiceNews(rows["a"].number, ChoiceState.READY, steps=[step]),
                ChoiceNews(rows["b"].number, ChoiceState.REFUSED, reason="no"),
                ChoiceNews(rows["c"].number, ChoiceState.BAD, reason="missing"),
            ]
        )
    with catalog.write() as unit:
        second = unit.begin_run(mirror.id)
        again = [(listed("a"), False), (listed("b"), True), (listed("c"), False), (listed("a", "2.0"), False)]
        unit.want_choices(mirror.id, second, again, "rules")
        assert [one.key.name for one in unit.choices(mirror.id, [ChoiceState.WANTED], second, 10)] == ["c", "a"]
        [ready] = unit.choices(mirror.id, [ChoiceState.READY], second, 10)
        assert (ready.key.version, list(ready.steps)) == ("1.0", [step])
        counts = unit.choice_counts(mirror.id)
        assert counts == {
            ChoiceState.READY: (1, 7),
            ChoiceState.REFUSED: (1, 7),
            ChoiceState.WANTED: (2, 14),
        }
        page, total = unit.choice_page(mirror.id, None, 1, 2)
        assert ([one.key.name for one in page], total) == (["a", "b"], 4)
        assert unit.choice_page(mirror.id, ChoiceState.REFUSED, 0, 9)[0][0].reason == "no"
        third = unit.begin_run(mirror.id)
        unit.want_choices(mirror.id, third, [(listed("b"), True)], "other rules")
        assert [one.key.name for one in unit.choices(mirror.id, [ChoiceState.WANTED], third, 10)] == ["b"]
        left = unit.left_choices(mirror.id, third, 10)
        assert [one.key.name for one in left] == ["a", "c", "a"]
        unit.want_left(third, [left[0].number])
        unit.forget_choices([one.number for one in left[1:]])
        assert unit.left_choices(mirror.id, third, 10) == []
        unit.remove_mirror(mirror)
    with catalog.read() as reading:
        assert reading.suite(mirror.suite_id).settling == 0, "the suite stays, and is free"


def test_documents_are_shown_when_all_of_them_are_there(catalog: SqlCatalog, mirror: Mirror) -> None:
    def bring(*documents: tuple[str, bytes]) -> bool:
        with catalog.write() as unit:
            for kind, text in documents:
                packed = CarriedDocument(kind, digest_of(text), gzip.compress(text, mtime=0))
                unit.bring_document(mirror.suite_id, packed, NOW)
        with catalog.write() as unit:
            return unit.show_documents(mirror.suite_id)

    assert bring(("repomd", b"1"), ("group", b"one"))
    assert not bring(), "nothing was brought: what is shown stays"
    assert not bring(("repomd", b"2"), ("group", b"one")), "clients see no difference"
    assert bring(("repomd", b"3"), ("modules", b"two"))
    with catalog.read() as reading:
        assert [one.kind for one in reading.documents(mirror.suite_id)] == ["modules", "repomd"]
        assert reading.documents(mirror.suite_id, shown=False) == []


def test_carried_errata_are_told_from_our_own(catalog: SqlCatalog, mirror: Mirror) -> None:
    words = (ErratumKind.SECURITY, Severity.HIGH, "t", "d", (), (), (), NOW, NOW, "vendor")
    with catalog.write() as unit:
        unit.add_erratum(Erratum(0, mirror.suite_id, "OWN-1", *words))
        extra = {"digest": "abc", "from": "v"}
        number = unit.add_erratum(Erratum(0, mirror.suite_id, "V-1", *words, origin="vendor", extra=extra))
        known = unit.carried_errata(mirror.suite_id)
        assert known["V-1"] == (number, "vendor", "abc")
        assert known["OWN-1"][1:] == ("", "")
        assert unit.erratum(mirror.suite_id, "V-1").extra == extra


def test_what_a_source_lists_is_read_in_pages(catalog: SqlCatalog, mirror: Mirror) -> None:
    packages = [
        ListedPackage(f"p{number}", "1", "amd64", f"pool/{number}", 7, f"sha256:{number:064d}", priority="required")
        for number in range(5)
    ]
    with catalog.write() as unit:
        generation = unit.begin_generation(mirror.source_id)
        unit.add_upstream(mirror.source_id, generation, 0, packages)
        unit.switch_upstream(mirror.source_id, generation, SourceState(package_count=5))
    with catalog.read() as reading:
        first = reading.listed(mirror.source_id, -1, 3)
        rest = reading.listed(mirror.source_id, first[-1].number, 3)
    assert [one.key.name for one in (*first, *rest)] == ["p0", "p1", "p2", "p3", "p4"]
    assert {one.priority for one in first} == {"required"}
