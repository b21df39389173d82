"""Promotions in the catalog, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.contract.test_catalogs import NOW, make_suite, put

from entrepot.adapters.catalog.promotions import PromotionState, StoredPromotion
from entrepot.adapters.catalog.records import Admission, AdmissionState, JsonValue
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.actor import SYSTEM
from entrepot.errors import NotFound


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def test_a_promotion_is_decided_once_and_found_by_its_state(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        source, target = make_suite(unit), make_suite(unit, "noble")
        package = put(unit, source, "hello")
        verdict = {"verdict": "hold", "reasons": ["looks odd"]}
        wanted = StoredPromotion(
            0, source.id, target.id, "hello", "1.0", (package,), PromotionState.PENDING, verdict, "why", "rita", NOW
        )
        numbers = [unit.add_promotion(wanted) for _ in range(3)]
    answers = []
    for state in (PromotionState.APPROVED, PromotionState.REJECTED):
        with catalog.write() as unit:
            answers.append(unit.decide_promotion(numbers[0], state, "rita", NOW, "so"))
    assert answers == [True, False]
    with catalog.read() as reading:
        stored = reading.promotion(numbers[0])
        assert (stored.state, stored.decided_by, stored.decided_at, stored.decision) == (
            PromotionState.APPROVED,
            "rita",
            NOW,
            "so",
        )
        assert (stored.packages, stored.verdict) == ((package,), verdict)
        page, total = reading.promotion_page(PromotionState.PENDING, 1, 5)
        assert ([one.id for one in page], total) == ([numbers[1]], 2)
        assert reading.promotion_page(None, 0, 1)[1] == 3
        assert [one.id for one in reading.open_promotions(target.id, "hello")] == numbers[1:]
        assert reading.open_promotions(source.id, "hello") == []
        with pytest.raises(NotFound):
            reading.promotion(10**12)


def test_batches_are_found_by_suite_and_name(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        source, target = make_suite(unit), make_suite(unit, "noble")
        packages = {name: put(unit, source, name) for name in ("b", "a", "c")}
        unit.add_admission(
            Admission(0, target.id, packages["c"], "main", AdmissionState.HELD, (), ("odd",), "rita", NOW)
        )
        unit.withdraw(source.id, packages["b"], unit.touch_suite(source.id))
    with catalog.read() as reading:
        assert reading.shelved_in(source.id) == [(packages["a"], "a"), (packages["c"], "c")]
        assert reading.shelved_in(source.id, {"c", "absent"}) == [(packages["c"], "c")]
        assert reading.shelved_in(target.id) == []
        assert reading.live_among(source.id, packages.values()) == {packages["a"], packages["c"]}
        assert [one.package.id for one in reading.placements_of(source.id, [packages["c"]])] == [packages["c"]]
        assert [one.suite_id for one in reading.admissions_of(packages.values())] == [target.id]
        assert [one.id for one in reading.packages({packages["b"]})] == [packages["b"]]


def test_what_waits_for_its_age_is_found_by_the_code_of_the_rule(catalog: SqlCatalog) -> None:
    later = NOW + timedelta(days=1)
    young: dict[str, JsonValue] = {
        "name": "age",
        "policy": [{"code": "cooldown.young", "action": "review", "message": "it cools down"}],
    }
    forged: dict[str, JsonValue] = {"name": "structure", "detail": 'says "code": "cooldown.young" of itself'}
    with catalog.write() as unit:
        source, target = make_suite(unit), make_suite(unit, "noble")
        numbers = []
        for name, step in (("a", young), ("b", forged), ("c", young)):
            package = put(unit, source, name)
            held = Admission(0, target.id, package, "main", AdmissionState.HELD, (step,), ("why",), "rita", NOW)
            numbers.append(unit.add_admission(held))
        verdict = {"verdict": "hold", "reasons": ["it cools down"], "codes": ["cooldown.young"]}
        pending = StoredPromotion(
            0, source.id, target.id, "a", "1.0", (package,), PromotionState.PENDING, verdict, "why", "rita", NOW
        )
        promoted = unit.add_promotion(pending)
    with catalog.read() as reading:
        assert reading.cooling_admissions(target.id, later, 10) == [numbers[0], numbers[2]]
        assert reading.cooling_admissions(target.id, later, 1) == numbers[:1]
        assert reading.cooling_admissions(source.id, later, 10) == []
        assert reading.cooling_admissions(target.id, NOW - timedelta(days=999), 10) == []
        assert [one.id for one in reading.held_admissions(target.id, numbers[0], 10)] == numbers[1:]
        assert [one.id for one in reading.cooling_promotions(0, 10)] == [promoted]
        assert reading.cooling_promotions(promoted, 10) == []
    with catalog.write() as unit:
        unit.restate_promotion(promoted, {**verdict, "codes": ["control.essential"]})
        held = unit.admission(numbers[0])
        steps = [{"name": "structure"}]
        assert unit.decide_admission(held.id, AdmissionState.HELD, steps, ["odd"], SYSTEM, NOW, "", None)
    with catalog.read() as reading:
        assert reading.cooling_promotions(0, 10) == []
        assert reading.cooling_admissions(target.id, later, 10) == [numbers[2]]
