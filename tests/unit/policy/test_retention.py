"""Which versions go, and which never."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.model.suite import PackageId
from entrepot.domain.policy.retention import Reason, Rules, Stay, groups, judge
from entrepot.domain.versions import deb, rpm

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def stay(
    version: str, days: float = 100, *, pinned: bool = False, name: str = "a", architecture: str = "amd64"
) -> Stay:
    return Stay(PackageId(hash(version)), name, architecture, version, NOW - timedelta(days=days), 10, pinned)


def leaving(stays: list[Stay], rules: Rules) -> dict[str, Reason]:
    return {one.version: reason for one, reason in judge(stays, deb.compare, rules, NOW).leaving}


def test_the_newest_by_the_order_of_the_format_stay() -> None:
    stays = [stay(version) for version in ("1.9", "1.10", "1.10~rc1", "1:0.1", "1.2")]
    assert set(leaving(stays, Rules(2))) == {"1.10~rc1", "1.9", "1.2"}
    rpms = [stay(version) for version in ("1.9-1", "1.10-1", "1.10-0.rc1", "1:0.1-1")]
    assert {one.version for one, _ in judge(rpms, rpm.compare, Rules(2), NOW).leaving} == {"1.9-1", "1.10-0.rc1"}


def test_zero_keeps_all_of_them() -> None:
    assert leaving([stay(str(number)) for number in range(50)], Rules(0)) == {}


def test_pinned_and_young_ones_are_spared_and_take_no_place_of_others() -> None:
    rules = Rules(1, timedelta(days=7))
    verdict = judge([stay("4"), stay("3"), stay("2", pinned=True), stay("1", days=1)], deb.compare, rules, NOW)
    assert [one.version for one, _ in verdict.leaving] == ["3"]
    assert {one.version for one in verdict.spared} == {"2", "1"}


def test_age_takes_all_but_the_newest() -> None:
    stays = [stay("1", days=400), stay("2", days=300), stay("3", days=200), stay("4", days=10)]
    rules = Rules(0, most_age=timedelta(days=90))
    assert leaving(stays, rules) == {"1": Reason.AGE, "2": Reason.AGE, "3": Reason.AGE}
    assert set(leaving(stays[:3], rules)) == {"1", "2"}, "the newest stays, however old it is"
    assert leaving([stay("1", days=400)], rules) == {}


def test_what_was_imported_goes_by_the_shorter_age() -> None:
    stays = [replace(stay(version, days=days), imported=True) for version, days in (("1", 50), ("2", 40), ("3", 5))]
    stays.append(stay("0", days=50))
    rules = Rules(0, most_age=timedelta(days=90), most_import_age=timedelta(days=45))
    assert set(leaving(stays, rules)) == {"1"}
    assert set(leaving(stays, Rules(0, most_age=timedelta(days=30), most_import_age=timedelta(days=45)))) == {
        "0",
        "1",
        "2",
    }


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(~rc[0-9])?", fullmatch=True), st.floats(0, 500), st.booleans()
        ),
        max_size=30,
        unique_by=lambda one: one[0],
    ),
    st.integers(0, 6),
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(1, 400)),
)
def test_whatever_the_rules_the_newest_and_the_pinned_stay(
    versions: list[tuple[str, float, bool]], most: int, least: int, days: int | None
) -> None:
    stays = [stay(version, age, pinned=pinned) for version, age, pinned in versions]
    rules = Rules(most, timedelta(days=least), None if days is None else timedelta(days=days))
    verdict = judge(stays, deb.compare, rules, NOW)
    gone = [one for one, _ in verdict.leaving]
    assert not any(one.pinned for one in gone)
    kept = [one for one in stays if one not in gone]
    if stays:
        newest = max(stays, key=lambda one: deb.sort_key(one.version))
        assert any(deb.compare(one.version, newest.version) == 0 for one in kept)
    if most and days is None:
        assert len(kept) >= min(most, len(stays))
        young = {one.version for one in stays if NOW - one.added_at < timedelta(days=least)}
        assert not young & {one.version for one in gone}


def test_names_are_grouped_by_architecture() -> None:
    stays = [stay("1"), stay("2", architecture="arm64"), stay("3"), stay("1", name="b")]
    found = [(name, [[one.version for one in group] for group in by]) for name, by in groups(stays)]
    assert found == [("a", [["1", "3"], ["2"]]), ("b", [["1"]])]
